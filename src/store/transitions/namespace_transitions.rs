//! What is remembered of the deployments of one namespace.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    time::Duration,
};

use parking_lot::{Mutex, RwLock};
use tokio::sync::{Mutex as AsyncMutex, MutexGuard};

use super::{compare::Poll, deployment_record::DeploymentRecord, failures::RecentFailures, served::Served};
use crate::{
    model::{Deployment, ObservedStatus, Transitions},
    store::{jobs::NamespaceJobs, saved_state::Record},
};

/// How long a deployment that no target returns is remembered.
pub(in crate::store) const FORGET_AFTER: Duration = Duration::from_secs(24 * 3600);

/// The deployments of a namespace that are remembered although no target returns them; the oldest are forgotten first.
const MAX_GONE: usize = 100_000;

/// The earlier statuses of one deployment that are remembered.
const MAX_STATUSES: usize = 19;

/// What is remembered of the deployments of one namespace.
#[derive(Debug, Default)]
pub(in crate::store) struct NamespaceTransitions {
    /// Held while a poll is compared, saved and applied: what is saved is in the order of what is applied.
    committing: AsyncMutex<()>,
    memory: RwLock<State>,
    /// What is being saved and not yet remembered: it belongs to a dump. Locked before `memory`.
    saving: Mutex<Vec<Record>>,
    pub(in crate::store) jobs: NamespaceJobs,
}

#[derive(Debug, Default)]
struct State {
    deployments: HashMap<Box<str>, DeploymentRecord>,
    /// The deployments that are gone.
    gone: usize,
    failures: RecentFailures,
    /// The statuses that deployments had before in this run, the most recent first.
    statuses: HashMap<Box<str>, VecDeque<ObservedStatus>>,
    /// Changes with what is served.
    revision: u64,
    /// For how long the namespace has not been a target while the exporter ran.
    orphaned: Duration,
}

/// What a poll changes in a namespace.
#[derive(Debug, Default)]
pub(in crate::store) struct Update {
    /// In the order of the listing; none if nothing but the time of the poll changes.
    returned: Vec<Option<DeploymentRecord>>,
    /// Deployments that no target returns any more.
    gone: Vec<(Box<str>, DeploymentRecord)>,
    forgotten: Vec<Box<str>>,
    /// Where in the listing the deployments are whose record changes.
    recorded: Vec<usize>,
    /// Deployments with a failure whose reason is not known.
    failed: Vec<Box<str>>,
    serves_changes: bool,
}

/// A namespace in which no other poll is compared until this is dropped.
#[derive(Debug)]
pub(in crate::store) struct Committing<'n> {
    namespace: &'n NamespaceTransitions,
    _guard: MutexGuard<'n, ()>,
}

impl NamespaceTransitions {
    /// Waits until no other poll of the namespace is compared, saved or applied.
    pub(in crate::store) async fn commit(&self) -> Committing<'_> {
        Committing { _guard: self.committing.lock().await, namespace: self }
    }

    /// Whether the API must be asked how the last jobs of some of these deployments ended.
    pub(in crate::store) fn needs_answer(&self, poll: &Poll<'_>, listed: &[Deployment]) -> bool {
        let memory = self.memory.read();
        listed.iter().any(|deployment| poll.needs_answer(memory.deployments.get(&*deployment.id), deployment))
    }

    /// Changes whenever [`NamespaceTransitions::transitions`] may return something else.
    pub(in crate::store) fn revision(&self) -> u64 {
        self.memory.read().revision
    }

    /// The transitions of these deployments, in their order.
    pub(in crate::store) fn transitions<'d>(
        &self,
        deployments: impl Iterator<Item = &'d Deployment>,
    ) -> Vec<Transitions> {
        let memory = self.memory.read();
        let transitions =
            |id: &str| memory.deployments.get(id).map(DeploymentRecord::transitions).unwrap_or_default();
        deployments.map(|deployment| transitions(&deployment.id)).collect()
    }

    /// The jobs of each deployment that were observed to fail after `since`, the time since the Unix epoch.
    pub(in crate::store) fn failures_since(&self, since: Duration) -> HashMap<Box<str>, u64> {
        self.memory.read().failures.since(since)
    }

    /// Remembers a deployment by its record, which was saved at `saved_at`. None if the record is unreadable.
    pub(in crate::store) fn restore(
        &self,
        id: &str,
        record: &[u8],
        saved_at: Duration,
        outdated: bool,
    ) -> Option<()> {
        let mut remembered = DeploymentRecord::decode(record)?;
        remembered.outdated |= outdated;
        if !remembered.gone {
            remembered.last_returned = saved_at;
        }
        let mut memory = self.memory.write();
        memory.gone += usize::from(remembered.gone);
        memory.deployments.insert(id.into(), remembered);
        Some(())
    }

    /// The statuses of a deployment in this run, the most recent first.
    pub(in crate::store) fn recent_statuses(&self, id: &str) -> Vec<ObservedStatus> {
        let memory = self.memory.read();
        let current = memory.deployments.get(id).and_then(|known| known.status);
        let earlier = memory.statuses.get(id).into_iter().flatten();
        current.into_iter().chain(earlier.copied()).collect()
    }

    /// Whether a deployment is remembered.
    pub(in crate::store) fn knows(&self, id: &str) -> bool {
        self.memory.read().deployments.contains_key(id)
    }

    /// When a deployment was first returned in this run, since the Unix epoch.
    pub(in crate::store) fn first_seen(&self, id: &str) -> Option<Duration> {
        self.memory.read().deployments.get(id)?.first_seen
    }

    /// The records of all deployments.
    pub(in crate::store) fn records(&self) -> Vec<Record> {
        let saving = self.saving.lock();
        let memory = self.memory.read();
        let remembered = memory.deployments.iter().map(|(id, of)| (id.clone(), of.encode()));
        remembered.chain(saving.iter().cloned()).collect()
    }

    /// Deletions of the records of all deployments.
    pub(in crate::store) fn deletions(&self) -> Vec<Record> {
        self.memory.read().deployments.keys().map(|id| (id.clone(), None)).collect()
    }

    /// Takes the status of a deployment from a record if it is unknown and the record has the same counts.
    pub(in crate::store) fn adopt_status(&self, id: &str, record: &[u8]) {
        let Some(recorded) = DeploymentRecord::decode(record) else { return };
        let mut memory = self.memory.write();
        if memory.deployments.get_mut(id).is_some_and(|known| known.adopt_status(&recorded)) {
            memory.revision += 1;
        }
    }

    /// For how long the namespace has not been a target while the exporter ran.
    pub(in crate::store) fn orphaned(&self) -> Duration {
        self.memory.read().orphaned
    }

    /// Sets [`NamespaceTransitions::orphaned`].
    pub(in crate::store) fn age(&self, orphaned: Duration) {
        self.memory.write().orphaned = orphaned;
    }
}

