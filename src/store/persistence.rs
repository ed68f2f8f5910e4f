//! Persistence: saves and restores transitions, jobs, the times of polls and the results of discovery.

use std::{
    path::PathBuf,
    sync::{Arc, Weak},
    time::Duration,
};

use serde::de::DeserializeOwned;
use state_file::{Batch, Contents, Loaded, Owner, SaveError, Settings, StateFile};
use tracing::{debug, info, warn};

use super::{
    Store, state_age,
    state_format::{DiscoveryEntries, Record, SEPARATOR, namespace_key, parts, target_key},
};
use crate::model::{DEPLOYMENTS, GroupId};

/// Version of the format of keys and values.
const FORMAT_VERSION: u32 = 1;

/// Keys: workspace, namespace, deployment. Values: [`Record`].
const DEPLOYMENTS_TABLE: &str = "deployments";
/// Keys: workspace, namespace, collector, selection. Values: the end of the last successful poll.
const TARGETS_TABLE: &str = "targets";
/// Keys: workspace, namespace. Values: how long the namespace has not been a target.
const NAMESPACES_TABLE: &str = "namespaces";
/// Keys: workspace, namespace, deployment. Values: the record of its jobs.
const JOBS_TABLE: &str = "jobs";
/// Keys and values: those of discovery.
const DISCOVERY_TABLE: &str = "discovery";

/// The store as the owner of the state file.
struct StateOwner(Weak<Store>);

impl Owner for StateOwner {
    fn dump(&self) -> Option<Batch> {
        Some(self.0.upgrade()?.dump())
    }

    fn merge(&self, contents: Contents) {
        if let Some(store) = self.0.upgrade() {
            store.merge_state(&contents);
        }
    }
}

impl Store {
    /// Opens the state file at `path` and restores its contents. Later changes are saved before they are served.
    ///
    /// This never fails: if the file cannot be read, the store starts empty. The time to wait is limited.
    pub async fn load_state(self: &Arc<Self>, path: PathBuf) {
        let settings = Settings::new(path, FORMAT_VERSION, self.clock);
        let (file, mut loading) = StateFile::start(settings, Arc::new(StateOwner(Arc::downgrade(self))));
        let file = self.state_file.get_or_init(|| file);
        match loading.wait().await {
            Loaded::Contents(contents) => {
                if self.restore(&contents) {
                    // Save that the state is outdated, since deployments may not be polled before the next start.
                    file.request_dump();
                }
            }
            Loaded::New => info!(path = %file.path().display(), "state file created"),
            Loaded::Nothing(problem) => warn!(%problem, "starting without the state of an earlier run"),
        }
    }

    /// The state file; none without `state.path`.
    pub fn state_file(&self) -> Option<&StateFile> {
        self.state_file.get()
    }

    /// Records that the exporter is running, and when targets were last polled successfully. Forgets namespaces that
    /// have not been targets for 24 hours. `elapsed` is the time since the last call. Call this at least once a
    /// minute.
    pub async fn record_state(&self, elapsed: Duration) {
        let forgotten = self.forget_namespaces(elapsed);
        let Some(file) = self.state_file.get() else { return };
        let mut batch = self.run_record();
        for (group, records) in &forgotten {
            push_records(&mut batch, DEPLOYMENTS_TABLE, group, &records.deployments);
            push_records(&mut batch, JOBS_TABLE, group, &records.jobs);
            batch.delete(NAMESPACES_TABLE, namespace_key(group));
        }
        log_unsaved(file.save(batch).await);
    }

    /// Saves the last changes, and closes the state file.
    pub async fn close_state(&self, timeout: Duration) {
        let Some(file) = self.state_file.get() else { return };
        // No need to wait: closing saves it.
        drop(file.save(self.run_record()));
        log_unsaved(file.close(timeout).await);
    }

    /// The saved keys and values of discovery.
    pub fn discovery_entries(&self) -> DiscoveryEntries {
        self.shared.lock().saved.discovery.clone()
    }

    /// Saves keys and values of discovery. A value of none deletes the key.
    pub async fn save_discovery(&self, changes: Vec<(Vec<u8>, Option<Vec<u8>>)>) {
        let mut batch = Batch::new();
        {
            let entries = &mut self.shared.lock().saved.discovery;
            for (key, value) in changes {
                if let Some(value) = value {
                    batch.put(DISCOVERY_TABLE, key.clone(), value.clone());
                    entries.insert(key, value);
                } else {
                    batch.delete(DISCOVERY_TABLE, key.clone());
                    entries.remove(&key);
                }
            }
        }
        if let Some(file) = self.state_file.get() {
            log_unsaved(file.save(batch).await);
        }
    }

    /// Saves the changed records of the deployments of a namespace, and of their jobs.
    pub(super) async fn save_records(&self, group: &GroupId, deployments: &[Record], jobs: &[Record]) {
        let Some(file) = self.state_file.get() else { return };
        let mut batch = Batch::new();
        push_records(&mut batch, DEPLOYMENTS_TABLE, group, deployments);
        push_records(&mut batch, JOBS_TABLE, group, jobs);
        log_unsaved(file.save(batch).await);
    }

