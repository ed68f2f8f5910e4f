//! The selection of workspaces by entries: each workspace belongs to one entry.

use std::collections::{BTreeMap, BTreeSet};

use super::{Inventory, NameFilter, WorkspaceFilter, inventory::KnownWorkspace, state_counts::StateCounts};

/// The filters of an entry.
#[derive(Debug, Clone, PartialEq)]
pub struct DiscoverySelection {
    /// Filter of workspaces.
    pub workspaces: WorkspaceSelection,
    /// Filter of namespaces.
    pub namespaces: NameFilter,
}

/// The workspaces that an entry selects.
#[derive(Debug, Clone, PartialEq)]
pub enum WorkspaceSelection {
    /// The matching workspaces of the region.
    Matching(WorkspaceFilter),
    /// The workspace with this id, which the configuration lists.
    Listed(String),
}

/// The workspaces and namespaces that an entry selects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SelectionResult {
    /// The selected workspaces of the entry, by id.
    pub workspaces: BTreeMap<String, SelectedWorkspace>,
    /// The workspaces that belong to the entry, and those that it excludes.
    pub workspace_counts: StateCounts,
    /// The namespaces of the selected workspaces.
    pub namespace_counts: StateCounts,
}

/// A selected workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelectedWorkspace {
    /// The `InstanceId` for `DescribeNamespaces`; empty if unknown.
    pub instance_id: String,
    /// Whether it is in a state in which jobs can run.
    pub runs: bool,
    /// Whether the last listing lacked it.
    pub missing: bool,
    /// The namespaces that are polled.
    pub namespaces: BTreeSet<String>,
}

/// Selects the workspaces of each entry. `entries` is in the order of precedence. `configured` contains the ids of workspaces
/// whose namespaces the configuration lists; they belong to no entry.
///
/// If several entries select a workspace, it belongs to the first one that has listed its namespaces, or to the first one
/// if none has.
pub fn select_workspaces(
    entries: &[(&DiscoverySelection, &Inventory)],
    configured: &BTreeSet<&str>,
) -> Vec<SelectionResult> {
    let owners = owners(entries, configured);
    let select = |(index, (selection, inventory)): (usize, &(&DiscoverySelection, &Inventory))| {
        let mut result = SelectionResult::default();
        for (id, known) in &inventory.workspaces {
            if !selection.workspaces.selects(id, known) {
                result.workspace_counts.excluded += 1;
            } else if owners.get(id.as_str()) == Some(&index) {
                let selected = result.select(known, &selection.namespaces);
                result.workspaces.insert(id.clone(), selected);
            }
        }
        result
    };
    entries.iter().enumerate().map(select).collect()
}

/// The index of the entry that each selected workspace belongs to.
fn owners<'k>(
    entries: &[(&DiscoverySelection, &'k Inventory)],
    configured: &BTreeSet<&str>,
) -> BTreeMap<&'k str, usize> {
    let mut owners: BTreeMap<&str, (usize, bool)> = BTreeMap::new();
    for (index, (selection, inventory)) in entries.iter().enumerate() {
        for (id, known) in &inventory.workspaces {
            if configured.contains(id.as_str()) || !selection.workspaces.selects(id, known) {
                continue;
            }
            let owner = owners.entry(id).or_insert((index, known.namespaces_listed));
            if !owner.1 && known.namespaces_listed {
                *owner = (index, true);
            }
        }
    }
    owners.into_iter().map(|(id, (index, _))| (id, index)).collect()
}

/// The workspaces whose namespaces the entry at `index` lists, with their `InstanceId`. The last listing contained
/// them, the entry selects them, and neither an earlier entry nor the configuration has them.
pub(super) fn listable_workspaces(
    entries: &[(&DiscoverySelection, &Inventory)],
    index: usize,
    configured: &BTreeSet<&str>,
) -> Vec<(String, String)> {
    let Some(((selection, inventory), before)) = entries.get(..=index).and_then(<[_]>::split_last) else {
        return Vec::new();
    };
    let selected_before = |id: &String| {
        before.iter().any(|(selection, inventory)| {
            let known = inventory.workspaces.get(id);
            known.is_some_and(|known| selection.workspaces.selects(id, known))
        })
    };
    let listed = inventory.workspaces.iter().filter(|(id, known)| {
        !known.presence.is_missing()
            && !known.instance_id.is_empty()
            && selection.workspaces.selects(id, known)
            && !configured.contains(id.as_str())
            && !selected_before(id)
    });
    listed.map(|(id, known)| (id.clone(), known.instance_id.clone())).collect()
}

impl WorkspaceSelection {
    fn selects(&self, id: &str, known: &KnownWorkspace) -> bool {
        match self {
            Self::Matching(filter) => filter.selects(id, &known.name, &known.tags),
            Self::Listed(listed) => id == listed,
        }
    }
}

impl SelectionResult {
    fn select(&mut self, known: &KnownWorkspace, filter: &NameFilter) -> SelectedWorkspace {
        let (not_running, missing) = (known.presence.is_not_running(), known.presence.is_missing());
        self.workspace_counts.count(not_running, missing);
        let mut polled = BTreeSet::new();
        for (name, presence) in &known.namespaces {
            let counts = &mut self.namespace_counts;
            if !filter.selects(&[name]) {
                counts.excluded += 1;
                continue;
            }
            let not_running = not_running || presence.is_not_running();
            counts.count(not_running, presence.is_missing());
            if !not_running {
                polled.insert(name.clone());
            }
        }
        SelectedWorkspace {
            instance_id: known.instance_id.clone(),
            runs: !not_running,
            missing,
            namespaces: polled,
        }
    }
}
