//! Discovery entries: those in the section `discovery`, and those of workspaces with `namespaces: all`.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use config_reader::Node;

use super::endpoints::{Location, RawLocation};
use super::namespaces::{discovered, name_filter};
use super::workspaces::Base;
use super::{Collectors, Config, DiscoveredNamespaces, DiscoveryEntry, Namespaces, Target, Workspace, raw};
use crate::discovery::{
    DiscoverySelection, RegionAccess, SelectedWorkspace, WorkspaceFilter, WorkspaceSelection,
};

/// How often workspaces and namespaces are listed, unless an entry says otherwise.
pub(super) const DISCOVERY_INTERVAL: Duration = Duration::from_secs(300);

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

/// The entries. Each name is unique, also among the ids of workspaces whose namespaces are discovered.
pub(super) fn entries(
    raw: Vec<Option<raw::DiscoveryEntry>>,
    at: &Node<'_>,
    base: &Base,
    workspaces: &[Workspace],
) -> Vec<DiscoveryEntry> {
    let discovered = workspaces.iter().filter(|workspace| workspace.namespaces.is_discovered());
    let mut seen =
        discovered.map(|workspace| (workspace.id.clone(), "a workspace's id".to_owned())).collect();
    let items = raw.into_iter().enumerate();
    items.filter_map(|(index, raw)| entry(raw?, &at.item(index), base, &mut seen)).collect()
}

fn entry(
    raw: raw::DiscoveryEntry,
    at: &Node<'_>,
    base: &Base,
    seen: &mut HashMap<String, String>,
) -> Option<DiscoveryEntry> {
    let location = RawLocation {
        region: raw.region,
        endpoint: raw.endpoint,
        console_endpoint: raw.console_endpoint,
        allow_plain_http: raw.allow_plain_http,
        credentials: raw.credentials,
    };
    let Location { region, endpoint, console_endpoint, credentials } =
        location.resolve(at, &base.credentials, true);
    let name = raw.name.or_else(|| region.clone().filter(|_| !at.get("name").is_set()));
    check_name(name.as_deref(), at, seen);
    let namespaces = match raw.namespaces {
        Some(raw) => discovered(raw, &at.get("namespaces"), base.poll),
        None => DiscoveredNamespaces::all(base.poll),
    };
    Some(DiscoveryEntry {
        name: name?,
        region: region?,
        interval: raw.interval.map_or(DISCOVERY_INTERVAL, |interval| interval.0),
        workspaces: raw
            .workspaces
            .map(|raw| workspace_filter(raw, &at.get("workspaces")))
            .unwrap_or_default(),
        namespaces,
        collectors: Collectors::resolve(&raw.collectors.unwrap_or_default(), &base.collectors, true),
        endpoint: endpoint?,
        console_endpoint: console_endpoint?,
        credentials,
    })
}

fn check_name(name: Option<&str>, at: &Node<'_>, seen: &mut HashMap<String, String>) {
    let Some(name) = name else { return };
    if let Some(first) = seen.insert(name.to_owned(), format!("the name of {}", at.path())) {
        let given = Some(at.get("name")).filter(Node::is_set);
        given.unwrap_or_else(|| at.get("region")).reject(format!(
            "{name:?} is {first} already, and an entry's name defaults to its region: expected a `name` of its own"
        ));
    }
}

fn workspace_filter(raw: raw::WorkspaceFilter, at: &Node<'_>) -> WorkspaceFilter {
    let names = name_filter(raw.include, raw.exclude, at);
    WorkspaceFilter { names, tags: raw.tags.unwrap_or_default().into_iter().collect() }
}
