//! All state that outlives a poll: the last good data of each target, its history and counters, the transitions of
//! deployments, and objects that a listing may have missed.
//!
//! A poll ends with one [`Store::commit`], which returns the change. The store does not render: the publisher reads
//! [`Store::group`] and publishes it. Stored times are wall-clock times. The monotonic clock is used only for expiry
//! and for stuck polls.

mod commit;
mod data_expiry;
mod first_value_hold;
mod group_objects;
mod jobs;
mod jobs_commit;
mod namespace_retention;
mod persistence;
mod poll_history;
mod poll_report;
mod readiness;
mod shared_state;
mod state_age;
mod state_format;
mod target_settings;
mod target_status;
mod transitions;
mod withdrawal;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, OnceLock},
    time::Duration,
};

use parking_lot::Mutex;
use state_file::StateFile;
use tokio::{sync::Notify, time::Instant};

use crate::{
    clock::Clock,
    model::{DEPLOYMENTS, Deployment, GroupId, JOBS, ObjectSet, ObservedStatus, TargetId},
};

pub use data_expiry::expire_after;
pub use group_objects::{GroupObjects, GroupVersion};
pub use jobs::{Round, Urgency};
pub use jobs_commit::{JobDetails, JobsAnswer, RoundReport};
pub use poll_history::{PollHistory, PollRecord};
pub use poll_report::{Change, Listed, PollFailure, PollReport, Unpublished};
pub use readiness::{Latch, Readiness};
pub use state_format::DiscoveryEntries;
pub use target_settings::{TargetEntry, TargetSettings};
pub use target_status::{Freshness, TargetData, TargetStatus};
pub use transitions::StatusLookup;

use jobs::FailureMessages;
use shared_state::SharedState;
use transitions::ComparedPoll;

/// The state of all targets.
#[derive(Debug)]
pub struct Store {
    shared: Mutex<SharedState>,
    expiry_changed: Notify,
    /// Messages of job failures.
    messages: Mutex<FailureMessages>,
    state_file: OnceLock<StateFile>,
    clock: Clock,
}

impl Store {
    /// A store without targets.
    pub fn new(clock: Clock) -> Self {
        Self {
            shared: Mutex::default(),
            expiry_changed: Notify::new(),
            messages: Mutex::default(),
            state_file: OnceLock::new(),
            clock,
        }
    }

    /// Sets the known targets. Targets that were known before keep their state. Other targets are removed with their
    /// data. A new target of deployments holds a clone of `latch` until its first poll is published.
    ///
    /// Returns the groups that lost data.
    pub fn set_targets(
        &self,
        targets: &BTreeMap<Arc<TargetId>, TargetSettings>,
        latch: Option<&Latch>,
    ) -> BTreeSet<GroupId> {
        let mut shared = self.shared.lock();
        let gone: Vec<_> = shared.targets.keys().filter(|id| !targets.contains_key(*id)).cloned().collect();
        let mut lost: BTreeSet<_> = gone.iter().filter_map(|id| shared.remove(id)).collect();
        for (id, settings) in targets {
            shared.set(id, settings, latch);
        }
        let with_jobs: Vec<_> =
            shared.groups.keys().filter(|group| group.collector == JOBS).cloned().collect();
        drop(shared);
        lost.extend(with_jobs.iter().filter_map(|group| self.serve_jobs(group)));
        self.expiry_changed.notify_one();
        lost
    }

    /// Records when a target's next poll starts, and by when that poll must report: see [`Store::stuck`].
    pub fn schedule(&self, id: &TargetId, next_poll: Instant, report_due: Instant) {
        let next_poll = self.wall_clock(next_poll);
        let mut shared = self.shared.lock();
        shared.set_report_due(id, report_due);
        if let Some(status) = shared.status(id) {
            status.next_poll = Some(next_poll);
        }
    }

    /// The targets whose poll loop has not reported in time, because a poll neither finishes nor times out.
    pub fn stuck(&self, now: Instant) -> Vec<Arc<TargetId>> {
        let shared = self.shared.lock();
        shared.reports_due.iter().take_while(|(due, _)| *due <= now).map(|(_, id)| id.clone()).collect()
    }

