//! What is known of a target: its data, its last polls, its next.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use tokio::time::Instant;

use super::TargetId;
use crate::{
    exposition::targets::TargetSamples,
    model::{Deployment, JobState, PollOutcome},
};

/// A target's last poll, or one before it.
#[derive(Debug, Clone, PartialEq)]
pub struct LastPoll {
    /// How it ended.
    pub outcome: PollOutcome,
    /// When it ended, since the Unix epoch.
    pub ended: Duration,
    /// How long it took.
    pub took: Duration,
    /// The deployments that it found; none if it failed.
    pub deployments: Option<usize>,
    /// Why it failed: safe to show.
    pub error: Option<String>,
}

/// The last polls of a target, and failed ones from before those: a failure is to be seen the morning after.
#[derive(Debug, Clone, Default)]
pub struct History {
    recent: VecDeque<Arc<LastPoll>>,
    failures: VecDeque<Arc<LastPoll>>,
}

impl History {
    /// How many polls are kept, and how many failed ones beside them.
    const LENGTH: usize = 20;

    fn add(&mut self, poll: LastPoll) {
        self.recent.push_front(Arc::new(poll));
        if self.recent.len() <= Self::LENGTH {
            return;
        }
        let oldest = self.recent.pop_back();
        if let Some(failed) = oldest.filter(|poll| poll.outcome != PollOutcome::Success) {
            self.failures.push_front(failed);
            self.failures.truncate(Self::LENGTH);
        }
    }

    /// The last poll.
    pub fn last(&self) -> Option<&LastPoll> {
        self.recent.front().map(Arc::as_ref)
    }

    /// The last polls without gaps, the last one first.
    pub fn recent(&self) -> impl Iterator<Item = &LastPoll> {
        self.recent.iter().map(Arc::as_ref)
    }

    /// Every poll that is kept, the last one first.
    pub fn iter(&self) -> impl Iterator<Item = &LastPoll> {
        self.recent.iter().chain(&self.failures).map(Arc::as_ref)
    }
}

/// How good a target's data is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    /// The freshness as people and programs read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Fresh => "fresh",
            Self::Stale => "stale",
            Self::Expired => "expired",
        }
    }
}

/// The data of a target's last good poll.
#[derive(Debug, Clone)]
pub(super) struct Data {
    pub(super) deployments: Arc<Vec<Deployment>>,
    /// How many of them the poll listed; those after are kept from polls before.
    pub(super) listed: usize,
    pub(super) since: Instant,
}

/// A target's state.
#[derive(Debug, Clone, Default)]
pub struct TargetStatus {
    polls: [u64; PollOutcome::COUNT],
    pub(super) data: Option<Data>,
    pub(super) poll_interval: Duration,
    /// The last polls.
    pub history: History,
    /// When the last good poll ended, since the Unix epoch.
    pub last_success: Option<Duration>,
    /// When the next poll is due, since the Unix epoch.
    pub next_poll: Option<Duration>,
    /// The pages of the last good poll.
    pub pages: u64,
}

impl TargetStatus {
    /// Notes a poll that ended.
    pub(super) fn polled(&mut self, poll: LastPoll, next: Duration) {
        self.polls[poll.outcome.index()] += 1;
        if poll.outcome == PollOutcome::Success {
            self.last_success = Some(poll.ended);
        }
        self.next_poll = Some(next);
        self.history.add(poll);
    }

    /// The last poll; none before the first.
    pub fn last_poll(&self) -> Option<&LastPoll> {
        self.history.last()
    }

    /// How good the data is.
    pub fn freshness(&self) -> Freshness {
        match (self.last_poll(), &self.data) {
            (None, None) => Freshness::Pending,
            (_, None) => Freshness::Expired,
            (Some(LastPoll { outcome: PollOutcome::Failure(_), .. }), Some(_)) => Freshness::Stale,
            _ => Freshness::Fresh,
        }
    }

    /// The deployments served now.
    pub fn deployments(&self) -> Option<&[Deployment]> {
        self.data.as_ref().map(|data| data.deployments.as_slice())
    }

    /// The failed jobs of the deployments served now; none if no deployment says.
    pub fn failed_jobs(&self) -> Option<u64> {
        let failed =
            self.deployments()?.iter().filter_map(|deployment| deployment.jobs.get(JobState::Failed));
        failed.reduce(u64::saturating_add)
    }

    /// Whether the last poll succeeded; not so before the first.
    pub fn is_up(&self) -> bool {
        self.last_poll().is_some_and(|poll| poll.outcome == PollOutcome::Success)
    }

    pub(super) fn samples<'a>(&'a self, id: &'a TargetId, region: &'a str) -> TargetSamples<'a> {
        TargetSamples {
            collector: "deployments",
            region,
            workspace: &id.workspace,
            namespace: &id.namespace,
            selection: &id.selection,
            up: self.last_poll().map(|poll| poll.outcome == PollOutcome::Success),
            poll_interval: self.poll_interval.as_secs_f64(),
            objects: self.deployments().map(|deployments| deployments.len() as u64),
            last_success: self.last_success.map(|time| time.as_secs_f64()),
            poll_duration: self.last_poll().map(|poll| poll.took.as_secs_f64()),
            polls: PollOutcome::all()
                .map(|outcome| (outcome.as_str(), self.polls[outcome.index()]))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ErrorClass;

    #[test]
    fn old_failures_outlive_old_successes_and_both_are_bounded() {
        let mut history = History::default();
        for second in 0..1000 {
            let outcome = match second % 10 {
                0 => PollOutcome::Failure(ErrorClass::Throttled),
                _ => PollOutcome::Success,
            };
            let ended = Duration::from_secs(second);
            history.add(LastPoll { outcome, ended, took: ended, deployments: None, error: None });
        }
        let kept: Vec<_> = history.iter().map(|poll| poll.ended.as_secs()).collect();
        assert_eq!(kept[..20], (980..1000).rev().collect::<Vec<_>>());
        assert_eq!(kept[20..], (78..98).rev().map(|ten| ten * 10).collect::<Vec<_>>());
    }
}
