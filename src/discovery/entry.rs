//! One entry: its settings, what it knows, and how its last listings went.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use tokio::time::Instant;
use url::Url;

use super::{
    HasDeployments, Inventory, Selection, WorkspaceSelection,
    source::{Listings, Source},
};
use crate::{
    api::ApiError,
    console::SharedResult,
    credentials,
    model::{EditableNamespace, ErrorClass, NamespaceInstance, WorkspaceInstance},
};

/// The least time between two listings of an entry that polls cause.
const EARLY_INTERVAL: Duration = Duration::from_secs(60);

/// What an entry discovers, and how.
#[derive(Debug, Clone)]
pub struct EntrySettings {
    /// The value of the label `discovery`.
    pub name: String,
    /// The region.
    pub region: String,
    /// How often workspaces and namespaces are listed.
    pub interval: Duration,
    /// The limit for one listing, without the wait for the request rate.
    pub timeout: Duration,
    /// What is selected from what is found.
    pub selection: Selection,
    /// Where the region is, and who asks.
    pub location: Location,
    /// What lists it.
    pub listings: Listings,
}

/// Where an entry's region is, and who asks.
#[derive(Debug, Clone, PartialEq)]
pub struct Location {
    /// The endpoint of the API for deployments.
    pub endpoint: Url,
    /// The endpoint of the console's API.
    pub console_endpoint: Url,
    /// Where the access key comes from.
    pub credentials: Arc<credentials::Source>,
}

impl EntrySettings {
    /// Whether `other` is about the same workspaces, so that what is known can be kept. Other credentials may be those of
    /// another user; what they do not list goes as everything else does.
    fn covers_same_workspaces(&self, other: &Self) -> bool {
        let pinned = |entry: &Self| match &entry.selection.workspaces {
            WorkspaceSelection::Listed(id) => Some(id.clone()),
            WorkspaceSelection::Matching(_) => None,
        };
        self.name == other.name && self.region == other.region && pinned(self) == pinned(other)
    }

    /// Whether `other` is the same entry, so that its source can be kept.
    fn is_same_entry(&self, other: &Self) -> bool {
        self.covers_same_workspaces(other)
            && (self.interval, self.timeout) == (other.interval, other.timeout)
            && self.selection == other.selection
            && self.location == other.location
    }

    /// Whether `other` is the same entry and lists by the same clients, so that its loop can go on.
    pub(super) fn equals(&self, other: &Self) -> bool {
        self.is_same_entry(other) && self.listings.is(&other.listings)
    }

    fn initial_inventory(&self) -> Inventory {
        match &self.selection.workspaces {
            WorkspaceSelection::Listed(id) => Inventory::of_workspace(id),
            WorkspaceSelection::Matching(_) => Inventory::of_region(),
        }
    }
}

/// An entry and what it knows.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) settings: EntrySettings,
    pub(super) inventory: Inventory,
    pub(super) source: Option<Source>,
    /// Whether the first attempt has finished.
    pub(super) attempted: bool,
    /// When the last attempt that succeeded ended, since the Unix epoch.
    pub(super) last_success: Option<Duration>,
    /// Why workspaces, or editable namespaces, could not be listed; or why no source could be decided.
    problem: Option<String>,
    /// Why the namespaces of a workspace could not be listed.
    namespace_problems: BTreeMap<String, String>,
    /// Whether `DescribeInstances` is denied.
    pub(super) instances_denied: bool,
    /// Whether `DescribeNamespaces` is denied for every workspace.
    pub(super) namespaces_denied: bool,
    /// The workspaces for which `DescribeNamespaces` was denied before it ever succeeded.
    pub(super) denied_workspaces: BTreeSet<String>,
    /// The workspaces for which it succeeded in this process.
    listed_workspaces: BTreeSet<String>,
    /// When the results that were last configured were requested, so that a shared result counts once.
    configured: ProcessedResults,
    pub(super) early: EarlyListing,
}

#[derive(Debug, Default)]
struct ProcessedResults {
    workspaces: Option<Instant>,
    namespaces: BTreeMap<String, Instant>,
    editable: Option<Instant>,
}

impl Entry {
    /// An entry that continues `before` as far as both list the same.
    pub(super) fn new(settings: EntrySettings, before: Option<Self>) -> Self {
        let before = before.filter(|before| before.settings.covers_same_workspaces(&settings));
        match before {
            Some(before) if before.settings.is_same_entry(&settings) => {
                Self { settings, ..before.without_denials() }
            }
            Some(before) => Self { settings, source: None, ..before.without_denials() },
            None => Self {
                inventory: settings.initial_inventory(),
                settings,
                source: None,
                attempted: false,
                last_success: None,
                problem: None,
                namespace_problems: BTreeMap::new(),
                instances_denied: false,
                namespaces_denied: false,
                denied_workspaces: BTreeSet::new(),
                listed_workspaces: BTreeSet::new(),
                configured: ProcessedResults::default(),
                early: EarlyListing::default(),
            },
        }
    }

