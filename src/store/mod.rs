//! All state that outlives a poll: the last good data of each target, its history and counters, the transitions of
//! deployments, and objects that a listing may have missed.
//!
//! A poll ends with one [`Store::commit`], which returns the change. The store does not render: the publisher reads
//! [`Store::group`] and publishes it. Stored times are wall-clock times. The monotonic clock is used only for expiry
//! and for stuck polls.

mod group;
mod history;
mod inner;
mod job_targets;
mod jobs;
mod persistence;
mod readiness;
mod report;
mod saved_state;
mod settings;
mod status;
mod transitions;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, OnceLock},
    time::Duration,
};

use parking_lot::{Mutex, MutexGuard};
use state_file::StateFile;
use tokio::{sync::Notify, time::Instant};

use crate::{
    clock::Clock,
    model::{
        DEPLOYMENTS, Deployment, GroupId, JOBS, Misses, ObjectSet, ObservedStatus, PollOutcome, TargetId,
    },
};

pub use group::{GroupObjects, GroupVersion};
pub use history::{PollHistory, PollRecord};
pub use job_targets::{JobDetails, JobsAnswer, RoundReport};
pub use jobs::{Round, Urgency};
pub use readiness::{Latch, Readiness};
pub use report::{Change, Listed, PollFailure, PollReport, Unpublished};
pub use saved_state::DiscoveryEntries;
pub use settings::{TargetEntry, TargetSettings};
pub use status::{Data, Freshness, TargetStatus};
pub use transitions::StatusLookup;

use inner::Inner;
use jobs::Messages;
use report::Undo;
use transitions::{Committing, NamespaceTransitions, Poll, Served};

/// The state of all targets.
#[derive(Debug)]
pub struct Store {
    inner: Mutex<Inner>,
    expiry_changed: Notify,
    /// Messages of job failures.
    messages: Mutex<Messages>,
    state: OnceLock<StateFile>,
    clock: Clock,
}

