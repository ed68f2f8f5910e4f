//! All discovery entries: their inventories, selections and health.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};

use super::{
    SelectedWorkspace, SelectionResult, StateCounts, WorkspaceSelection,
    denied_collectors::DeniedCollectors,
    entry_state::{EntrySettings, EntryState, is_denial},
    listing_source::ListingSource,
    saved_inventories::{SavedEntry, SavedInventories},
    workspace_ownership::{listable_workspaces, select_workspaces},
};
use crate::{
    clock::Clock,
    console::SharedResult,
    model::{
        CollectorName, DEPLOYMENTS, EditableNamespace, ErrorClass, GroupId, NamespaceInstance, PollOutcome,
        TargetId, WorkspaceInstance,
    },
    poll::PollObserver,
    store::Store,
};

/// The discovery entries and their state.
#[derive(Debug)]
pub struct Discovery {
    state: Mutex<EntriesState>,
    /// Increases when the found workspaces change.
    changes: watch::Sender<u64>,
    /// Notified when a poll requests an early listing.
    pub(super) early: Notify,
    store: Arc<Store>,
    clock: Clock,
}

#[derive(Debug, Default)]
struct EntriesState {
    /// In order of precedence.
    entries: Vec<EntryState>,
    /// The workspaces whose namespaces the configuration lists.
    configured: BTreeSet<String>,
    denied_collectors: DeniedCollectors,
}

/// The status of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryStatus {
    /// The value of the label `discovery`.
    pub name: String,
    /// The region.
    pub region: String,
    /// The interval.
    pub interval: Duration,
    /// Whether the last listings succeeded; none before the first attempt has finished.
    pub up: Option<bool>,
    /// End of the last successful attempt, as time since the Unix epoch.
    pub last_success: Option<Duration>,
    /// The operations that it uses; none until they are chosen.
    pub source: Option<ListingSource>,
    /// The problem, if it is not up.
    pub problem: Option<String>,
    /// Its workspaces by state.
    pub workspaces: StateCounts,
    /// Its namespaces by state.
    pub namespaces: StateCounts,
}

/// The selected workspaces of one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundWorkspaces {
    /// The name of the entry.
    pub entry: String,
    /// Its workspaces.
    pub workspaces: BTreeMap<String, SelectedWorkspace>,
}

/// Which namespaces an attempt lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ListingScope {
    /// Those of every workspace.
    All,
    /// Those of these workspaces.
    Workspaces(BTreeSet<String>),
}

impl Discovery {
    /// A discovery without entries. It reads from `store` which namespaces have deployments.
    pub fn new(store: Arc<Store>, clock: Clock) -> Self {
        Self { state: Mutex::default(), changes: watch::Sender::new(0), early: Notify::new(), store, clock }
    }

    /// Sets the entries, in order of precedence. Entries with the same workspaces as before keep their inventory.
    /// `configured` contains the workspaces that belong to no entry.
    ///
    /// Returns the names of entries that are new or have changed settings.
    pub fn set_entries(&self, entries: Vec<EntrySettings>, configured: BTreeSet<String>) -> BTreeSet<String> {
        let mut state = self.state.lock();
        let mut before: BTreeMap<String, EntryState> = std::mem::take(&mut state.entries)
            .into_iter()
            .map(|entry| (entry.settings.name.clone(), entry))
            .collect();
        let mut changed = BTreeSet::new();
        for settings in entries {
            let known = before.remove(&settings.name);
            if !known.as_ref().is_some_and(|known| known.settings.equals(&settings)) {
                changed.insert(settings.name.clone());
            }
            state.entries.push(EntryState::new(settings, known));
        }
        state.configured = configured;
        state.denied_collectors = DeniedCollectors::default();
        drop(state);
        self.changed();
        changed
    }

