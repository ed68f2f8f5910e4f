//! The status of a target: its data and its polls.

use std::{sync::Arc, time::Duration};

use strum::IntoStaticStr;
use tokio::time::Instant;

use super::poll_history::{PollHistory, PollRecord};
use crate::model::{Deployment, JobState, Object, ObjectSet, PollOutcome};

/// The freshness of a target's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Freshness {
    /// Not polled yet.
    Pending,
    /// The last poll succeeded.
    Fresh,
    /// The last poll failed. Older data is served.
    Stale,
    /// No data is served: no poll has succeeded, or the data is too old.
    Expired,
}

impl Freshness {
    /// The freshness as the pages and the JSON API show it.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The data of the last successful poll.
#[derive(Debug, Clone)]
pub struct TargetData {
    /// The objects.
    pub objects: Arc<dyn ObjectSet>,
    /// Changes when the objects change.
    pub revision: u64,
    /// End of the poll, as time since the Unix epoch.
    pub received_at: Duration,
    /// Start of the poll.
    pub requested_at: Instant,
    /// End of the poll.
    pub renewed_at: Instant,
    /// When the data expires unless a poll renews it.
    pub expires_at: Instant,
}

/// The status of a target.
#[derive(Debug, Clone)]
pub struct TargetStatus {
    /// The region; empty if only the endpoint is configured.
    pub region: Arc<str>,
    /// The poll interval.
    pub interval: Duration,
    /// The data of the last successful poll; none if it was withdrawn.
    pub data: Option<TargetData>,
    /// The history of polls.
    pub history: PollHistory,
    /// End of the last successful poll, as time since the Unix epoch.
    pub last_success: Option<Duration>,
    /// Start of the next poll, as time since the Unix epoch.
    pub next_poll: Option<Duration>,
    /// The number of pages of the last successful poll.
    pub pages: u64,
    /// Increases with each change of the status.
    pub sequence: u64,
    polls: [u64; PollOutcome::COUNT],
}

impl TargetStatus {
    pub(super) fn new(region: Arc<str>, interval: Duration) -> Self {
        Self {
            sequence: 0,
            region,
            interval,
            data: None,
            history: PollHistory::default(),
            last_success: None,
            next_poll: None,
            pages: 0,
            polls: [0; PollOutcome::COUNT],
        }
    }

    pub(super) fn add_poll(&mut self, poll: PollRecord, next: Duration) {
        self.polls[poll.outcome.index()] += 1;
        if poll.outcome == PollOutcome::Success {
            self.last_success = Some(poll.ended);
        }
        self.next_poll = Some(next);
        self.history.add(poll);
    }

    /// The number of finished polls, by outcome.
    pub fn polls(&self) -> impl Iterator<Item = (PollOutcome, u64)> {
        PollOutcome::all().map(|outcome| (outcome, self.polls[outcome.index()]))
    }

    /// The last poll; none before the first has finished.
    pub fn last_poll(&self) -> Option<&PollRecord> {
        self.history.last()
    }

    /// How fresh the data is.
    pub fn freshness(&self) -> Freshness {
        match (self.last_poll(), &self.data) {
            (None, None) => Freshness::Pending,
            (_, None) => Freshness::Expired,
            (Some(PollRecord { outcome: PollOutcome::Failure(_), .. }), Some(_)) => Freshness::Stale,
            _ => Freshness::Fresh,
        }
    }

    /// The served objects, if they have the type `T`.
    pub fn objects<T: Object>(&self) -> Option<&[T]> {
        Some(self.data.as_ref()?.objects.downcast::<T>()?.all())
    }

    /// The number of served objects.
    pub fn object_count(&self) -> Option<usize> {
        self.data.as_ref().map(|data| data.objects.len())
    }

    /// The number of failed jobs of the served deployments; none if no deployment has the count.
    pub fn failed_jobs(&self) -> Option<u64> {
        let deployments = self.objects::<Deployment>()?;
        let failed = deployments.iter().filter_map(|deployment| deployment.jobs.get(JobState::Failed));
        failed.reduce(u64::saturating_add)
    }

    /// Whether the last poll succeeded; none before the first has finished.
    pub fn is_up(&self) -> Option<bool> {
        self.last_poll().map(|poll| poll.outcome == PollOutcome::Success)
    }
}
