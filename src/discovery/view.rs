//! What the entries select from what they know: each workspace belongs to one of them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Knowledge, NameFilter, WorkspaceFilter, knowledge::KnownWorkspace};

/// What an entry selects.
#[derive(Debug, Clone, PartialEq)]
pub struct Selection {
    /// The workspaces.
    pub workspaces: WorkspaceSelection,
    /// Their namespaces.
    pub namespaces: NameFilter,
}

/// The workspaces that an entry selects.
#[derive(Debug, Clone, PartialEq)]
pub enum WorkspaceSelection {
    /// Those of the region that match.
    Matching(WorkspaceFilter),
    /// The one with this id, which is listed in the configuration.
    Listed(String),
}

/// Objects by their state. Each is counted once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Polled.
    pub polled: usize,
    /// Not selected.
    pub excluded: usize,
    /// Selected, but in a state in which nothing runs.
    pub not_running: usize,
    /// Selected and polled, though the last listing lacked them.
    pub missing: usize,
}

/// What an entry has found and selected, at one time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct View {
    /// The selected workspaces that belong to the entry, by id.
    pub workspaces: BTreeMap<String, SelectedWorkspace>,
    /// The workspaces that belong to the entry, and those that it excludes.
    pub workspace_counts: Counts,
    /// The namespaces of the selected workspaces.
    pub namespace_counts: Counts,
}

/// A selected workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelectedWorkspace {
    /// What `DescribeNamespaces` calls it; empty if it is not known.
    pub instance_id: String,
    /// Whether it is in a state in which something may run.
    pub runs: bool,
    /// Whether the last listing lacked it.
    pub missing: bool,
    /// The namespaces that are polled.
    pub namespaces: BTreeSet<String>,
}

/// The views of all entries, in the order of their precedence. `taken` has the ids of the workspaces that no entry may
/// have, because the configuration lists their namespaces.
///
/// A workspace that several entries select belongs to the first of them; as long as that one does not know the
/// workspace's namespaces, to the first that does.
pub fn views(entries: &[(&Selection, &Knowledge)], taken: &BTreeSet<&str>) -> Vec<View> {
    let owners = owners(entries, taken);
    let view = |(index, (selection, knowledge)): (usize, &(&Selection, &Knowledge))| {
        let mut view = View::default();
        for (id, known) in &knowledge.workspaces {
            if !selection.workspaces.selects(id, known) {
                view.workspace_counts.excluded += 1;
            } else if owners.get(id.as_str()) == Some(&index) {
                let selected = view.select(known, &selection.namespaces);
                view.workspaces.insert(id.clone(), selected);
            }
        }
        view
    };
    entries.iter().enumerate().map(view).collect()
}

/// The index of the entry that each selected workspace belongs to.
fn owners<'k>(entries: &[(&Selection, &'k Knowledge)], taken: &BTreeSet<&str>) -> BTreeMap<&'k str, usize> {
    let mut owners: BTreeMap<&str, (usize, bool)> = BTreeMap::new();
    for (index, (selection, knowledge)) in entries.iter().enumerate() {
        for (id, known) in &knowledge.workspaces {
            if taken.contains(id.as_str()) || !selection.workspaces.selects(id, known) {
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

/// The workspaces whose namespaces the entry at `index` may list, with their `InstanceId`: those that the last listing
/// contained, that it selects, and that neither an entry before it selects nor the configuration lists.
pub(super) fn entitled(
    entries: &[(&Selection, &Knowledge)],
    index: usize,
    taken: &BTreeSet<&str>,
) -> Vec<(String, String)> {
    let Some(((selection, knowledge), before)) = entries.get(..=index).and_then(<[_]>::split_last) else {
        return Vec::new();
    };
    let selected_before = |id: &String| {
        before.iter().any(|(selection, knowledge)| {
            let known = knowledge.workspaces.get(id);
            known.is_some_and(|known| selection.workspaces.selects(id, known))
        })
    };
    let listed = knowledge.workspaces.iter().filter(|(id, known)| {
        !known.presence.is_missing()
            && !known.instance_id.is_empty()
            && selection.workspaces.selects(id, known)
            && !taken.contains(id.as_str())
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

impl View {
    fn select(&mut self, known: &KnownWorkspace, filter: &NameFilter) -> SelectedWorkspace {
        let (stopped, missing) = (known.presence.is_stopped(), known.presence.is_missing());
        self.workspace_counts.count(stopped, missing);
        let mut polled = BTreeSet::new();
        for (name, presence) in &known.namespaces {
            let counts = &mut self.namespace_counts;
            if !filter.selects(&[name]) {
                counts.excluded += 1;
                continue;
            }
            let stopped = stopped || presence.is_stopped();
            counts.count(stopped, presence.is_missing());
            if !stopped {
                polled.insert(name.clone());
            }
        }
        SelectedWorkspace {
            instance_id: known.instance_id.clone(),
            runs: !stopped,
            missing,
            namespaces: polled,
        }
    }
}

impl Counts {
    /// The counts in the order of [`crate::telemetry::DISCOVERY_STATES`].
    pub fn by_state(self) -> [usize; 4] {
        [self.polled, self.excluded, self.not_running, self.missing]
    }

    /// Counts a selected object.
    fn count(&mut self, stopped: bool, missing: bool) {
        let count = match (stopped, missing) {
            (true, _) => &mut self.not_running,
            (false, true) => &mut self.missing,
            (false, false) => &mut self.polled,
        };
        *count += 1;
    }
}