    /// Whether the API must be queried for the last job status of any of these objects, because the counts are
    /// ambiguous. The request for the objects started at `requested_at`.
    pub fn needs_status_lookup(&self, id: &TargetId, requested_at: Instant, objects: &dyn ObjectSet) -> bool {
        let Some(deployments) = objects.downcast::<Deployment>() else { return false };
        let shared = self.shared.lock();
        let Some(entry) = shared.targets.get(id) else { return false };
        let Some(first_value_hold) = entry.settings.first_value_hold else { return false };
        let namespace = shared.transitions.get(&id.group()).cloned().unwrap_or_default();
        let previous_success = shared.previous_success(id);
        drop(shared);
        let poll = ComparedPoll {
            requested_at,
            ended_at: Instant::now(),
            ended: self.clock.since_epoch(),
            previous_success,
            first_value_hold,
            answer: &StatusLookup::NotNeeded,
        };
        namespace.needs_status_lookup(&poll, deployments.split().0)
    }

    /// Returns those of the invalid `fields` of the last poll that were valid in the poll before.
    pub fn newly_invalid(
        &self,
        id: &TargetId,
        fields: impl Iterator<Item = (&'static str, &'static str)>,
    ) -> BTreeSet<(&'static str, &'static str)> {
        let invalid: BTreeSet<_> = fields.collect();
        let mut shared = self.shared.lock();
        let Some(entry) = shared.targets.get_mut(id) else { return BTreeSet::new() };
        let known = std::mem::replace(&mut entry.logged_fields, invalid);
        entry.logged_fields.difference(&known).copied().collect()
    }

    /// A group's targets.
    pub fn group(&self, group: &GroupId) -> Vec<TargetEntry> {
        let shared = self.shared.lock();
        let ids = shared.groups.get(group).into_iter().flatten();
        ids.filter_map(|id| Some((id.clone(), shared.targets.get(id)?.status.clone()))).collect()
    }

    /// All targets, in the order of their ids.
    pub fn targets(&self) -> Vec<TargetEntry> {
        let shared = self.shared.lock();
        shared.targets.iter().map(|(id, entry)| (id.clone(), entry.status.clone())).collect()
    }

    /// The status of a target.
    pub fn target(&self, id: &TargetId) -> Option<Arc<TargetStatus>> {
        self.shared.lock().targets.get(id).map(|entry| entry.status.clone())
    }

    /// The targets of a group, and their objects.
    pub fn group_objects(&self, group: &GroupId) -> (Vec<TargetEntry>, GroupObjects) {
        let targets = self.group(group);
        let shared = self.shared.lock();
        let enabled =
            shared.groups.get(group).into_iter().flatten().any(|id| {
                shared.targets.get(id).is_some_and(|entry| entry.settings.first_value_hold.is_some())
            });
        let transitions = shared.transitions.get(group).filter(|_| enabled).cloned();
        drop(shared);
        let objects = GroupObjects::new(group.clone(), &targets, transitions);
        (targets, objects)
    }

    /// The number of job failures of each deployment observed at `since` or later, a time since the Unix epoch.
    /// Failures are kept for an hour.
    pub fn failures_since(&self, group: &GroupId, since: Duration) -> HashMap<Box<str>, u64> {
        let transitions = self.shared.lock().transitions.get(group).cloned();
        transitions.map(|namespace| namespace.failures_since(since)).unwrap_or_default()
    }

    /// The last statuses of a deployment that were observed in this run, the most recent first.
    pub fn recent_statuses(&self, group: &GroupId, deployment: &str) -> Vec<ObservedStatus> {
        let namespace = self.shared.lock().transitions.get(&group.of_collector(DEPLOYMENTS)).cloned();
        namespace.map(|namespace| namespace.recent_statuses(deployment)).unwrap_or_default()
    }

    fn wall_clock(&self, instant: Instant) -> Duration {
        self.clock.since_epoch() + instant.saturating_duration_since(Instant::now())
    }
}

#[cfg(test)]
mod tests;
