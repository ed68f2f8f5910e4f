//! What is known of a target: its data, its last polls, its next.

use std::{sync::Arc, time::Duration};

use strum::IntoStaticStr;
use tokio::time::Instant;

use super::history::{PollHistory, PollRecord};
use crate::model::{Deployment, JobState, Object, ObjectSet, PollOutcome};

/// The freshness of a target's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Freshness {
    /// Not polled yet.
    Pending,
    /// The last poll succeeded.
    Fresh,
    /// The last poll failed; the data of the last good one is served.
    Stale,
    /// No data is served: no poll ever succeeded, or the last good one is too old.
    Expired,
}

impl Freshness {
    /// The freshness as the pages and the JSON API show it.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The data of a target's last good poll.
#[derive(Debug, Clone)]
pub struct Data {
    /// The objects.
    pub objects: Arc<dyn ObjectSet>,
    /// Changes whenever the objects do.
    pub revision: u64,
    /// When the poll ended, since the Unix epoch.
    pub received_at: Duration,
    /// When the poll started, by the monotonic clock.
    pub requested_at: Instant,
    /// When the poll ended, by the monotonic clock.
    pub renewed_at: Instant,
    /// When the data is withdrawn unless a poll renews it.
    pub expires_at: Instant,
}

/// A target's state.
#[derive(Debug, Clone)]
pub struct TargetStatus {
    /// The region; empty if only the endpoint is configured.
    pub region: Arc<str>,
    /// The poll interval.
    pub interval: Duration,
    /// The last good data, unless it was withdrawn.
    pub data: Option<Data>,
    /// The last polls.
    pub history: PollHistory,
    /// When the last good poll ended, since the Unix epoch.
    pub last_success: Option<Duration>,
    /// When the next poll starts, since the Unix epoch.
    pub next_poll: Option<Duration>,
    /// The pages of the last good poll.
    pub pages: u64,
    /// Grows with each change of the status.
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

    /// The finished polls by outcome.
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

    /// The objects served now, if there are any and they are of type `T`.
    pub fn objects<T: Object>(&self) -> Option<&[T]> {
        Some(self.data.as_ref()?.objects.downcast::<T>()?.all())
    }

    /// The number of objects served now, whatever their type.
    pub fn object_count(&self) -> Option<usize> {
        self.data.as_ref().map(|data| data.objects.len())
    }

    /// The failed jobs of the deployments served now; none if no deployment has the count.
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
