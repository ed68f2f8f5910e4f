//! A discovery entry: its settings, its inventory and the results of its listings.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use tokio::time::Instant;
use url::Url;

use super::{
    DiscoverySelection, HasDeployments, Inventory, WorkspaceSelection,
    early_listing::EarlyListing,
    listing_source::{ListingSource, Listings},
};
use crate::{
    api::ApiError,
    console::SharedResult,
    credentials,
    model::{EditableNamespace, ErrorClass, NamespaceInstance, WorkspaceInstance},
};

/// The settings of an entry.
#[derive(Debug, Clone)]
pub struct EntrySettings {
    /// The value of the label `discovery`.
    pub name: String,
    /// The region.
    pub region: String,
    /// Interval between listings.
    pub interval: Duration,
    /// Timeout of one listing, without the wait for the rate limit.
    pub timeout: Duration,
    /// The filters.
    pub selection: DiscoverySelection,
    /// The endpoints and the credentials.
    pub location: RegionAccess,
    /// The listings of the region.
    pub listings: Listings,
}

/// The endpoints of an entry's region, and the credentials.
#[derive(Debug, Clone, PartialEq)]
pub struct RegionAccess {
    /// The endpoint of the API for deployments.
    pub endpoint: Url,
    /// The endpoint of the console API.
    pub console_endpoint: Url,
    /// The source of the credentials.
    pub credentials: Arc<credentials::ProviderConfig>,
}

impl EntrySettings {
    /// Whether `other` covers the same workspaces, so that the inventory can be kept. Workspaces that other
    /// credentials do not list are removed like any others.
    fn covers_same_workspaces(&self, other: &Self) -> bool {
        let pinned = |entry: &Self| match &entry.selection.workspaces {
            WorkspaceSelection::Listed(id) => Some(id.clone()),
            WorkspaceSelection::Matching(_) => None,
        };
        self.name == other.name && self.region == other.region && pinned(self) == pinned(other)
    }

    /// Whether `other` has equal settings, so that the source can be kept.
    fn is_same_entry(&self, other: &Self) -> bool {
        self.covers_same_workspaces(other)
            && (self.interval, self.timeout) == (other.interval, other.timeout)
            && self.selection == other.selection
            && self.location == other.location
    }

    /// Whether `other` has equal settings and uses the same clients, so that its loop can continue.
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

/// An entry and its state.
#[derive(Debug)]
pub(super) struct EntryState {
    pub(super) settings: EntrySettings,
    pub(super) inventory: Inventory,
    pub(super) source: Option<ListingSource>,
    /// Whether the first attempt has finished.
    pub(super) attempted: bool,
    /// End of the last successful attempt, as time since the Unix epoch.
    pub(super) last_success: Option<Duration>,
    /// Why workspaces or editable namespaces could not be listed, or why no source could be chosen.
    problem: Option<String>,
    /// Why namespaces could not be listed, by workspace.
    namespace_problems: BTreeMap<String, String>,
    /// Whether `DescribeInstances` is denied.
    pub(super) instances_denied: bool,
    /// Whether `DescribeNamespaces` is denied for every workspace.
    pub(super) namespaces_denied: bool,
    /// The workspaces for which `DescribeNamespaces` was denied and has never succeeded.
    pub(super) denied_workspaces: BTreeSet<String>,
    /// The workspaces for which `DescribeNamespaces` has succeeded in this process.
    listed_workspaces: BTreeSet<String>,
    /// Start times of the last processed results, so that a shared result is processed once.
    configured: ProcessedResults,
    pub(super) early: EarlyListing,
}

#[derive(Debug, Default)]
struct ProcessedResults {
    workspaces: Option<Instant>,
    namespaces: BTreeMap<String, Instant>,
    editable: Option<Instant>,
}

impl EntryState {
    /// Creates an entry that keeps as much of the state of `before` as the settings permit.
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

    /// Clears denials, so that disabled collectors are tried again after a reload.
    fn without_denials(mut self) -> Self {
        // The denials that led to the source stay as long as the source.
        if self.source != Some(ListingSource::Editable) {
            (self.instances_denied, self.namespaces_denied) = (false, false);
        }
        self.denied_workspaces.clear();
        self
    }

    /// Records the result of `DescribeInstances`.
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

    /// Records the result of `DescribeNamespaces` of one workspace.
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

    /// Records the result of `ListEditableNamespace`.
    pub(super) fn record_editable(
        &mut self,
        shared: &SharedResult<EditableNamespace>,
        has_deployments: &HasDeployments<'_>,
    ) {
        match &shared.result {
            Ok(listing) => {
                self.problem = None;
                if self.source.replace(ListingSource::Editable) != Some(ListingSource::Editable) {
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

    /// Records why an attempt failed as a whole.
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

    /// Why discovery is not up; none if it is up or no attempt has finished. `polled` contains the workspaces whose
    /// namespaces matter.
    pub(super) fn problem(&self, polled: &BTreeSet<&str>) -> Option<&str> {
        let namespaces = self.namespace_problems.iter().find(|(id, _)| polled.contains(id.as_str()));
        self.problem.as_deref().or_else(|| namespaces.map(|(_, problem)| problem.as_str()))
    }
}

/// Whether the error denies a permission.
pub(super) fn is_denial(error: &ApiError) -> bool {
    error.class() == ErrorClass::Permission
}
