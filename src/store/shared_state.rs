//! The state behind the store's lock.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use tokio::time::Instant;

use super::{
    poll_report::Undo,
    readiness::Latch,
    state_format::{SavedState, target_key},
    target_settings::TargetSettings,
    target_status::{TargetData, TargetStatus},
    transitions::{NamespaceTransitions, ServedDeployments},
};
use crate::model::{DEPLOYMENTS, GroupId, JOBS, Misses, ObjectSet, TargetId};

#[derive(Debug, Default)]
pub(super) struct SharedState {
    pub(super) targets: BTreeMap<Arc<TargetId>, TargetState>,
    pub(super) groups: BTreeMap<GroupId, BTreeSet<Arc<TargetId>>>,
    /// Expiry times of targets with data.
    pub(super) expiries: BTreeSet<(Instant, Arc<TargetId>)>,
    /// Times by which targets must report.
    pub(super) reports_due: BTreeSet<(Instant, Arc<TargetId>)>,
    /// Transitions by group, also of groups without targets.
    pub(super) transitions: BTreeMap<GroupId, Arc<NamespaceTransitions>>,
    pub(super) saved: SavedState,
    pub(super) last_revision: u64,
    pub(super) last_sequence: u64,
}

#[derive(Debug)]
pub(super) struct TargetState {
    pub(super) settings: TargetSettings,
    pub(super) status: Arc<TargetStatus>,
    pub(super) misses: Misses,
    /// The fields whose invalid values were logged, by operation and field.
    pub(super) logged_fields: BTreeSet<(&'static str, &'static str)>,
    pub(super) report_due: Option<Instant>,
    /// Held until the first poll has finished.
    pub(super) latch: Option<Latch>,
}

impl SharedState {
    pub(super) fn set(&mut self, id: &Arc<TargetId>, settings: &TargetSettings, latch: Option<&Latch>) {
        if let Some(status) = self.status(id) {
            (status.region, status.interval) = (settings.region.clone(), settings.interval);
        }
        if let Some(entry) = self.targets.get_mut(id) {
            let renewed = entry.settings.generation != settings.generation;
            entry.settings = settings.clone();
            self.reschedule_expiry(id);
            if renewed {
                // The new loop sets its own time.
                self.clear_report_due(id);
            }
            return;
        }
        let status = TargetStatus::new(settings.region.clone(), settings.interval);
        let entry = TargetState {
            settings: settings.clone(),
            status: Arc::new(status),
            misses: Misses::default(),
            logged_fields: BTreeSet::new(),
            report_due: None,
            // Readiness waits only for deployments.
            latch: latch.filter(|_| id.collector == DEPLOYMENTS).cloned(),
        };
        self.targets.insert(id.clone(), entry);
        self.groups.entry(id.group()).or_default().insert(id.clone());
    }

    /// Removes a target. Returns its group if the group lost data and still has targets.
    pub(super) fn remove(&mut self, id: &Arc<TargetId>) -> Option<GroupId> {
        self.clear_report_due(id);
        let had_data = self.withdraw(id);
        self.targets.remove(id);
        let group = id.group();
        let members = self.groups.get_mut(&group)?;
        members.remove(id);
        if members.is_empty() {
            self.groups.remove(&group);
            return None;
        }
        had_data.then_some(group)
    }

    /// The entry of a target, if its poll loop has this generation.
    pub(super) fn current(&self, id: &TargetId, generation: u64) -> Option<&TargetState> {
        self.targets.get(id).filter(|entry| entry.settings.generation == generation)
    }

    /// When a target was last polled successfully, in this run or in an earlier one, as time since the Unix epoch.
    pub(super) fn previous_success(&self, id: &TargetId) -> Option<Duration> {
        self.targets.get(id)?.status.last_success.or_else(|| self.saved.polled(id))
    }

    /// Whether a target has this key in the state file.
    pub(super) fn has_target(&self, key: &[u8]) -> bool {
        self.targets.keys().any(|id| target_key(id) == key)
    }

    /// The served data of the group of `id`, first that of `id`.
    pub(super) fn served(&self, id: &TargetId) -> ServedDeployments {
        let now = Instant::now();
        let data = |entry: &TargetState| {
            let data = entry.status.data.as_ref().filter(|data| data.expires_at > now);
            data.map(|data| data.objects.clone())
        };
        let others = self.groups.get(&id.group()).into_iter().flatten().filter(|other| &***other != id);
        ServedDeployments::new(
            self.targets.get(id).and_then(data),
            others.filter_map(|other| self.targets.get(other).and_then(data)).collect(),
        )
    }

    /// The earliest of `latest` and the last successful polls of the other targets in the group. None if one has
    /// never been polled.
    pub(super) fn polled_since(&self, id: &TargetId, latest: Duration) -> Option<Duration> {
        let others = self.groups.get(&id.group()).into_iter().flatten().filter(|other| &***other != id);
        others
            .map(|other| self.targets.get(other)?.status.last_success)
            .try_fold(latest, |earliest, success| success.map(|success| earliest.min(success)))
    }