    /// A receiver that changes when the found workspaces change.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn changed(&self) {
        self.changes.send_modify(|changes| *changes = changes.wrapping_add(1));
    }

    /// Whether the first attempt of every entry has finished.
    pub fn is_complete(&self) -> bool {
        self.state.lock().entries.iter().all(|entry| entry.attempted)
    }

    /// The selected workspaces of each entry, in order of precedence.
    pub fn found(&self) -> Vec<FoundWorkspaces> {
        let state = self.state.lock();
        let names = state.entries.iter().map(|entry| entry.settings.name.clone());
        names
            .zip(state.select_workspaces())
            .map(|(entry, selection)| FoundWorkspaces { entry, workspaces: selection.workspaces })
            .collect()
    }

    /// The status of each entry.
    pub fn statuses(&self) -> Vec<EntryStatus> {
        let state = self.state.lock();
        state
            .entries
            .iter()
            .zip(state.select_workspaces())
            .map(|(entry, selection)| status(entry, &selection))
            .collect()
    }

    /// Whether `collector` was denied in `workspace` and has never succeeded there. Logs this once for each entry and
    /// collector.
    pub fn denies(&self, entry: &str, collector: CollectorName, workspace: &str) -> bool {
        let mut state = self.state.lock();
        let state = &mut *state;
        let known = state.entries.iter().find(|known| known.settings.name == entry);
        let denied = known.is_some_and(|known| known.denies(collector, workspace))
            || state.denied_collectors.contains(collector, workspace);
        if denied {
            state.denied_collectors.log_once(entry, collector, workspace);
        }
        denied
    }

    /// Records that the collector of a target is denied. Returns whether that is new.
    fn deny(&self, id: &TargetId) -> bool {
        self.state.lock().denied_collectors.insert(id.collector, &id.workspace)
    }

    fn has_succeeded(&self, id: &TargetId) -> bool {
        let status = self.store.target(id);
        status.is_some_and(|status| {
            status.polls().any(|(outcome, count)| outcome == PollOutcome::Success && count > 0)
        })
    }

    /// The inventories of all entries, to be saved.
    pub fn inventories(&self) -> SavedInventories {
        let state = self.state.lock();
        let known = state.entries.iter().map(|entry| {
            let EntrySettings { name, region, .. } = &entry.settings;
            (name.clone(), SavedEntry { region: region.clone(), inventory: entry.inventory.clone() })
        });
        SavedInventories::new(known)
    }

    /// Restores the inventories of entries that have not finished an attempt.
    pub fn restore(&self, mut saved: SavedInventories) {
        let mut state = self.state.lock();
        for entry in state.entries.iter_mut().filter(|entry| !entry.attempted) {
            let EntrySettings { name, region, selection, .. } = &entry.settings;
            let pinned = match &selection.workspaces {
                WorkspaceSelection::Listed(id) => Some(id.as_str()),
                WorkspaceSelection::Matching(_) => None,
            };
            let saved = saved.take(name).filter(|saved| saved.region == *region);
            if let Some(inventory) = saved.and_then(|saved| saved.inventory.for_pinned(pinned)) {
                entry.inventory = inventory;
            }
        }
        drop(state);
        self.changed();
    }

    /// Whether the last poll of a namespace's deployments succeeded and returned any.
    fn has_deployments(&self, workspace: &str, namespace: &str) -> bool {
        let group = GroupId {
            workspace: workspace.to_owned(),
            namespace: namespace.to_owned(),
            collector: DEPLOYMENTS,
        };
        let mut targets = self.store.group(&group).into_iter();
        targets.any(|(_, status)| {
            let last = status.last_poll();
            last.is_some_and(|poll| {
                poll.outcome == PollOutcome::Success && poll.objects.is_some_and(|objects| objects > 0)
            })
        })
    }

    /// When a requested early listing may start.
    pub(super) fn early_due(&self, name: &str) -> Option<Instant> {
        self.with(name, |entry| entry.early.due(Instant::now())).flatten()
    }

    /// Starts an early listing. Returns its workspaces.
    pub(super) fn start_early(&self, name: &str) -> ListingScope {
        let workspaces = self.with(name, |entry| entry.early.start(Instant::now()));
        ListingScope::Workspaces(workspaces.unwrap_or_default())
    }

    /// Starts a complete listing. Returns the source, if it is chosen.
    pub(super) fn source(&self, name: &str) -> Option<ListingSource> {
        self.with(name, |entry| entry.source).flatten()
    }

    pub(super) fn clear_early(&self, name: &str) {
        self.with(name, |entry| entry.early.clear());
    }

    pub(super) fn record_workspaces(&self, name: &str, shared: &SharedResult<WorkspaceInstance>) {
        self.with(name, |entry| {
            let denied = shared.result.as_ref().is_err_and(is_denial);
            entry.instances_denied = denied && entry.source.is_none();
            entry.record_workspaces(shared, &|workspace, namespace| {
                self.has_deployments(workspace, namespace)
            });
        });
        self.changed();
    }

    pub(super) fn record_namespaces(
        &self,
        name: &str,
        workspace: &str,
        shared: &SharedResult<NamespaceInstance>,
    ) {
        let has_deployments = |workspace: &str, namespace: &str| self.has_deployments(workspace, namespace);
        self.with(name, |entry| entry.record_namespaces(workspace, shared, &has_deployments));
        self.changed();
    }

    pub(super) fn record_editable(&self, name: &str, shared: &SharedResult<EditableNamespace>) {
        let has_deployments = |workspace: &str, namespace: &str| self.has_deployments(workspace, namespace);
        self.with(name, |entry| entry.record_editable(shared, &has_deployments));
        self.changed();
    }

    /// Records that `DescribeNamespaces` is denied in every workspace, so that the other source is tried.
    pub(super) fn namespaces_denied(&self, name: &str) {
        self.with(name, |entry| entry.namespaces_denied = true);
    }

    pub(super) fn decide(&self, name: &str, source: ListingSource) {
        self.with(name, |entry| {
            entry.source = Some(source);
            entry.namespaces_denied &= source == ListingSource::Editable;
        });
    }

    pub(super) fn fail(&self, name: &str, problem: String) {
        self.with(name, |entry| entry.fail(problem));
    }

    /// The workspaces whose namespaces the entry lists, with their `InstanceId`: those in the last listing that this
    /// entry and no earlier entry selects.
    pub(super) fn workspaces_to_list(&self, name: &str, scope: &ListingScope) -> Vec<(String, String)> {
        let state = self.state.lock();
        let Some(index) = state.entries.iter().position(|entry| entry.settings.name == name) else {
            return Vec::new();
        };
        let entries: Vec<_> =
            state.entries.iter().map(|entry| (&entry.settings.selection, &entry.inventory)).collect();
        let mut workspaces = listable_workspaces(&entries, index, &state.configured());
        if let ListingScope::Workspaces(only) = scope {
            workspaces.retain(|(id, _)| only.contains(id));
        }
        workspaces
    }

    /// Why the entry's last listing failed as a whole.
    pub(super) fn problem(&self, name: &str) -> Option<String> {
        self.with(name, |entry| entry.problem(&BTreeSet::new()).map(str::to_owned)).flatten()
    }

    /// Ends an attempt. Returns the problem, if it failed.
    pub(super) fn finish(&self, name: &str) -> Option<String> {
        let now = self.clock.since_epoch();
        let mut state = self.state.lock();
        let index = state.entries.iter().position(|entry| entry.settings.name == name)?;
        let selection = state.select_workspaces().swap_remove(index);
        let entry = state.entries.get_mut(index)?;
        entry.attempted = true;
        let problem = entry.problem(&polled(&selection)).map(str::to_owned);
        if problem.is_none() {
            entry.last_success = Some(now);
        }
        drop(state);
        self.changed();
        problem
    }

    fn with<T>(&self, name: &str, change: impl FnOnce(&mut EntryState) -> T) -> Option<T> {
        // A reload may have removed the entry.
        self.state.lock().entries.iter_mut().find(|entry| entry.settings.name == name).map(change)
    }
}

