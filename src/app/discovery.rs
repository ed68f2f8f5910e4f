//! The tasks of discovery: one loop for each entry, and a task that saves the results.

use std::{
    collections::BTreeSet,
    convert::Infallible,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use futures_util::future::join_all;
use tokio::time::{Instant, sleep};
use tracing::warn;

use crate::{
    clock::Clock,
    discovery::{Discovery, DiscoveryLoop, EntrySettings, SavedInventories},
    model::TargetId,
    poll::{Schedule, Supervisor},
    store::Store,
    telemetry::DiscoveryHealth,
};

/// Delay before changes are saved, to save several changes at once.
const SAVE_DELAY: Duration = Duration::from_secs(1);

/// Runs the loops of the entries.
#[derive(Debug)]
pub(super) struct DiscoveryTasks {
    pub(super) discovery: Arc<Discovery>,
    supervisor: Supervisor<String, DiscoveryLoop>,
    running: BTreeSet<String>,
    clock: Clock,
}

impl DiscoveryTasks {
    pub(super) fn new(store: Arc<Store>, clock: Clock) -> Self {
        let discovery = Arc::new(Discovery::new(store, clock));
        Self { discovery, supervisor: Supervisor::default(), running: BTreeSet::new(), clock }
    }

    /// Sets the entries without starting their loops: see [`DiscoveryTasks::start`]. `listed` contains the workspaces
    /// that belong to no entry.
    pub(super) fn set(&self, entries: Vec<EntrySettings>, listed: BTreeSet<String>) -> BTreeSet<String> {
        self.discovery.set_entries(entries, listed)
    }

    /// Runs a loop for each of `entries`. Restarts the loops of entries in `changed`, and stops the loops of removed
    /// entries.
    pub(super) fn start(&mut self, entries: &[EntrySettings], changed: &BTreeSet<String>) {
        let names: BTreeSet<String> = entries.iter().map(|entry| entry.name.clone()).collect();
        for gone in self.running.difference(&names) {
            self.supervisor.stop(gone);
        }
        for entry in entries {
            if changed.contains(&entry.name) || !self.running.contains(&entry.name) {
                self.supervisor.start(entry.name.clone(), self.discovery_loop(entry));
            }
        }
        self.running = names;
    }

    /// Runs one attempt of each of `entries`. Returns whether all succeeded.
    pub(super) async fn discover_once(&self, entries: &[EntrySettings]) -> bool {
        let loops: Vec<_> = entries.iter().map(|entry| self.discovery_loop(entry)).collect();
        join_all(loops.iter().map(|discovery_loop| discovery_loop.attempt())).await;
        self.discovery.statuses().iter().all(|status| status.up == Some(true))
    }

    /// Restarts loops that panic. Never returns.
    ///
    /// # Cancel safety
    ///
    /// The future may be dropped and created again.
    pub(super) async fn supervise(&mut self) {
        self.supervisor.run().await;
    }

    pub(super) async fn shutdown(&mut self) {
        self.supervisor.shutdown().await;
    }

    fn discovery_loop(&self, entry: &EntrySettings) -> Arc<DiscoveryLoop> {
        let (now, wall_clock) = (Instant::now(), self.clock.since_epoch());
        // The schedule uses only the hash.
        let id = TargetId {
            workspace: entry.name.clone(),
            namespace: String::new(),
            collector: "discovery",
            selection: String::new(),
        };
        Arc::new(DiscoveryLoop {
            settings: entry.clone(),
            discovery: self.discovery.clone(),
            schedule: Schedule::new(&id, entry.interval, now, now, wall_clock),
            started: AtomicBool::new(false),
        })
    }
}

/// The health of the entries, for metrics and pages.
pub(super) fn health(discovery: &Discovery) -> Vec<DiscoveryHealth> {
    let statuses = discovery.statuses().into_iter();
    let health = statuses.map(|status| DiscoveryHealth {
        name: status.name,
        region: status.region,
        interval: status.interval,
        up: status.up,
        last_success: status.last_success,
        source: status.source.map(|source| source.to_string()),
        problem: status.problem,
        workspaces: status.workspaces.by_state(),
        namespaces: status.namespaces.by_state(),
    });
    health.collect()
}

/// Restores what an earlier run found.
pub(super) fn restore(discovery: &Discovery, store: &Store) {
    let (snapshot, unreadable) = SavedInventories::from_entries(store.discovery_entries());
    if unreadable > 0 {
        warn!(entries = unreadable, "saved results of discovery are invalid and ignored");
    }
    discovery.restore(snapshot);
}

/// Saves the inventories when they change.
pub(super) async fn save_changes(discovery: Arc<Discovery>, store: Arc<Store>) -> Infallible {
    let mut changes = discovery.changes();
    loop {
        // The sender is a part of `discovery`.
        let _ = changes.changed().await;
        sleep(SAVE_DELAY).await;
        changes.mark_unchanged();
        save(&discovery, &store).await;
    }
}

/// Saves the changes since the last save.
pub(super) async fn save(discovery: &Discovery, store: &Store) {
    let saved = store.discovery_entries();
    let current = discovery.inventories().to_entries();
    let removed = saved.keys().filter(|key| !current.contains_key(*key)).map(|key| (key.clone(), None));
    let changed = current.iter().filter(|(key, value)| saved.get(*key) != Some(value));
    let changed = changed.map(|(key, value)| (key.clone(), Some(value.clone())));
    let batch: Vec<_> = removed.chain(changed).collect();
    if !batch.is_empty() {
        store.save_discovery(batch).await;
    }
}
