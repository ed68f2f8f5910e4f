//! The last polls of a target.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use crate::model::PollOutcome;

/// One finished poll.
#[derive(Debug, Clone, PartialEq)]
pub struct PollRecord {
    /// How it ended.
    pub outcome: PollOutcome,
    /// When it ended, since the Unix epoch.
    pub ended: Duration,
    /// How long it took.
    pub took: Duration,
    /// The number of objects listed; none if it failed.
    pub objects: Option<usize>,
    /// Why it failed: safe to show.
    pub error: Option<String>,
}

/// The last polls, and earlier failed ones: a failure of the night can be seen in the morning.
#[derive(Debug, Clone, Default)]
pub struct PollHistory {
    recent: VecDeque<Arc<PollRecord>>,
    failures: VecDeque<Arc<PollRecord>>,
}

impl PollHistory {
    /// How many polls are kept, and how many earlier failed ones.
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

    /// The last polls without gaps, the most recent first.
    pub fn recent(&self) -> impl Iterator<Item = &PollRecord> {
        self.recent.iter().map(Arc::as_ref)
    }

    /// Every poll that is kept, the most recent first.
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
