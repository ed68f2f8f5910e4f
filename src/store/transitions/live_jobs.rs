//! The live jobs of a deployment: starting, running or cancelling.

use serde::{Deserialize, Serialize};

use crate::model::{JobCounts, JobState};

/// The live jobs of a deployment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LiveJobs {
    /// Counts in the order of [`JobState::LIVE`]: 0 if not returned, none if invalid.
    counts: [Option<u32>; 3],
}

impl LiveJobs {
    pub(super) fn of(jobs: &JobCounts) -> Self {
        let count = |state| match jobs.get(state) {
            Some(count) => Some(u32::try_from(count).unwrap_or(u32::MAX)),
            None => (!jobs.is_invalid(state)).then_some(0),
        };
        Self { counts: JobState::LIVE.map(count) }
    }

    /// The number of jobs in a live state; none if the count is invalid.
    pub(super) fn get(self, state: JobState) -> Option<u32> {
        JobState::LIVE.iter().position(|&live| live == state).and_then(|index| self.counts[index])
    }

    /// Whether there is no live job; false if unknown.
    pub(super) fn is_none(self) -> bool {
        self.counts.iter().all(|&count| count == Some(0))
    }
}
