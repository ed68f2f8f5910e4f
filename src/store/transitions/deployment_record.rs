//! What is remembered of one deployment.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::model::{DeploymentStatus, JobCounts, JobState, ObservedStatus, Transitions};

/// What is remembered of one deployment between polls, and, serialised, between runs.
///
/// The fields that are skipped hold for one run: they are times of the monotonic clock, or what follows from them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct DeploymentRecord {
    /// The live jobs at the last comparison.
    pub(super) live: LiveJobs,
    /// The ended jobs, in the order of [`JobState::ENDED`].
    pub(super) ended: [EndedJobs; 3],
    /// None until a `jobSummary` is returned.
    pub(super) status: Option<ObservedStatus>,
    /// The end of the last poll that returned the deployment, since the Unix epoch. Saved only when the deployment is gone.
    pub(super) last_returned: Duration,
    /// Whether every target of the namespace has been polled without returning it since then.
    pub(super) gone: bool,
    /// Whether what ended since the last comparison is history, since the exporter did not run for too long.
    pub(super) outdated: bool,
    /// When the data that was last compared was requested.
    #[serde(skip)]
    pub(super) requested_at: Option<Instant>,
    /// The counters whose first value is held; none, usually.
    #[serde(skip)]
    pub(super) holds: Option<Box<[Option<Instant>; 3]>>,
    #[serde(skip)]
    pub(super) lookup: Lookup,
    /// When it was first returned in this run, since the Unix epoch.
    #[serde(skip)]
    pub(super) first_seen: Option<Duration>,
    /// Whether its status was known once in this run.
    #[serde(skip)]
    pub(super) status_was_known: bool,
}

/// The live jobs of a deployment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LiveJobs {
    /// In the order of [`JobState::LIVE`]. A count that was not returned is 0, one that could not be decoded is none.
    counts: [Option<u32>; 3],
}

/// The jobs of a deployment that ended in one state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct EndedJobs {
    /// The count as it was last returned; none before the first time.
    pub(super) count: Option<u64>,
    /// The jobs that were observed to end.
    pub(super) observed: u64,
    /// The value of the counter that was last served: `observed`, or less while the first value is held.
    pub(super) served: u64,
}

/// How often the status was looked up by asking the API, since a count last changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Lookup {
    pub(super) attempts: u8,
    pub(super) last: Option<Instant>,
}

impl DeploymentRecord {
    /// A deployment that was not known before.
    pub(super) fn new(returned: Duration) -> Self {
        Self {
            live: LiveJobs::default(),
            ended: Default::default(),
            status: None,
            last_returned: returned,
            gone: false,
            requested_at: None,
            holds: None,
            lookup: Lookup::default(),
            outdated: false,
            first_seen: None,
            status_was_known: false,
        }
    }

    /// What is served of it.
    pub(super) fn transitions(&self) -> Transitions {
        let served = |ended: EndedJobs| ended.count.map(|_| ended.served);
        Transitions { status: self.status, jobs_ended: self.ended.map(served) }
    }

    /// The record of it in the state file. None, which forgets it there, if it can't be encoded.
    pub(super) fn encode(&self) -> Option<Vec<u8>> {
        postcard::to_stdvec(self).ok()
    }

    /// Reads a record; none if it is unreadable.
    pub(super) fn decode(record: &[u8]) -> Option<Self> {
        postcard::from_bytes(record).ok()
    }

    /// Whether its record differs from that of `other`.
    pub(super) fn needs_save(&self, other: &Self) -> bool {
        let recorded = |of: &Self| (of.live, of.ended, of.status, of.gone, of.outdated);
        recorded(self) != recorded(other)
    }

    /// Takes the status that was recorded, if its own is unknown and the counts are the same. Returns whether it did.
    pub(super) fn adopt_status(&mut self, recorded: &Self) -> bool {
        let is_unknown = self.status.is_some_and(|observed| observed.status == DeploymentStatus::Unknown);
        let counts = |of: &Self| (of.live, of.ended.map(|ended| ended.count));
        let takes = is_unknown && recorded.status.is_some() && counts(self) == counts(recorded);
        if takes {
            self.status = recorded.status;
        }
        takes
    }

    /// Whether a job failed since `before`, or the last one had failed at first sight in this run.
    pub(super) fn needs_failure_reason(&self, before: Option<&Self>) -> bool {
        let failed = |of: &Self| {
            JobState::ENDED.into_iter().zip(of.ended).find(|(state, _)| *state == JobState::Failed)
        };
        let count = |of: &Self| failed(of).and_then(|(_, ended)| ended.count);
        let rose = before.is_some_and(|before| count(before).is_some() && count(self) > count(before));
        let observed = before.map_or(0, Self::failed) < self.failed();
        let is_failed = self.status.is_some_and(|observed| observed.status == DeploymentStatus::Failed);
        let status_was_known = before.is_some_and(|before| before.status_was_known);
        rose || observed || (is_failed && !status_was_known)
    }

    /// The jobs observed to fail.
    pub(super) fn failed(&self) -> u64 {
        let failed =
            JobState::ENDED.into_iter().zip(&self.ended).find(|(state, _)| *state == JobState::Failed);
        failed.map_or(0, |(_, ended)| ended.observed)
    }
}

impl LiveJobs {
    pub(super) fn of(jobs: &JobCounts) -> Self {
        let count = |state| match jobs.get(state) {
            Some(count) => Some(u32::try_from(count).unwrap_or(u32::MAX)),
            None => (!jobs.is_invalid(state)).then_some(0),
        };
        Self { counts: JobState::LIVE.map(count) }
    }

    /// The jobs of one live state; none if the count could not be decoded.
    pub(super) fn get(self, state: JobState) -> Option<u32> {
        JobState::LIVE.iter().position(|&live| live == state).and_then(|index| self.counts[index])
    }

    /// Whether there certainly is no live job.
    pub(super) fn is_none(self) -> bool {
        self.counts.iter().all(|&count| count == Some(0))
    }
}
