//! Transitions of the deployments of one namespace.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    time::Duration,
};

use foldhash::fast::RandomState;
use parking_lot::{Mutex, RwLock};
use tokio::sync::{Mutex as AsyncMutex, MutexGuard};

use super::{
    compare::ComparedPoll, deployment_record::DeploymentRecord, deployment_retention::forgettable,
    failure_log::FailureLog, served_deployments::ServedDeployments,
};
use crate::{
    model::{Deployment, ObservedStatus, Transitions},
    store::{jobs::NamespaceJobs, state_format::Record},
};

/// Maximum number of earlier statuses kept per deployment.
const MAX_STATUSES: usize = 19;

/// Transitions of the deployments of one namespace.
#[derive(Debug, Default)]
pub(in crate::store) struct NamespaceTransitions {
    /// Held while a poll is compared, saved and applied, so that polls are saved in the order in which they are
    /// applied.
    committing: AsyncMutex<()>,
    state: RwLock<TransitionState>,
    /// Records that are being saved and are not yet applied. A dump includes them. Locked before `state`.
    saving: Mutex<Vec<Record>>,
    pub(in crate::store) jobs: NamespaceJobs,
}

#[derive(Debug, Default)]
struct TransitionState {
    /// Boxed, since a map that has just grown is half empty.
    deployments: HashMap<Box<str>, Box<DeploymentRecord>, RandomState>,
    /// The number of deployments that no target returns.
    gone: usize,
    failures: FailureLog,
    /// Earlier statuses of deployments in this run, the most recent first.
    statuses: HashMap<Box<str>, VecDeque<ObservedStatus>>,
    /// Increases when the served transitions change.
    revision: u64,
    /// How long the namespace has not been a target while the exporter was running.
    orphaned: Duration,
}

/// The changes caused by a poll.
#[derive(Debug, Default)]
pub(in crate::store) struct Update {
    /// New records in the order of the listing; none if only the time of the poll changes.
    returned: Vec<Option<Box<DeploymentRecord>>>,
    /// Deployments that no target returns any more.
    gone: Vec<(Box<str>, Box<DeploymentRecord>)>,
    forgotten: Vec<Box<str>>,
    /// Indexes in the listing of the deployments whose record must be saved.
    recorded: Vec<usize>,
    /// Deployments with a failure whose reason is unknown.
    failed: Vec<Box<str>>,
    serves_changes: bool,
}

/// Exclusive access to a namespace: no other poll is compared until this guard is dropped.
#[derive(Debug)]
pub(in crate::store) struct Committing<'n> {
    namespace: &'n NamespaceTransitions,
    _guard: MutexGuard<'n, ()>,
}

