//! The section `discovery`.

use std::collections::HashMap;

use super::collectors::CollectorSettings;
use super::decode::{Node, Table};
use super::defaults::Defaults;
use super::location::Location;
use super::namespaces::{discovered_namespaces, name_filter};
use super::resolved::DISCOVERY_INTERVAL;
use super::settings::SHORTEST_INTERVAL;
use super::{DiscoveredNamespaces, DiscoveryEntry};
use crate::discovery::WorkspaceFilter;

pub(super) const ENTRY_KEYS: [&str; 10] = [
    "region",
    "name",
    "interval",
    "workspaces",
    "namespaces",
    "collectors",
    "endpoint",
    "console_endpoint",
    "allow_plain_http",
    "credentials",
];
pub(super) const WORKSPACES_KEYS: [&str; 3] = ["include", "exclude", "tags"];

/// The entries. Each name is unique, also among the ids of workspaces whose namespaces are discovered.
pub(super) fn entries(
    section: &Node<'_>,
    defaults: &Defaults,
    workspaces: &[super::Workspace],
) -> Vec<DiscoveryEntry> {
    let Some(items) = section.list("a list of discovery entries, such as [{region: cn-hangzhou}]") else {
        return Vec::new();
    };
    let discovered = workspaces.iter().filter(|workspace| workspace.namespaces.is_discovered());
    let mut seen =
        discovered.map(|workspace| (workspace.id.clone(), "a workspace's id".to_owned())).collect();
    items.iter().filter_map(|item| entry(item, defaults, &mut seen)).collect()
}

fn entry(node: &Node<'_>, defaults: &Defaults, seen: &mut HashMap<String, String>) -> Option<DiscoveryEntry> {
    let table = node.table(&ENTRY_KEYS)?;
    let Location { region, endpoint, console_endpoint, credentials } =
        Location::decode(&table, &defaults.credentials, true);
    let name = name(&table, region.as_deref(), seen);
    let interval = table.get("interval").and_then(|node| node.duration(SHORTEST_INTERVAL));
    let workspaces = table.get("workspaces").and_then(|node| workspaces(&node)).unwrap_or_default();
    let namespaces = match table.get("namespaces") {
        Some(node) => discovered_namespaces(&node, defaults.poll, "`all`, or filters"),
        None => Some(DiscoveredNamespaces::all(defaults.poll)),
    };
    let collectors = CollectorSettings::decode(table.get("collectors"));
    Some(DiscoveryEntry {
        name: name?,
        region: region?,
        interval: interval.unwrap_or(DISCOVERY_INTERVAL),
        workspaces,
        namespaces: namespaces?,
        collectors: collectors.resolve(&defaults.collectors, true),
        endpoint: endpoint?,
        console_endpoint: console_endpoint?,
        credentials: credentials?,
    })
}

fn name(table: &Table<'_>, region: Option<&str>, seen: &mut HashMap<String, String>) -> Option<String> {
    let given = table.get("name");
    let name = match &given {
        Some(node) => node.text("a name, unique among the entries")?,
        None => region?.to_owned(),
    };
    let node = given.or_else(|| table.get("region"))?;
    match seen.insert(name.clone(), format!("the name of {}", node.parent())) {
        None => Some(name),
        Some(first) => node.reject(format!(
            "{name:?} is {first} already, and an entry's name defaults to its region: expected a `name` of its own"
        )),
    }
}

fn workspaces(node: &Node<'_>) -> Option<WorkspaceFilter> {
    let table = node.table(&WORKSPACES_KEYS)?;
    let names = name_filter(&table);
    let tags = table.get("tags").map(|node| tags(&node)).unwrap_or_default();
    Some(WorkspaceFilter { names, tags })
}

fn tags(node: &Node<'_>) -> Vec<(String, String)> {
    let Some(table) = node.open_table() else { return Vec::new() };
    let tags = table.keys().filter_map(|key| {
        let value = table.require(key, "the value of the tag")?.text("the value of the tag")?;
        Some((key.to_owned(), value))
    });
    tags.collect()
}