    /// Restores the contents. Returns whether the state is outdated.
    fn restore(&self, contents: &Contents) -> bool {
        let now = self.clock.since_epoch();
        let age = now.saturating_sub(contents.saved_at());
        let outdated = state_age::is_outdated(age);
        let mut shared = self.shared.lock();
        let (mut restored, mut unreadable) = (0_u64, 0_u64);
        for (key, value) in contents.table(DEPLOYMENTS_TABLE) {
            let known = parts(key).and_then(|[workspace, namespace, id]| {
                let namespace = shared.transitions.entry(group(workspace, namespace)).or_default();
                namespace.restore(id, value, contents.saved_at(), outdated)
            });
            *(if known.is_some() { &mut restored } else { &mut unreadable }) += 1;
        }
        for (key, value) in contents.table(JOBS_TABLE) {
            let known = parts(key).and_then(|[workspace, namespace, id]| {
                let namespace = shared.transitions.entry(group(workspace, namespace)).or_default();
                namespace.knows(id).then(|| namespace.jobs.restore(id, value, outdated))?
            });
            unreadable += u64::from(known.is_none());
        }
        for (key, value) in contents.table(NAMESPACES_TABLE) {
            let namespace = parts(key)
                .and_then(|[workspace, namespace]| shared.transitions.get(&group(workspace, namespace)));
            if let (Some(namespace), Some(orphaned)) = (namespace, decode(value)) {
                namespace.age(orphaned);
            }
        }
        if !outdated {
            let polled = contents.table(TARGETS_TABLE).iter();
            shared.saved.polled =
                polled.filter_map(|(key, value)| Some((key.clone(), decode(value)?))).collect();
        }
        shared.saved.discovery = contents.table(DISCOVERY_TABLE).iter().cloned().collect();
        drop(shared);
        info!(deployments = restored, unreadable, ?age, outdated, "state restored");
        outdated
    }

    /// Copies all transitions through their records, as a restart does.
    #[cfg(test)]
    pub(super) fn copy_memory_to(&self, other: &Self, saved_at: Duration) {
        for (group, namespace) in &self.shared.lock().transitions {
            let copy: Arc<super::transitions::NamespaceTransitions> = Arc::default();
            for (id, record) in namespace.records() {
                copy.restore(&id, &record.unwrap(), saved_at, false).unwrap();
            }
            other.shared.lock().transitions.insert(group.clone(), copy);
        }
    }

    /// Adopts statuses from a file that could not be read at the start, for deployments whose status is unknown.
    fn merge_state(&self, contents: &Contents) {
        let namespaces = self.shared.lock().transitions.clone();
        for (key, value) in contents.table(DEPLOYMENTS_TABLE) {
            let Some([workspace, namespace, id]) = parts(key) else { continue };
            if let Some(namespace) = namespaces.get(&group(workspace, namespace)) {
                namespace.adopt_status(id, value);
            }
        }
    }

    fn dump(&self) -> Batch {
        let mut batch = self.run_record();
        let namespaces = {
            let shared = self.shared.lock();
            for (key, value) in &shared.saved.discovery {
                batch.put(DISCOVERY_TABLE, key.clone(), value.clone());
            }
            shared.transitions.clone()
        };
        for (group, namespace) in namespaces {
            push_records(&mut batch, DEPLOYMENTS_TABLE, &group, &namespace.records());
            push_records(&mut batch, JOBS_TABLE, &group, &namespace.jobs.records());
        }
        batch
    }

    /// The times of the last polls, and how long namespaces have not been targets.
    fn run_record(&self) -> Batch {
        let mut batch = Batch::new();
        let shared = self.shared.lock();
        for (id, entry) in &shared.targets {
            if let Some(value) = entry.status.last_success.and_then(|success| encode(&success)) {
                batch.put(TARGETS_TABLE, target_key(id), value);
            }
        }
        for key in shared.saved.polled.keys().filter(|key| !shared.has_target(key)) {
            batch.delete(TARGETS_TABLE, key.clone());
        }
        for (group, namespace) in &shared.transitions {
            if let Some(value) =
                Some(namespace.orphaned()).filter(|of| !of.is_zero()).and_then(|of| encode(&of))
            {
                batch.put(NAMESPACES_TABLE, namespace_key(group), value);
            }
        }
        batch
    }
}

fn log_unsaved(result: Result<(), SaveError>) {
    // The state file logs problems itself.
    if let Err(error) = result {
        debug!(%error, "state not saved yet");
    }
}

fn push_records(batch: &mut Batch, table: &'static str, group: &GroupId, records: &[Record]) {
    let prefix = [group.workspace.as_str(), SEPARATOR, &group.namespace, SEPARATOR].concat();
    for (id, value) in records {
        let key = [prefix.as_bytes(), id.as_bytes()].concat();
        match value {
            Some(value) => batch.put(table, key, value.clone()),
            None => batch.delete(table, key),
        }
    }
}

fn group(workspace: &str, namespace: &str) -> GroupId {
    GroupId { workspace: workspace.to_owned(), namespace: namespace.to_owned(), collector: DEPLOYMENTS }
}

fn encode(duration: &Duration) -> Option<Vec<u8>> {
    postcard::to_stdvec(duration).ok()
}

fn decode<T: DeserializeOwned>(value: &[u8]) -> Option<T> {
    postcard::from_bytes(value).ok()
}

#[cfg(test)]
mod tests;
