//! The transition state of one deployment.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::{ended_jobs::EndedJobs, live_jobs::LiveJobs, status_lookup::LookupAttempts};
use crate::{
    model::{DeploymentStatus, JobState, ObservedStatus, Transitions},
    store::first_value_hold::FirstValueHold,
};

/// The transition state of one deployment across polls and, serialized, across runs.
///
/// Skipped fields are valid within one run only, because they depend on the monotonic clock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct DeploymentRecord {
    /// The live jobs at the last comparison.
    pub(super) live: LiveJobs,
    /// The ended jobs, in the order of [`JobState::ENDED`].
    pub(super) ended: [EndedJobs; 3],
    /// None until the API returns a `jobSummary`.
    pub(super) status: Option<ObservedStatus>,
    /// The end of the last poll that returned the deployment, as time since the Unix epoch. Saved only when the
    /// deployment is gone.
    pub(super) last_returned: Duration,
    /// Whether all targets of the namespace have been polled since then without returning it.
    pub(super) gone: bool,
    /// Whether jobs that ended since the last comparison are not counted, because the exporter did not run for too
    /// long.
    pub(super) outdated: bool,
    /// Start of the request whose data was last compared.
    #[serde(skip)]
    pub(super) requested_at: Option<Instant>,
    /// For each counter, until when it keeps its first value. Usually none.
    #[serde(skip)]
    pub(super) holds: Option<Box<[FirstValueHold; 3]>>,
    #[serde(skip)]
    pub(super) lookup: LookupAttempts,
    /// When it was first returned in this run, as time since the Unix epoch.
    #[serde(skip)]
    pub(super) first_seen: Option<Duration>,
    /// Whether its status has been known in this run.
    #[serde(skip)]
    pub(super) status_was_known: bool,
}

impl DeploymentRecord {
    /// The state of a new deployment.
    pub(super) fn new(returned: Duration) -> Self {
        Self {
            live: LiveJobs::default(),
            ended: Default::default(),
            status: None,
            last_returned: returned,
            gone: false,
            requested_at: None,
            holds: None,
            lookup: LookupAttempts::default(),
            outdated: false,
            first_seen: None,
            status_was_known: false,
        }
    }

    /// The transitions to serve.
    pub(super) fn transitions(&self) -> Transitions {
        Transitions { status: self.status, jobs_ended: self.ended.map(EndedJobs::counter) }
    }

    /// The record in the state file. None, which deletes the record, if it cannot be encoded.
    pub(super) fn encode(&self) -> Option<Vec<u8>> {
        postcard::to_stdvec(self).ok()
    }

    /// Decodes a record; none if it is invalid.
    pub(super) fn decode(record: &[u8]) -> Option<Self> {
        postcard::from_bytes(record).ok()
    }

    /// Whether the record differs from that of `other`.
    pub(super) fn needs_save(&self, other: &Self) -> bool {
        let recorded = |of: &Self| (of.live, of.ended, of.status, of.gone, of.outdated);
        recorded(self) != recorded(other)
    }

    /// Adopts the recorded status if the own status is unknown and the counts are equal. Returns whether it did.
    pub(super) fn adopt_status(&mut self, recorded: &Self) -> bool {
        let is_unknown = self.status.is_some_and(|observed| observed.status == DeploymentStatus::Unknown);
        let counts = |of: &Self| (of.live, of.ended.map(|ended| ended.count));
        let takes = is_unknown && recorded.status.is_some() && counts(self) == counts(recorded);
        if takes {
            self.status = recorded.status;
        }
        takes
    }

    /// Whether the failure reason is unknown: a job has failed since `before`, or the status is FAILED at first sight
    /// in this run.
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

    /// The number of jobs observed to fail.
    pub(super) fn failed(&self) -> u64 {
        let failed =
            JobState::ENDED.into_iter().zip(&self.ended).find(|(state, _)| *state == JobState::Failed);
        failed.map_or(0, |(_, ended)| ended.observed)
    }
}