    /// The status of a target, for a change. Assigns a new sequence number.
    pub(super) fn status(&mut self, id: &TargetId) -> Option<&mut TargetStatus> {
        let status = Arc::make_mut(&mut self.targets.get_mut(id)?.status);
        self.last_sequence += 1;
        status.sequence = self.last_sequence;
        Some(status)
    }

    pub(super) fn replace_data(
        &mut self,
        id: &TargetId,
        objects: Arc<dyn ObjectSet>,
        requested_at: Instant,
        received_at: Duration,
    ) {
        let Some((id, entry)) = self.targets.get_key_value(id) else { return };
        let id = id.clone();
        let before = entry.status.data.as_ref();
        let unchanged = before.filter(|before| Arc::ptr_eq(&before.objects, &objects));
        let revision = unchanged.map_or(self.last_revision + 1, |before| before.revision);
        self.last_revision = self.last_revision.max(revision);
        let old_expiry = before.map(|before| before.expires_at);
        let now = Instant::now();
        let expires_at = now + entry.settings.expire_after;
        if let Some(at) = old_expiry {
            self.expiries.remove(&(at, id.clone()));
        }
        if let Some(status) = self.status(&id) {
            status.data = Some(TargetData {
                objects,
                revision,
                received_at,
                requested_at,
                renewed_at: now,
                expires_at,
            });
        }
        self.expiries.insert((expires_at, id));
    }

    /// Restores a target's status before a commit, without data that has expired since.
    pub(super) fn restore(&mut self, id: &Arc<TargetId>, undo: Undo) {
        self.withdraw(id);
        let Some(entry) = self.targets.get_mut(id) else { return };
        (entry.status, entry.misses) = (undo.status, undo.misses);
        let Some(expires_at) = entry.status.data.as_ref().map(|data| data.expires_at) else { return };
        self.expiries.insert((expires_at, id.clone()));
        if expires_at <= Instant::now() {
            self.withdraw(id);
        }
    }

    /// Withdraws the data of a target. Returns whether there was any.
    pub(super) fn withdraw(&mut self, id: &Arc<TargetId>) -> bool {
        if self.targets.get(id).is_none_or(|entry| entry.status.data.is_none()) {
            return false;
        }
        let Some(data) = self.status(id).and_then(|status| status.data.take()) else { return false };
        self.expiries.remove(&(data.expires_at, id.clone()));
        true
    }

    /// Replaces the data of a target of jobs. Returns whether it changed.
    pub(super) fn replace_jobs(
        &mut self,
        id: &Arc<TargetId>,
        objects: Arc<dyn ObjectSet>,
        expires_at: Instant,
        received_at: Duration,
    ) -> bool {
        let Some(entry) = self.targets.get(id) else { return false };
        let before = entry.status.data.as_ref();
        let unchanged = before.filter(|before| before.objects.equals(&*objects));
        let (objects, revision) = match unchanged {
            Some(before) => (before.objects.clone(), before.revision),
            None => (objects, self.last_revision + 1),
        };
        let changed = unchanged.is_none();
        self.last_revision = self.last_revision.max(revision);
        let now = Instant::now();
        let data =
            TargetData { objects, revision, received_at, requested_at: now, renewed_at: now, expires_at };
        if let Some(before) = before.map(|before| before.expires_at) {
            self.expiries.remove(&(before, id.clone()));
        }
        self.expiries.insert((expires_at, id.clone()));
        if !changed {
            // No reader sees when it was renewed.
            self.set_expiry(id, expires_at);
        } else if let Some(status) = self.status(id) {
            status.data = Some(data);
        }
        changed
    }

    fn set_expiry(&mut self, id: &TargetId, expires_at: Instant) {
        let Some(entry) = self.targets.get_mut(id) else { return };
        if let Some(data) = &mut Arc::make_mut(&mut entry.status).data {
            data.expires_at = expires_at;
        }
    }

    fn reschedule_expiry(&mut self, id: &Arc<TargetId>) {
        if id.collector == JOBS {
            // The expiry depends on the deployments: see `Store::serve_jobs`.
            return;
        }
        let Some(expire_after) = self.targets.get(id).map(|entry| entry.settings.expire_after) else {
            return;
        };
        let Some(data) = self.status(id).and_then(|status| status.data.as_mut()) else { return };
        let before = std::mem::replace(&mut data.expires_at, data.renewed_at + expire_after);
        let after = data.expires_at;
        self.expiries.remove(&(before, id.clone()));
        self.expiries.insert((after, id.clone()));
    }

    pub(super) fn set_report_due(&mut self, id: &TargetId, due: Instant) {
        self.clear_report_due(id);
        let Some((id, _)) = self.targets.get_key_value(id) else { return };
        let id = id.clone();
        if let Some(entry) = self.targets.get_mut(&id) {
            entry.report_due = Some(due);
        }
        self.reports_due.insert((due, id));
    }

    fn clear_report_due(&mut self, id: &TargetId) {
        let Some((id, _)) = self.targets.get_key_value(id) else { return };
        let id = id.clone();
        if let Some(due) = self.targets.get_mut(&id).and_then(|entry| entry.report_due.take()) {
            self.reports_due.remove(&(due, id));
        }
    }
}