impl NamespaceTransitions {
    /// Waits for exclusive access to the namespace.
    pub(in crate::store) async fn commit(&self) -> Committing<'_> {
        Committing { _guard: self.committing.lock().await, namespace: self }
    }

    /// Whether the API must be queried for the last job status of any of these deployments.
    pub(in crate::store) fn needs_status_lookup(
        &self,
        poll: &ComparedPoll<'_>,
        listed: &[Deployment],
    ) -> bool {
        let state = self.state.read();
        listed.iter().any(|deployment| poll.needs_status_lookup(state.record(&deployment.id), deployment))
    }

    /// Increases when the result of [`NamespaceTransitions::transitions`] may change.
    pub(in crate::store) fn revision(&self) -> u64 {
        self.state.read().revision
    }

    /// The transitions of these deployments, in their order.
    pub(in crate::store) fn transitions<'d>(
        &self,
        deployments: impl Iterator<Item = &'d Deployment>,
    ) -> Vec<Transitions> {
        let state = self.state.read();
        let transitions = |id: &str| state.record(id).map(DeploymentRecord::transitions).unwrap_or_default();
        deployments.map(|deployment| transitions(&deployment.id)).collect()
    }

    /// The number of job failures of each deployment observed after `since`, a time since the Unix epoch.
    pub(in crate::store) fn failures_since(&self, since: Duration) -> HashMap<Box<str>, u64> {
        self.state.read().failures.since(since)
    }

    /// Restores a deployment from a record that was saved at `saved_at`. Returns none if the record is invalid.
    pub(in crate::store) fn restore(
        &self,
        id: &str,
        record: &[u8],
        saved_at: Duration,
        outdated: bool,
    ) -> Option<()> {
        let mut remembered = Box::new(DeploymentRecord::decode(record)?);
        remembered.outdated |= outdated;
        if !remembered.gone {
            remembered.last_returned = saved_at;
        }
        let mut state = self.state.write();
        state.gone += usize::from(remembered.gone);
        state.deployments.insert(id.into(), remembered);
        Some(())
    }

    /// The statuses of a deployment in this run, the most recent first.
    pub(in crate::store) fn recent_statuses(&self, id: &str) -> Vec<ObservedStatus> {
        let state = self.state.read();
        let current = state.record(id).and_then(|known| known.status);
        let earlier = state.statuses.get(id).into_iter().flatten();
        current.into_iter().chain(earlier.copied()).collect()
    }

    /// Whether the deployment is known.
    pub(in crate::store) fn knows(&self, id: &str) -> bool {
        self.state.read().deployments.contains_key(id)
    }

    /// When a deployment was first returned in this run, as time since the Unix epoch.
    pub(in crate::store) fn first_seen(&self, id: &str) -> Option<Duration> {
        self.state.read().record(id)?.first_seen
    }

    /// The records of all deployments.
    pub(in crate::store) fn records(&self) -> Vec<Record> {
        let saving = self.saving.lock();
        let state = self.state.read();
        let remembered = state.deployments.iter().map(|(id, of)| (id.clone(), of.encode()));
        remembered.chain(saving.iter().cloned()).collect()
    }

    /// Records that delete all deployments.
    pub(in crate::store) fn deletions(&self) -> Vec<Record> {
        self.state.read().deployments.keys().map(|id| (id.clone(), None)).collect()
    }

    /// Adopts the status in a record if the deployment's own status is unknown and the counts are equal.
    pub(in crate::store) fn adopt_status(&self, id: &str, record: &[u8]) {
        let Some(recorded) = DeploymentRecord::decode(record) else { return };
        let mut state = self.state.write();
        if state.deployments.get_mut(id).is_some_and(|known| known.adopt_status(&recorded)) {
            state.revision += 1;
        }
    }

    /// How long the namespace has not been a target while the exporter was running.
    pub(in crate::store) fn orphaned(&self) -> Duration {
        self.state.read().orphaned
    }

    /// Sets [`NamespaceTransitions::orphaned`].
    pub(in crate::store) fn age(&self, orphaned: Duration) {
        self.state.write().orphaned = orphaned;
    }
}

impl Committing<'_> {
    /// Compares the result of `poll` with the known state.
    ///
    /// `polled_since` is the end of the earliest last successful poll of all targets of the namespace; none if one
    /// has never been polled.
    pub(in crate::store) fn compare(
        &self,
        poll: &ComparedPoll<'_>,
        listed: &[Deployment],
        served: &ServedDeployments,
        polled_since: Option<Duration>,
    ) -> Update {
        let state = self.namespace.state.read();
        let ids = served.ids();
        let mut update = Update { returned: Vec::with_capacity(listed.len()), ..Update::default() };
        let mut present = 0;
        for (index, deployment) in listed.iter().enumerate() {
            let before = state.record(&deployment.id);
            present += usize::from(before.is_some_and(|before| !before.gone));
            update.compare(poll, before, deployment, !ids.contains(index, &deployment.id));
        }
        if let Some(polled_since) = polled_since {
            if present + state.gone < state.deployments.len() {
                update.gone = state.missing(listed, polled_since);
            }
            update.forgotten = state.to_forget(listed, poll.ended);
        }
        update
    }

    /// The records to save for `update`, which belongs to this listing. Dumps include them until the update is
    /// applied.
    ///
    /// The second list contains the records of jobs, if they are collected.
    pub(in crate::store) fn record(
        &mut self,
        update: &Update,
        listed: &[Deployment],
        collects_jobs: bool,
    ) -> (Vec<Record>, Vec<Record>) {
        let returned = update.recorded.iter().filter_map(|&index| {
            Some((listed.get(index)?.id.clone(), update.returned.get(index)?.as_ref()?.encode()))
        });
        let gone = update.gone.iter().map(|(id, after)| (id.clone(), after.encode()));
        let forgotten = update.forgotten.iter().map(|id| (id.clone(), None));
        let records: Vec<Record> = returned.chain(gone).chain(forgotten).collect();
        self.namespace.saving.lock().clone_from(&records);
        let jobs = &self.namespace.jobs;
        let mut job_records =
            if collects_jobs { jobs.records_with_failures(&update.failed) } else { Vec::new() };
        job_records.extend(update.forgotten.iter().map(|id| (id.clone(), None)));
        jobs.set_saving(&job_records);
        (records, job_records)
    }

    /// Applies `update`, which belongs to this listing.
    pub(in crate::store) fn apply(self, poll: &ComparedPoll<'_>, listed: &[Deployment], update: Update) {
        let mut saving = self.namespace.saving.lock();
        saving.clear();
        let mut state = self.namespace.state.write();
        state.failures.forget_before(poll.ended);
        for (deployment, returned) in listed.iter().zip(update.returned) {
            if let Some(after) = returned {
                state.replace(&deployment.id, after, poll.ended);
            } else if let Some(known) = state.deployments.get_mut(&*deployment.id) {
                (known.last_returned, known.requested_at) = (poll.ended, Some(poll.requested_at));
            }
        }
        for (id, after) in update.gone {
            state.replace(&id, after, poll.ended);
        }
        for id in &update.forgotten {
            state.forget(id);
        }
        state.revision += u64::from(update.serves_changes);
        drop(state);
        drop(saving);
        self.namespace.jobs.forget(&update.forgotten);
        self.namespace.jobs.note_failures(&update.failed, poll.ended_at);
    }
}

