//! Discovery entries: those in the section `discovery`, and those of workspaces with `namespaces: all`.

use std::collections::BTreeSet;

use super::{
    Config, DiscoveredNamespaces, DiscoveryEntry, Namespaces, Target, Workspace, resolved::DISCOVERY_INTERVAL,
};
use crate::discovery::{
    DiscoverySelection, RegionAccess, SelectedWorkspace, WorkspaceFilter, WorkspaceSelection,
};

impl Config {
    /// Every entry, in the order of their precedence, and what it selects: first those of the workspaces whose namespaces
    /// are discovered.
    pub fn entries(&self) -> Vec<(DiscoveryEntry, DiscoverySelection)> {
        let of_workspaces = self.workspaces.iter().filter_map(|workspace| {
            let selection = WorkspaceSelection::Listed(workspace.id.clone());
            Some((workspace.entry()?, selection))
        });
        let others = self.discovery.iter();
        let others =
            others.map(|entry| (entry.clone(), WorkspaceSelection::Matching(entry.workspaces.clone())));
        let all = of_workspaces.chain(others).map(|(entry, workspaces)| {
            let namespaces = entry.namespaces.filter.clone();
            (entry, DiscoverySelection { workspaces, namespaces })
        });
        all.collect()
    }

    /// The workspaces whose namespaces are listed.
    pub fn listed(&self) -> impl Iterator<Item = &Workspace> {
        self.workspaces.iter().filter(|workspace| !workspace.namespaces.is_discovered())
    }

    /// Their ids. No entry may have them.
    pub fn listed_ids(&self) -> BTreeSet<String> {
        self.listed().map(|workspace| workspace.id.clone()).collect()
    }
}

impl Workspace {
    /// The entry that discovers the workspace's namespaces, if they are discovered. It is named by the workspace's id.
    pub fn entry(&self) -> Option<DiscoveryEntry> {
        let Namespaces::Discovered(namespaces) = &self.namespaces else { return None };
        Some(DiscoveryEntry {
            name: self.id.clone(),
            region: self.region.clone()?,
            interval: DISCOVERY_INTERVAL,
            workspaces: WorkspaceFilter::default(),
            namespaces: (**namespaces).clone(),
            collectors: self.collectors.clone(),
            endpoint: self.endpoint.clone(),
            console_endpoint: self.console_endpoint.clone()?,
            credentials: self.credentials.clone(),
        })
    }
}

impl DiscoveryEntry {
    /// Where its region is, and who asks.
    pub fn location(&self) -> RegionAccess {
        RegionAccess {
            endpoint: self.endpoint.clone(),
            console_endpoint: self.console_endpoint.clone(),
            credentials: self.credentials.clone(),
        }
    }

    /// A workspace that the entry has found.
    pub fn workspace(&self, id: &str, found: &SelectedWorkspace) -> Workspace {
        let DiscoveredNamespaces { selection, operation, poll, .. } = &self.namespaces;
        let targets = found.namespaces.iter().map(|namespace| Target {
            namespace: namespace.clone(),
            selection: selection.clone(),
            operation: *operation,
            poll: *poll,
        });
        Workspace {
            id: id.to_owned(),
            region: Some(self.region.clone()),
            endpoint: self.endpoint.clone(),
            console_endpoint: Some(self.console_endpoint.clone()),
            credentials: self.credentials.clone(),
            namespaces: Namespaces::Listed(targets.collect()),
            collectors: self.collectors.clone(),
        }
    }
}
