//! Commits polls: compares the result with the known state, saves what changed, and only then applies it.

use std::{sync::Arc, time::Duration};

use parking_lot::MutexGuard;
use tokio::time::Instant;

use super::{
    Store,
    poll_history::PollRecord,
    poll_report::{Change, Listed, PollFailure, PollReport, Undo, Unpublished},
    shared_state::SharedState,
    target_status::{TargetData, TargetStatus},
    transitions::{Committing, ComparedPoll, NamespaceTransitions, ServedDeployments},
};
use crate::model::{Deployment, GroupId, JOBS, Misses, ObjectSet, PollOutcome, TargetId};

impl Store {
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
            let shared = self.shared.lock();
            let entry = shared.current(id, generation)?;
            let undo = Undo { status: entry.status.clone(), misses: entry.misses.clone() };
            (undo, shared.served(id), shared.previous_success(id), shared.polled_since(id, ended))
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
            let poll = ComparedPoll {
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

        let mut shared = self.shared.lock();
        shared.current(id, generation)?;
        shared.replace_data(id, objects, report.requested_at, ended);
        shared.status(id)?.pages = pages;
        let (after, unpublished) =
            self.finish(shared, id, report.next_report_due, report.next_poll, record, Some(misses))?;
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
        let shared = self.shared.lock();
        shared.current(id, generation)?;
        let finished = self.finish(shared, id, report.next_report_due, report.next_poll, record, None)?;
        Some(finished.1)
    }

    /// Adds a poll to a target's history.
    pub(super) fn finish(
        &self,
        mut shared: MutexGuard<'_, SharedState>,
        id: &TargetId,
        next_report_due: Instant,
        next_poll: Instant,
        record: PollRecord,
        misses: Option<Misses>,
    ) -> Option<(Arc<TargetStatus>, Unpublished)> {
        shared.set_report_due(id, next_report_due);
        shared.status(id)?.add_poll(record, self.wall_clock(next_poll));
        let entry = shared.targets.get_mut(id)?;
        let unpublished = Unpublished { _latch: entry.latch.take() };
        if let Some(misses) = misses {
            entry.misses = misses;
        }
        let status = entry.status.clone();
        drop(shared);
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
        let mut shared = self.shared.lock();
        let first_value_hold = shared.current(id, generation)?.settings.first_value_hold?;
        Some((shared.transitions.entry(id.group()).or_default().clone(), first_value_hold))
    }

    /// Compares deployments with their known state, saves the changes, and applies them.
    async fn commit_transitions(
        &self,
        group: &GroupId,
        mut committing: Committing<'_>,
        poll: &ComparedPoll<'_>,
        objects: &dyn ObjectSet,
        served: &ServedDeployments,
        polled_since: Option<Duration>,
    ) {
        let Some(deployments) = objects.downcast::<Deployment>() else { return };
        let listed = deployments.split().0;
        let update = committing.compare(poll, listed, served, polled_since);
        if self.state_file.get().is_some() {
            let collects_jobs = self.shared.lock().groups.contains_key(&group.of_collector(JOBS));
            let (records, job_records) = committing.record(&update, listed, collects_jobs);
            if !records.is_empty() || !job_records.is_empty() {
                self.save_records(group, &records, &job_records).await;
            }
        }
        committing.apply(poll, listed, update);
    }

    /// Reverts a commit whose data cannot be published. The poll counts as failed, and the previous data stays.
    pub fn revoke(&self, id: &TargetId, generation: u64, change: Change, failure: PollFailure) {
        let mut shared = self.shared.lock();
        let Some(entry) = shared.current(id, generation) else { return };
        let Some((id, _)) = shared.targets.get_key_value(id) else { return };
        let (id, committed) = (id.clone(), entry.status.clone());
        let Some(poll) = committed.last_poll().cloned() else { return };
        shared.restore(&id, change.undo);
        if let Some(status) = shared.status(&id) {
            let outcome = PollOutcome::Failure(failure.class);
            let record = PollRecord { outcome, objects: None, error: Some(failure.message), ..poll };
            status.add_poll(record, committed.next_poll.unwrap_or_default());
        }
        drop(shared);
        self.serve_jobs(&id.group());
        self.expiry_changed.notify_one();
    }
}

/// Merges the result of a poll with retained objects. Returns `before` itself if the result is equal.
fn merge_with(before: Option<&TargetData>, listed: Listed, misses: &mut Misses) -> Arc<dyn ObjectSet> {
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
