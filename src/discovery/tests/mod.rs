//! What is polled after which listings.

mod attempts;
mod histories;
mod rules;

use std::{collections::BTreeSet, sync::Arc};

use super::*;
use crate::model::{EditableNamespace, NamespaceInstance, WorkspaceInstance};

/// The namespaces that answer, as `workspace/namespace`.
#[derive(Debug, Clone, Default)]
struct Answering(BTreeSet<String>);

impl Answering {
    fn of(names: &[&str]) -> Self {
        Self(names.iter().map(|&name| name.to_owned()).collect())
    }

    fn has_deployments(&self) -> impl Fn(&str, &str) -> bool {
        |workspace, namespace| self.0.contains(&format!("{workspace}/{namespace}"))
    }
}

fn instance(id: &str, status: &str) -> WorkspaceInstance {
    WorkspaceInstance {
        workspace: id.into(),
        instance_id: format!("f-{id}").into(),
        name: format!("name-{id}").into(),
        status: status.into(),
        ..WorkspaceInstance::default()
    }
}

fn namespace(name: &str, status: &str) -> NamespaceInstance {
    NamespaceInstance { name: name.into(), status: status.into(), ..NamespaceInstance::default() }
}

fn globs(texts: &[&str]) -> Vec<Glob> {
    texts.iter().map(|text| Glob::new(text)).collect()
}

/// Selects the workspaces and namespaces that match no excluded pattern.
fn except(workspaces: &[&str], namespaces: &[&str]) -> DiscoverySelection {
    let names = |exclude: &[&str]| NameFilter { exclude: globs(exclude), ..NameFilter::default() };
    let filter = WorkspaceFilter { names: names(workspaces), tags: Vec::new() };
    DiscoverySelection { workspaces: WorkspaceSelection::Matching(filter), namespaces: names(namespaces) }
}

fn everything() -> DiscoverySelection {
    except(&[], &[])
}

fn listed(id: &str) -> DiscoverySelection {
    DiscoverySelection {
        workspaces: WorkspaceSelection::Listed(id.to_owned()),
        namespaces: NameFilter::default(),
    }
}

/// The polled namespaces of the only entry.
fn polled(inventory: &Inventory, selection: &DiscoverySelection) -> Vec<String> {
    polled_by_each(&[(selection, inventory)], &[]).remove(0)
}

/// The polled namespaces of each entry.
fn polled_by_each(entries: &[(&DiscoverySelection, &Inventory)], configured: &[&str]) -> Vec<Vec<String>> {
    let select_workspaces = select_workspaces(entries, &configured.iter().copied().collect());
    let polled = select_workspaces.into_iter().map(|selection| {
        let namespaces = selection.workspaces.into_iter().flat_map(|(id, workspace)| {
            workspace.namespaces.into_iter().map(move |namespace| format!("{id}/{namespace}"))
        });
        namespaces.collect()
    });
    polled.collect()
}

/// One entry, and shortcuts for its listings.
struct Entry {
    inventory: Inventory,
    answering: Answering,
}

impl Entry {
    fn of_region() -> Self {
        Self { inventory: Inventory::of_region(), answering: Answering::default() }
    }

    fn workspaces(&mut self, listed: &[(&str, &str)]) {
        let listed: Vec<_> = listed.iter().map(|(id, status)| instance(id, status)).collect();
        self.inventory.workspaces_listed(&listed, true, &self.answering.has_deployments());
    }

    fn namespaces(&mut self, workspace: &str, listed: &[(&str, &str)]) {
        let listed: Vec<_> = listed.iter().map(|(name, status)| namespace(name, status)).collect();
        self.inventory.namespaces_listed(workspace, &listed, true, &self.answering.has_deployments());
    }

    fn editable(&mut self, listed: &[(&str, &str)]) {
        let listed: Vec<_> = listed.iter().map(|(id, name)| EditableNamespace::new(id, name)).collect();
        self.inventory.editable_listed(&listed, true, &self.answering.has_deployments());
    }

    fn polled(&self) -> Vec<String> {
        polled(&self.inventory, &everything())
    }

    fn counts(&self, selection: &DiscoverySelection) -> (StateCounts, StateCounts) {
        let selection = select_workspaces(&[(selection, &self.inventory)], &BTreeSet::new()).remove(0);
        (selection.workspace_counts, selection.namespace_counts)
    }
}