/// Requests an early listing if a poll reports that its namespace does not exist.
impl PollObserver for Discovery {
    fn polled(&self, id: &TargetId, outcome: PollOutcome) {
        let PollOutcome::Failure(class) = outcome else { return };
        match class {
            ErrorClass::NotFound => {
                let mut state = self.state.lock();
                let selections = state.select_workspaces();
                let owner =
                    selections.iter().position(|selection| selection.workspaces.contains_key(&id.workspace));
                let Some(entry) = owner.and_then(|owner| state.entries.get_mut(owner)) else { return };
                entry.early.request(&id.workspace);
                drop(state);
                self.early.notify_waiters();
            }
            ErrorClass::Permission if !self.has_succeeded(id) && self.deny(id) => self.changed(),
            _ => {}
        }
    }
}

impl EntriesState {
    fn select_workspaces(&self) -> Vec<SelectionResult> {
        let entries: Vec<_> =
            self.entries.iter().map(|entry| (&entry.settings.selection, &entry.inventory)).collect();
        select_workspaces(&entries, &self.configured())
    }

    fn configured(&self) -> BTreeSet<&str> {
        self.configured.iter().map(String::as_str).collect()
    }
}

/// The workspaces that are polled, whose `DescribeNamespaces` must succeed.
fn polled(selection: &SelectionResult) -> BTreeSet<&str> {
    let polled = selection.workspaces.iter().filter(|(_, workspace)| workspace.runs && !workspace.missing);
    polled.map(|(id, _)| id.as_str()).collect()
}

fn status(entry: &EntryState, selection: &SelectionResult) -> EntryStatus {
    let problem = entry.problem(&polled(selection)).map(str::to_owned);
    EntryStatus {
        name: entry.settings.name.clone(),
        region: entry.settings.region.clone(),
        interval: entry.settings.interval,
        up: entry.attempted.then_some(problem.is_none()),
        last_success: entry.last_success,
        source: entry.source,
        problem,
        workspaces: selection.workspace_counts,
        namespaces: selection.namespace_counts,
    }
}
