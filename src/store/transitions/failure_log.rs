//! Recently observed job failures, for pages and the JSON API.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

/// How long failures are kept.
const KEPT: Duration = Duration::from_secs(3600);

/// Maximum number of failures per namespace. The oldest are dropped first.
const MAX_FAILURES: usize = 50_000;

/// The failures of the last hour in the order of observation. Not saved.
#[derive(Debug, Default)]
pub(super) struct FailureLog(VecDeque<ObservedFailure>);

#[derive(Debug)]
struct ObservedFailure {
    /// The end of the poll, as time since the Unix epoch.
    observed: Duration,
    id: Box<str>,
    jobs: u64,
}

impl FailureLog {
    pub(super) fn add(&mut self, observed: Duration, id: Box<str>, jobs: u64) {
        if self.0.len() >= MAX_FAILURES {
            self.0.pop_front();
        }
        self.0.push_back(ObservedFailure { observed, id, jobs });
    }

    /// Drops failures that are too old at `now`.
    pub(super) fn forget_before(&mut self, now: Duration) {
        while self.0.front().is_some_and(|failure| failure.observed + KEPT < now) {
            self.0.pop_front();
        }
    }

    /// The number of failures of each deployment at `since` or later.
    pub(super) fn since(&self, since: Duration) -> HashMap<Box<str>, u64> {
        let mut failed: HashMap<Box<str>, u64> = HashMap::new();
        for failure in self.0.iter().filter(|failure| failure.observed >= since) {
            *failed.entry(failure.id.clone()).or_default() += failure.jobs;
        }
        failed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_kept_for_an_hour_and_bounded() {
        let mut failures = FailureLog::default();
        let second = Duration::from_secs;
        failures.add(second(10), "a".into(), 2);
        failures.add(second(20), "b".into(), 1);
        failures.add(second(3000), "a".into(), 3);
        assert_eq!(failures.since(second(20)), HashMap::from([("a".into(), 3), ("b".into(), 1)]));
        failures.forget_before(second(3615));
        assert_eq!(failures.since(Duration::ZERO), HashMap::from([("a".into(), 3), ("b".into(), 1)]));
        for _ in 0..2 * MAX_FAILURES {
            failures.add(second(3000), "c".into(), 1);
        }
        assert_eq!(failures.0.len(), MAX_FAILURES);
    }
}
