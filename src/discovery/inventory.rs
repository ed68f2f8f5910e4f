//! The workspaces and namespaces that the listings of one entry returned.
//!
//! The inventory is not filtered. Filters select from it, so that a change of filters needs no listing.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::presence::{NOT_RUNNING_NAMESPACE_STATES, NOT_RUNNING_WORKSPACE_STATES, Presence};
use crate::model::{EditableNamespace, NamespaceInstance, WorkspaceInstance};

/// Whether the last poll of the deployments in a namespace (workspace, namespace) succeeded and returned any. Such a
/// namespace exists, even if a listing lacks it.
pub type HasDeployments<'a> = dyn Fn(&str, &str) -> bool + 'a;

/// All workspaces and namespaces that an entry knows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Inventory {
    pub(super) workspaces: BTreeMap<String, KnownWorkspace>,
    /// The workspace of an entry for a single workspace. It is never removed.
    pinned: Option<String>,
}

/// A known workspace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct KnownWorkspace {
    /// The `InstanceId` for `DescribeNamespaces`; empty if unknown.
    pub(super) instance_id: String,
    pub(super) name: String,
    pub(super) tags: Vec<(String, String)>,
    pub(super) presence: Presence,
    /// Whether any listing has contained it.
    listed: bool,
    pub(super) namespaces: BTreeMap<String, Presence>,
    /// Whether a listing of its namespaces has succeeded.
    pub(super) namespaces_listed: bool,
}

impl KnownWorkspace {
    fn new(presence: Presence) -> Self {
        Self {
            instance_id: String::new(),
            name: String::new(),
            tags: Vec::new(),
            presence,
            listed: false,
            namespaces: BTreeMap::new(),
            namespaces_listed: false,
        }
    }
}

impl Inventory {
    /// The inventory of a region before its first listing: empty.
    pub fn of_region() -> Self {
        Self::default()
    }

    /// The inventory of a single workspace before its first listing: the workspace.
    pub fn of_workspace(id: &str) -> Self {
        let workspace = KnownWorkspace::new(Presence::unlisted());
        Self { workspaces: BTreeMap::from([(id.to_owned(), workspace)]), pinned: Some(id.to_owned()) }
    }

    /// Updates the inventory from a successful `DescribeInstances`. A listing that is not `consistent` may lack
    /// workspaces, so it removes none.
    pub fn workspaces_listed(
        &mut self,
        listed: &[WorkspaceInstance],
        consistent: bool,
        has_deployments: &HasDeployments<'_>,
    ) {
        let pinned = self.pinned.clone();
        let concerns = |instance: &&WorkspaceInstance| match &pinned {
            Some(id) => *instance.workspace == **id,
            None => true,
        };
        for instance in listed.iter().filter(concerns) {
            let not_running = NOT_RUNNING_WORKSPACE_STATES.contains(&&*instance.status);
            let workspace = self.seen(&instance.workspace, not_running);
            (*instance.instance_id).clone_into(&mut workspace.instance_id);
            (*instance.name).clone_into(&mut workspace.name);
            let tags = instance.tags.iter();
            workspace.tags = tags.map(|(key, value)| (key.to_string(), value.to_string())).collect();
        }
        if consistent {
            let listed = listed.iter().map(|instance| &*instance.workspace).collect();
            self.remove_workspaces(&listed, has_deployments);
        }
    }

    /// Updates the inventory from a successful `DescribeNamespaces` of one workspace.
    pub fn namespaces_listed(
        &mut self,
        workspace: &str,
        listed: &[NamespaceInstance],
        consistent: bool,
        has_deployments: &HasDeployments<'_>,
    ) {
        // It may have been removed in the meantime.
        let Some(known) = self.workspaces.get_mut(workspace) else { return };
        known.namespaces_listed = true;
        for namespace in listed {
            let not_running = NOT_RUNNING_NAMESPACE_STATES.contains(&&*namespace.status);
            seen(&mut known.namespaces, &namespace.name, not_running);
        }
        if consistent {
            let listed = listed.iter().map(|namespace| &*namespace.name).collect();
            remove_namespaces(workspace, known, &listed, has_deployments);
        }
    }

    /// Updates the inventory from a successful `ListEditableNamespace`, which returns only ids and names.
    pub fn editable_listed(
        &mut self,
        listed: &[EditableNamespace],
        consistent: bool,
        has_deployments: &HasDeployments<'_>,
    ) {
        let mut by_workspace: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for namespace in listed {
            if self.pinned.as_ref().is_none_or(|id| id == namespace.workspace()) {
                by_workspace.entry(namespace.workspace()).or_default().insert(namespace.name());
            }
        }
        for (id, namespaces) in &by_workspace {
            let workspace = self.seen(id, false);
            workspace.namespaces_listed = true;
            for namespace in namespaces {
                seen(&mut workspace.namespaces, namespace, false);
            }
        }
        if !consistent {
            return;
        }
        let none = BTreeSet::new();
        for (id, workspace) in &mut self.workspaces {
            remove_namespaces(id, workspace, by_workspace.get(id.as_str()).unwrap_or(&none), has_deployments);
        }
        self.remove_workspaces(&by_workspace.into_keys().collect(), has_deployments);
    }

    /// Returns the inventory if it belongs to the single workspace `pinned`, or to a region if `pinned` is none.
    pub(super) fn for_pinned(self, pinned: Option<&str>) -> Option<Self> {
        (self.pinned.as_deref() == pinned).then_some(self)
    }

    /// Removes details that only the console API returns, because the new source cannot update them.
    pub fn forget_details(&mut self) {
        for workspace in self.workspaces.values_mut() {
            let known = KnownWorkspace::new(workspace.presence.without_state());
            let namespaces = std::mem::take(&mut workspace.namespaces);
            let (listed, namespaces_listed) = (workspace.listed, workspace.namespaces_listed);
            *workspace = KnownWorkspace { listed, namespaces, namespaces_listed, ..known };
        }
    }

    fn seen(&mut self, id: &str, not_running: bool) -> &mut KnownWorkspace {
        let known = self.workspaces.entry(id.to_owned());
        let known = known.or_insert_with(|| KnownWorkspace::new(Presence::unlisted()));
        if known.listed {
            known.presence.seen(not_running);
        } else {
            (known.presence, known.listed) = (Presence::first(not_running), true);
        }
        known
    }

    fn remove_workspaces(&mut self, listed: &BTreeSet<&str>, has_deployments: &HasDeployments<'_>) {
        let pinned = self.pinned.as_deref();
        self.workspaces.retain(|id, workspace| {
            if !listed.contains(id.as_str()) {
                workspace.presence.missed();
            }
            pinned == Some(id)
                || !workspace.presence.is_gone()
                || workspace.namespaces.keys().any(|name| has_deployments(id, name))
        });
    }
}

fn seen(namespaces: &mut BTreeMap<String, Presence>, name: &str, not_running: bool) {
    match namespaces.get_mut(name) {
        Some(presence) => presence.seen(not_running),
        None => drop(namespaces.insert(name.to_owned(), Presence::first(not_running))),
    }
}

fn remove_namespaces(
    id: &str,
    workspace: &mut KnownWorkspace,
    listed: &BTreeSet<&str>,
    has_deployments: &HasDeployments<'_>,
) {
    workspace.namespaces.retain(|name, presence| {
        if !listed.contains(name.as_str()) {
            presence.missed();
        }
        !presence.is_gone() || has_deployments(id, name)
    });
}
