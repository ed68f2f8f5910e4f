//! The failure of a job.

use super::{FailureMessage, SharedStr};

/// The failure of a job.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct JobFailure {
    /// `failedAt`, seconds since the Unix epoch.
    pub time: Option<f64>,
    /// `reason`; empty if not returned.
    pub reason: SharedStr,
    /// `message`.
    pub message: Option<FailureMessage>,
}
