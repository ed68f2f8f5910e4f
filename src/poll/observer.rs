//! Who is told how polls end.

use std::fmt;

use crate::model::{PollOutcome, TargetId};

/// Is told how each poll ended, after it was reported.
pub trait PollObserver: fmt::Debug + Send + Sync {
    /// A poll of the target ended.
    fn polled(&self, id: &TargetId, outcome: PollOutcome);
}