    /// Collectors that were switched off are tried again after a reload.
    fn without_denials(mut self) -> Self {
        // What decided the source stays true as long as the source does.
        if self.source != Some(Source::Editable) {
            (self.instances_denied, self.namespaces_denied) = (false, false);
        }
        self.denied_workspaces.clear();
        self
    }

    /// Takes a `DescribeInstances`.
    pub(super) fn record_workspaces(
        &mut self,
        shared: &SharedResult<WorkspaceInstance>,
        has_deployments: &HasDeployments<'_>,
    ) {
        match &shared.result {
            Ok(listing) => {
                self.problem = None;
                if self.configured.workspaces.replace(shared.started) != Some(shared.started) {
                    self.inventory.workspaces_listed(&listing.items, listing.consistent, has_deployments);
                    self.forget_removed();
                }
            }
            Err(error) => self.problem = Some(format!("DescribeInstances: {error}")),
        }
    }

    /// Takes a `DescribeNamespaces` of one workspace.
    pub(super) fn record_namespaces(
        &mut self,
        workspace: &str,
        shared: &SharedResult<NamespaceInstance>,
        has_deployments: &HasDeployments<'_>,
    ) {
        match &shared.result {
            Ok(listing) => {
                self.namespace_problems.remove(workspace);
                self.denied_workspaces.remove(workspace);
                self.listed_workspaces.insert(workspace.to_owned());
                let configured = self.configured.namespaces.insert(workspace.to_owned(), shared.started);
                if configured != Some(shared.started) {
                    self.inventory.namespaces_listed(
                        workspace,
                        &listing.items,
                        listing.consistent,
                        has_deployments,
                    );
                }
            }
            Err(error) => {
                let problem = format!("DescribeNamespaces of {workspace}: {error}");
                self.namespace_problems.insert(workspace.to_owned(), problem);
                if is_denial(error) && !self.listed_workspaces.contains(workspace) {
                    self.denied_workspaces.insert(workspace.to_owned());
                }
            }
        }
    }

    /// Takes a `ListEditableNamespace`.
    pub(super) fn record_editable(
        &mut self,
        shared: &SharedResult<EditableNamespace>,
        has_deployments: &HasDeployments<'_>,
    ) {
        match &shared.result {
            Ok(listing) => {
                self.problem = None;
                if self.source.replace(Source::Editable) != Some(Source::Editable) {
                    self.inventory.forget_details();
                    self.namespace_problems.clear();
                }
                if self.configured.editable.replace(shared.started) != Some(shared.started) {
                    self.inventory.editable_listed(&listing.items, listing.consistent, has_deployments);
                    self.forget_removed();
                }
            }
            Err(error) => self.fail(format!("ListEditableNamespace: {error}")),
        }
    }

    /// Notes why an attempt failed as a whole.
    pub(super) fn fail(&mut self, problem: String) {
        self.problem = Some(problem);
    }

    fn forget_removed(&mut self) {
        let known = &self.inventory.workspaces;
        self.namespace_problems.retain(|id, _| known.contains_key(id));
        self.configured.namespaces.retain(|id, _| known.contains_key(id));
        self.denied_workspaces.retain(|id| known.contains_key(id));
        self.listed_workspaces.retain(|id| known.contains_key(id));
    }

    /// Why discovery is not up; `None` if it is, or if no attempt has finished. `polled` has the workspaces whose
    /// namespaces matter.
    pub(super) fn problem(&self, polled: &BTreeSet<&str>) -> Option<&str> {
        let namespaces = self.namespace_problems.iter().find(|(id, _)| polled.contains(id.as_str()));
        self.problem.as_deref().or_else(|| namespaces.map(|(_, problem)| problem.as_str()))
    }
}

/// Whether the credentials are not allowed to do what was asked.
pub(super) fn is_denial(error: &ApiError) -> bool {
    error.class() == ErrorClass::Permission
}

/// Listings ahead of time, because a poll was told that its workspace or namespace does not exist.
#[derive(Debug, Default)]
pub(super) struct EarlyListing {
    workspaces: BTreeSet<String>,
    last: Option<Instant>,
}

impl EarlyListing {
    /// Asks for a listing because of `workspace`.
    pub(super) fn request(&mut self, workspace: &str) {
        self.workspaces.insert(workspace.to_owned());
    }

    /// When the next listing may start, if one is asked for.
    pub(super) fn due(&self, now: Instant) -> Option<Instant> {
        let earliest = self.last.map_or(now, |last| last + EARLY_INTERVAL);
        (!self.workspaces.is_empty()).then_some(earliest.max(now))
    }

    /// Starts a listing because of these workspaces.
    pub(super) fn start(&mut self, now: Instant) -> BTreeSet<String> {
        self.last = Some(now);
        std::mem::take(&mut self.workspaces)
    }

    /// A complete listing serves all requests so far.
    pub(super) fn clear(&mut self) {
        self.workspaces.clear();
    }
}
