//! Counters of ended jobs: `aliyun_flink_deployment_jobs_ended_total`.

use serde::{Deserialize, Serialize};

/// The jobs of a deployment that ended in one state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct EndedJobs {
    /// The last returned count; none before the first one.
    pub(super) count: Option<u64>,
    /// The number of jobs observed to end.
    pub(super) observed: u64,
    /// The last served value of the counter: `observed`, or less while the counter keeps its first value.
    pub(super) served: u64,
}

impl EndedJobs {
    /// Counts the jobs that ended since the last comparison. Returns whether there are any.
    ///
    /// All jobs of a new deployment count (`is_new`). No job counts if the exporter did not run for too long
    /// (`outdated`).
    pub(super) fn update(&mut self, count: u64, is_new: bool, outdated: bool) -> bool {
        let more = match self.count {
            Some(_) if outdated => 0,
            Some(before) => count.saturating_sub(before),
            None if is_new => count,
            None => 0,
        };
        self.count = Some(count);
        self.observed = self.observed.saturating_add(more);
        more > 0
    }

    /// The value of the counter; none if the count was never returned.
    pub(super) fn counter(self) -> Option<u64> {
        self.count.map(|_| self.served)
    }
}