impl Update {
    fn compare(
        &mut self,
        poll: &ComparedPoll<'_>,
        before: Option<&DeploymentRecord>,
        deployment: &Deployment,
        begins: bool,
    ) {
        if !begins && before.is_some_and(|before| poll.changes_nothing(before, deployment)) {
            self.returned.push(None);
            return;
        }
        let after = Box::new(poll.compare(before, deployment, begins));
        if before.is_none_or(|before| before.needs_save(&after)) {
            self.recorded.push(self.returned.len());
        }
        if after.needs_failure_reason(before) {
            self.failed.push(deployment.id.clone());
        }
        self.serves_changes |=
            before.map(DeploymentRecord::transitions).unwrap_or_default() != after.transitions();
        self.returned.push(Some(after));
    }
}

impl TransitionState {
    fn record(&self, id: &str) -> Option<&DeploymentRecord> {
        self.deployments.get(id).map(AsRef::as_ref)
    }

    /// The deployments that no target has returned since `polled_since`, except those in `listed`.
    fn missing(
        &self,
        listed: &[Deployment],
        polled_since: Duration,
    ) -> Vec<(Box<str>, Box<DeploymentRecord>)> {
        let listed: HashSet<&str> = listed.iter().map(|deployment| &*deployment.id).collect();
        let is_missing = |id: &str, of: &DeploymentRecord| {
            !of.gone && of.last_returned < polled_since && !listed.contains(id)
        };
        let missing = self.deployments.iter().filter(|(id, of)| is_missing(id, of));
        missing
            .map(|(id, of)| (id.clone(), Box::new(DeploymentRecord { gone: true, ..(**of).clone() })))
            .collect()
    }

    /// The deployments to forget, except those in `listed`.
    fn to_forget(&self, listed: &[Deployment], now: Duration) -> Vec<Box<str>> {
        if self.gone == 0 {
            return Vec::new();
        }
        let listed: HashSet<&str> = listed.iter().map(|deployment| &*deployment.id).collect();
        let gone = self.deployments.iter().filter(|(id, of)| of.gone && !listed.contains(&***id));
        forgettable(gone.map(|(id, of)| (of.last_returned, id)), now)
    }

    fn replace(&mut self, id: &str, after: Box<DeploymentRecord>, now: Duration) {
        self.gone += usize::from(after.gone);
        let (failed, status) = (after.failed(), after.status);
        let before = match self.deployments.get_mut(id) {
            Some(known) => Some(std::mem::replace(known, after)),
            None => self.deployments.insert(id.into(), after),
        };
        self.gone -= usize::from(before.as_ref().is_some_and(|before| before.gone));
        let ended = before.as_ref().and_then(|before| before.status).filter(|before| Some(*before) != status);
        if let Some(ended) = ended {
            let statuses = self.statuses.entry(id.into()).or_default();
            statuses.push_front(ended);
            statuses.truncate(MAX_STATUSES);
        }
        let failed = failed.saturating_sub(before.as_ref().map_or(0, |before| before.failed()));
        if failed > 0 {
            self.failures.add(now, id.into(), failed);
        }
    }

    fn forget(&mut self, id: &str) {
        self.statuses.remove(id);
        if self.deployments.remove(id).is_some_and(|known| known.gone) {
            self.gone -= 1;
        }
    }
}
