//! History of the polls of a target.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use crate::model::PollOutcome;

/// A finished poll.
#[derive(Debug, Clone, PartialEq)]
pub struct PollRecord {
    /// The outcome.
    pub outcome: PollOutcome,
    /// The end, as time since the Unix epoch.
    pub ended: Duration,
    /// The duration.
    pub took: Duration,
    /// The number of listed objects; none if the poll failed.
    pub objects: Option<usize>,
    /// The error message, without secrets.
    pub error: Option<String>,
}

/// The last polls, and earlier failed polls, so that a failure at night is visible in the morning.
#[derive(Debug, Clone, Default)]
pub struct PollHistory {
    recent: VecDeque<Arc<PollRecord>>,
    failures: VecDeque<Arc<PollRecord>>,
}

impl PollHistory {
    /// Maximum number of polls, and of earlier failed polls.
    const CAPACITY: usize = 20;

    pub(super) fn add(&mut self, poll: PollRecord) {
        self.recent.push_front(Arc::new(poll));
        if self.recent.len() <= Self::CAPACITY {
            return;
        }
        let oldest = self.recent.pop_back();
        if let Some(failed) = oldest.filter(|poll| poll.outcome != PollOutcome::Success) {
            self.failures.push_front(failed);
            self.failures.truncate(Self::CAPACITY);
        }
    }

    /// The last poll.
    pub fn last(&self) -> Option<&PollRecord> {
        self.recent.front().map(Arc::as_ref)
    }

    /// The last consecutive polls, the most recent first.
    pub fn recent(&self) -> impl Iterator<Item = &PollRecord> {
        self.recent.iter().map(Arc::as_ref)
    }

    /// All polls in the history, the most recent first.
    pub fn iter(&self) -> impl Iterator<Item = &PollRecord> {
        self.recent.iter().chain(&self.failures).map(Arc::as_ref)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ErrorClass;

    #[test]
    fn old_failures_outlive_old_successes_and_both_are_bounded() {
        let mut history = PollHistory::default();
        for second in 0..1000 {
            let outcome = match second % 10 {
                0 => PollOutcome::Failure(ErrorClass::Throttled),
                _ => PollOutcome::Success,
            };
            let ended = Duration::from_secs(second);
            history.add(PollRecord { outcome, ended, took: ended, objects: None, error: None });
        }
        let kept: Vec<_> = history.iter().map(|poll| poll.ended.as_secs()).collect();
        assert_eq!(kept[..20], (980..1000).rev().collect::<Vec<_>>());
        assert_eq!(kept[20..], (78..98).rev().map(|ten| ten * 10).collect::<Vec<_>>());
    }
}