impl Committing<'_> {
    /// Compares what `poll` returned with what is remembered.
    ///
    /// `polled_since` is the end of the last successful poll of the target that was polled the longest time ago; none if a
    /// target of the namespace has not been polled yet.
    pub(in crate::store) fn compare(
        &self,
        poll: &Poll<'_>,
        listed: &[Deployment],
        served: &Served,
        polled_since: Option<Duration>,
    ) -> Update {
        let memory = self.namespace.memory.read();
        let ids = served.ids();
        let mut update = Update { returned: Vec::with_capacity(listed.len()), ..Update::default() };
        let mut present = 0;
        for (index, deployment) in listed.iter().enumerate() {
            let before = memory.deployments.get(&*deployment.id);
            present += usize::from(before.is_some_and(|before| !before.gone));
            update.compare(poll, before, deployment, !ids.contains(index, &deployment.id));
        }
        if let Some(polled_since) = polled_since {
            if present + memory.gone < memory.deployments.len() {
                update.gone = memory.missing(listed, polled_since);
            }
            update.forgotten = memory.forgettable(listed, poll.ended);
        }
        update
    }

    /// The records that `update`, which is of this listing, changes. Until it is applied they belong to a dump.
    ///
    /// The second ones are those of jobs, if they are collected.
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

    /// Makes `update`, which is of this listing, what is remembered.
    pub(in crate::store) fn apply(self, poll: &Poll<'_>, listed: &[Deployment], update: Update) {
        let mut saving = self.namespace.saving.lock();
        saving.clear();
        let mut memory = self.namespace.memory.write();
        memory.failures.forget_before(poll.ended);
        for (deployment, returned) in listed.iter().zip(update.returned) {
            if let Some(after) = returned {
                memory.replace(&deployment.id, after, poll.ended);
            } else if let Some(known) = memory.deployments.get_mut(&*deployment.id) {
                (known.last_returned, known.requested_at) = (poll.ended, Some(poll.requested_at));
            }
        }
        for (id, after) in update.gone {
            memory.replace(&id, after, poll.ended);
        }
        for id in &update.forgotten {
            memory.forget(id);
        }
        memory.revision += u64::from(update.serves_changes);
        drop(memory);
        drop(saving);
        self.namespace.jobs.forget(&update.forgotten);
        self.namespace.jobs.note_failures(&update.failed, poll.ended_at);
    }
}

impl Update {
    fn compare(
        &mut self,
        poll: &Poll<'_>,
        before: Option<&DeploymentRecord>,
        deployment: &Deployment,
        begins: bool,
    ) {
        if !begins && before.is_some_and(|before| poll.changes_nothing(before, deployment)) {
            self.returned.push(None);
            return;
        }
        let after = poll.compare(before, deployment, begins);
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

impl State {
    /// The deployments that no target has returned since `polled_since`, except those in `listed`.
    fn missing(&self, listed: &[Deployment], polled_since: Duration) -> Vec<(Box<str>, DeploymentRecord)> {
        let listed: HashSet<&str> = listed.iter().map(|deployment| &*deployment.id).collect();
        let is_missing = |id: &str, of: &DeploymentRecord| {
            !of.gone && of.last_returned < polled_since && !listed.contains(id)
        };
        let missing = self.deployments.iter().filter(|(id, of)| is_missing(id, of));
        missing.map(|(id, of)| (id.clone(), DeploymentRecord { gone: true, ..of.clone() })).collect()
    }

    /// The deployments that have been gone for long, and the oldest of too many.
    fn forgettable(&self, listed: &[Deployment], now: Duration) -> Vec<Box<str>> {
        if self.gone == 0 {
            return Vec::new();
        }
        let listed: HashSet<&str> = listed.iter().map(|deployment| &*deployment.id).collect();
        let gone = self.deployments.iter().filter(|(id, of)| of.gone && !listed.contains(&***id));
        let mut gone: Vec<_> = gone.map(|(id, of)| (of.last_returned, id)).collect();
        let kept = gone.len().min(MAX_GONE);
        gone.sort_unstable_by_key(|(last_returned, _)| std::cmp::Reverse(*last_returned));
        let too_old = gone.iter().filter(|(last_returned, _)| *last_returned + FORGET_AFTER <= now).count();
        // They are the last ones.
        let remembered = kept.min(gone.len() - too_old);
        gone.into_iter().skip(remembered).map(|(_, id)| id.clone()).collect()
    }

    fn replace(&mut self, id: &str, after: DeploymentRecord, now: Duration) {
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
        let failed = failed.saturating_sub(before.as_ref().map_or(0, DeploymentRecord::failed));
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