impl Store {
    /// A store without targets.
    pub fn new(clock: Clock) -> Self {
        Self {
            inner: Mutex::default(),
            expiry_changed: Notify::new(),
            messages: Mutex::default(),
            state: OnceLock::new(),
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
        let mut inner = self.inner.lock();
        let gone: Vec<_> = inner.targets.keys().filter(|id| !targets.contains_key(*id)).cloned().collect();
        let mut lost: BTreeSet<_> = gone.iter().filter_map(|id| inner.remove(id)).collect();
        for (id, settings) in targets {
            inner.set(id, settings, latch);
        }
        let with_jobs: Vec<_> =
            inner.groups.keys().filter(|group| group.collector == JOBS).cloned().collect();
        drop(inner);
        lost.extend(with_jobs.iter().filter_map(|group| self.serve_jobs(group)));
        self.expiry_changed.notify_one();
        lost
    }

    /// Records when a target's next poll starts, and by when that poll must report: see [`Store::stuck`].
    pub fn schedule(&self, id: &TargetId, next_poll: Instant, report_due: Instant) {
        let next_poll = self.wall_clock(next_poll);
        let mut inner = self.inner.lock();
        inner.set_report_due(id, report_due);
        if let Some(status) = inner.status(id) {
            status.next_poll = Some(next_poll);
        }
    }

    /// The targets whose poll loop has not reported in time, because a poll neither finishes nor times out.
    pub fn stuck(&self, now: Instant) -> Vec<Arc<TargetId>> {
        let inner = self.inner.lock();
        inner.reports_due.iter().take_while(|(due, _)| *due <= now).map(|(_, id)| id.clone()).collect()
    }

    /// Whether the API must be queried for the last job status of any of these objects, because the counts are
    /// ambiguous. The request for the objects started at `requested_at`.
    pub fn needs_status_lookup(&self, id: &TargetId, requested_at: Instant, objects: &dyn ObjectSet) -> bool {
        let Some(deployments) = objects.downcast::<Deployment>() else { return false };
        let inner = self.inner.lock();
        let Some(entry) = inner.targets.get(id) else { return false };
        let Some(first_value_hold) = entry.settings.first_value_hold else { return false };
        let namespace = inner.transitions.get(&id.group()).cloned().unwrap_or_default();
        let previous_success = inner.previous_success(id);
        drop(inner);
        let poll = Poll {
            requested_at,
            ended_at: Instant::now(),
            ended: self.clock.since_epoch(),
            previous_success,
            first_value_hold,
            answer: &StatusLookup::NotNeeded,
        };
        namespace.needs_status_lookup(&poll, deployments.split().0)
    }

    /// Commits a successful poll of the loop with this `generation`. Returns `None` if the loop was replaced or the
    /// target was removed.
    ///
    /// Data that equals the previous data keeps its revision and is not rendered again.
    ///
    /// # Cancel safety
    ///
    /// The future may be dropped at any time. Then the poll is not committed, except that its transitions may have
    /// been applied. The next poll is compared with them.
    pub async fn commit(&self, id: &TargetId, generation: u64, report: PollReport<Listed>) -> Option<Change> {
        let namespace = self.transitions(id, generation, &*report.result.objects);
        let committing = match &namespace {
            Some((namespace, _)) => Some(namespace.commit().await),
            None => None,
        };
        let ended = self.clock.since_epoch();
        let (undo, served, previous_success, polled_since) = {
            let inner = self.inner.lock();
            let entry = inner.current(id, generation)?;
            let undo = Undo { status: entry.status.clone(), misses: entry.misses.clone() };
            (undo, inner.served(id), inner.previous_success(id), inner.polled_since(id, ended))
        };
        let outcome = PollOutcome::Success;
        let record = PollRecord {
            outcome,
            ended,
            took: report.took,
            objects: Some(report.result.objects.len()),
            error: None,
        };
        if let (Some(committing), Some((_, first_value_hold))) = (committing, &namespace) {
            let poll = Poll {
                requested_at: report.requested_at,
                ended_at: Instant::now(),
                ended,
                previous_success,
                first_value_hold: *first_value_hold,
                answer: &report.result.answer,
            };
            let objects = &*report.result.objects;
            self.commit_transitions(&id.group(), committing, &poll, objects, &served, polled_since).await;
        }
        let (before, mut misses) = (undo.status.data.clone(), undo.misses.clone());
        let pages = report.result.pages;
        // Comparing and merging large listings takes long, so do it without the lock.
        let objects = merge_with(before.as_ref(), report.result, &mut misses);

        let mut inner = self.inner.lock();
        inner.current(id, generation)?;
        inner.replace_data(id, objects, report.requested_at, ended);
        inner.status(id)?.pages = pages;
        let (after, unpublished) =
            self.finish(inner, id, report.next_report_due, report.next_poll, record, Some(misses))?;
        let jobs = self.serve_jobs(&id.group());
        Some(Change { group: id.group(), jobs, before, after: after.data.clone(), unpublished, undo })
    }

    /// Commits a failed poll. The data stays. Returns `None` as [`Store::commit`] does.
    pub fn commit_failure(
        &self,
        id: &TargetId,
        generation: u64,
        report: PollReport<PollFailure>,
    ) -> Option<Unpublished> {
        let PollFailure { class, message } = report.result;
        let (outcome, ended) = (PollOutcome::Failure(class), self.clock.since_epoch());
        let record = PollRecord { outcome, ended, took: report.took, objects: None, error: Some(message) };
        let inner = self.inner.lock();
        inner.current(id, generation)?;
        let finished = self.finish(inner, id, report.next_report_due, report.next_poll, record, None)?;
        Some(finished.1)
    }

    /// Adds a poll to a target's history.
    fn finish(
        &self,
        mut inner: MutexGuard<'_, Inner>,
        id: &TargetId,
        next_report_due: Instant,
        next_poll: Instant,
        record: PollRecord,
        misses: Option<Misses>,
    ) -> Option<(Arc<TargetStatus>, Unpublished)> {
        inner.set_report_due(id, next_report_due);
        inner.status(id)?.add_poll(record, self.wall_clock(next_poll));
        let entry = inner.targets.get_mut(id)?;
        let unpublished = Unpublished { _latch: entry.latch.take() };
        if let Some(misses) = misses {
            entry.misses = misses;
        }
        let status = entry.status.clone();
        drop(inner);
        self.expiry_changed.notify_one();
        Some((status, unpublished))
    }

    /// The transitions of the target's namespace, and the minimum time for which counters keep their first value.
    /// None if `objects` have no transitions.
    fn transitions(
        &self,
        id: &TargetId,
        generation: u64,
        objects: &dyn ObjectSet,
    ) -> Option<(Arc<NamespaceTransitions>, Duration)> {
        objects.downcast::<Deployment>()?;
        let mut inner = self.inner.lock();
        let first_value_hold = inner.current(id, generation)?.settings.first_value_hold?;
        Some((inner.transitions.entry(id.group()).or_default().clone(), first_value_hold))
    }

    /// Compares deployments with their known state, saves the changes, and applies them.
    async fn commit_transitions(
        &self,
        group: &GroupId,
        mut committing: Committing<'_>,
        poll: &Poll<'_>,
        objects: &dyn ObjectSet,
        served: &Served,
        polled_since: Option<Duration>,
    ) {
        let Some(deployments) = objects.downcast::<Deployment>() else { return };
        let listed = deployments.split().0;
        let update = committing.compare(poll, listed, served, polled_since);
        if self.state.get().is_some() {
            let collects_jobs = self.inner.lock().groups.contains_key(&group.of_collector(JOBS));
            let (records, job_records) = committing.record(&update, listed, collects_jobs);
            if !records.is_empty() || !job_records.is_empty() {
                self.save_records(group, &records, &job_records).await;
            }
        }
        committing.apply(poll, listed, update);
    }

    /// Reverts a commit whose data cannot be published. The poll counts as failed, and the previous data stays.
    pub fn revoke(&self, id: &TargetId, generation: u64, change: Change, failure: PollFailure) {
        let mut inner = self.inner.lock();
        let Some(entry) = inner.current(id, generation) else { return };
        let Some((id, _)) = inner.targets.get_key_value(id) else { return };
        let (id, committed) = (id.clone(), entry.status.clone());
        let Some(poll) = committed.last_poll().cloned() else { return };
        inner.restore(&id, change.undo);
        if let Some(status) = inner.status(&id) {
            let outcome = PollOutcome::Failure(failure.class);
            let record = PollRecord { outcome, objects: None, error: Some(failure.message), ..poll };
            status.add_poll(record, committed.next_poll.unwrap_or_default());
        }
        drop(inner);
        self.serve_jobs(&id.group());
        self.expiry_changed.notify_one();
    }

    /// Returns those of the invalid `fields` of the last poll that were valid in the poll before.
    pub fn newly_invalid(
        &self,
        id: &TargetId,
        fields: impl Iterator<Item = (&'static str, &'static str)>,
    ) -> BTreeSet<(&'static str, &'static str)> {
        let invalid: BTreeSet<_> = fields.collect();
        let mut inner = self.inner.lock();
        let Some(entry) = inner.targets.get_mut(id) else { return BTreeSet::new() };
        let known = std::mem::replace(&mut entry.logged_fields, invalid);
        entry.logged_fields.difference(&known).copied().collect()
    }

    /// Withdraws all data that has expired by `now`. Returns the groups that lost data.
    pub fn expire(&self, now: Instant) -> BTreeMap<GroupId, Vec<Arc<TargetId>>> {
        let mut inner = self.inner.lock();
        let mut lost: BTreeMap<GroupId, Vec<Arc<TargetId>>> = BTreeMap::new();
        // Only a part of the data of jobs has expired.
        let mut outdated = BTreeSet::new();
        while let Some((at, id)) = inner.expiries.first().filter(|(at, _)| *at <= now).cloned() {
            if id.collector == JOBS {
                inner.expiries.remove(&(at, id.clone()));
            } else {
                inner.withdraw(&id);
                lost.entry(id.group()).or_default().push(id.clone());
            }
            if id.collector == JOBS || id.collector == DEPLOYMENTS {
                outdated.insert(id.group().of_collector(JOBS));
            }
        }
        drop(inner);
        for group in outdated {
            if self.serve_jobs(&group).is_some() {
                lost.entry(group).or_default();
            }
        }
        lost
    }

    /// When the next data expires, unless a poll renews it.
    pub fn next_expiry(&self) -> Option<Instant> {
        self.inner.lock().expiries.first().map(|(at, _)| *at)
    }

    /// Waits until [`Store::next_expiry`] may have changed.
    ///
    /// # Cancel safety
    ///
    /// The future may be dropped and created again. A change in between is not lost.
    pub async fn expiry_changed(&self) {
        self.expiry_changed.notified().await;
    }

    /// A group's targets.
    pub fn group(&self, group: &GroupId) -> Vec<TargetEntry> {
        let inner = self.inner.lock();
        let ids = inner.groups.get(group).into_iter().flatten();
        ids.filter_map(|id| Some((id.clone(), inner.targets.get(id)?.status.clone()))).collect()
    }

    /// All targets, in the order of their ids.
    pub fn targets(&self) -> Vec<TargetEntry> {
        let inner = self.inner.lock();
        inner.targets.iter().map(|(id, entry)| (id.clone(), entry.status.clone())).collect()
    }

    /// The status of a target.
    pub fn target(&self, id: &TargetId) -> Option<Arc<TargetStatus>> {
        self.inner.lock().targets.get(id).map(|entry| entry.status.clone())
    }

    /// The targets of a group, and their objects.
    pub fn group_objects(&self, group: &GroupId) -> (Vec<TargetEntry>, GroupObjects) {
        let targets = self.group(group);
        let inner = self.inner.lock();
        let enabled =
            inner.groups.get(group).into_iter().flatten().any(|id| {
                inner.targets.get(id).is_some_and(|entry| entry.settings.first_value_hold.is_some())
            });
        let transitions = inner.transitions.get(group).filter(|_| enabled).cloned();
        drop(inner);
        let objects = GroupObjects::new(group.clone(), &targets, transitions);
        (targets, objects)
    }

    /// The number of job failures of each deployment observed at `since` or later, a time since the Unix epoch.
    /// Failures are kept for an hour.
    pub fn failures_since(&self, group: &GroupId, since: Duration) -> HashMap<Box<str>, u64> {
        let transitions = self.inner.lock().transitions.get(group).cloned();
        transitions.map(|namespace| namespace.failures_since(since)).unwrap_or_default()
    }

    /// The last statuses of a deployment that were observed in this run, the most recent first.
    pub fn recent_statuses(&self, group: &GroupId, deployment: &str) -> Vec<ObservedStatus> {
        let namespace = self.inner.lock().transitions.get(&group.of_collector(DEPLOYMENTS)).cloned();
        namespace.map(|namespace| namespace.recent_statuses(deployment)).unwrap_or_default()
    }

    fn wall_clock(&self, instant: Instant) -> Duration {
        self.clock.since_epoch() + instant.saturating_duration_since(Instant::now())
    }
}

/// Merges the result of a poll with retained objects. Returns `before` itself if the result is equal.
fn merge_with(before: Option<&Data>, listed: Listed, misses: &mut Misses) -> Arc<dyn ObjectSet> {
    let mut objects = listed.objects;
    match before {
        Some(before) if !listed.consistent => objects.retain_missing(&*before.objects, misses),
        _ => misses.clear(),
    }
    match before {
        Some(before) if before.objects.equals(&*objects) => before.objects.clone(),
        _ => Arc::from(objects),
    }
}

#[cfg(test)]
mod tests;
