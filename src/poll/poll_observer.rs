//! Observation of polls.

use std::fmt;

use crate::model::{PollOutcome, TargetId};

/// Receives the outcome of each poll after it was committed.
pub trait PollObserver: fmt::Debug + Send + Sync {
    /// Called after each poll of the target.
    fn polled(&self, id: &TargetId, outcome: PollOutcome);
}
