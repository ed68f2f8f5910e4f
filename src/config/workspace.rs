//! The section `workspaces`.

use std::collections::HashMap;

use super::collectors::CollectorSettings;
use super::decode::{Node, Table};
use super::defaults::Defaults;
use super::location::{Location, REGION};
use super::{Collectors, Namespaces, Workspace, namespaces};

pub(super) const WORKSPACE_KEYS: [&str; 8] = [
    "id",
    "region",
    "endpoint",
    "console_endpoint",
    "allow_plain_http",
    "credentials",
    "namespaces",
    "collectors",
];

const ID: &str = "the workspace's id, such as a14bd5d90a0123";
pub(super) fn workspaces(section: &Node<'_>, defaults: &Defaults) -> Vec<Workspace> {
    let Some(items) = section.list("a list of workspaces") else { return Vec::new() };
    let mut seen = HashMap::new();
    items.iter().filter_map(|item| workspace(item, defaults, &mut seen)).collect()
}

fn workspace(node: &Node<'_>, defaults: &Defaults, seen: &mut HashMap<String, String>) -> Option<Workspace> {
    let table = node.table(&WORKSPACE_KEYS)?;
    let id = id(&table, seen);
    let Location { region, endpoint, console_endpoint, credentials } =
        Location::decode(&table, &defaults.credentials, false);
    let namespaces = namespaces::namespaces(&table, defaults.poll);
    let uses_discovery = namespaces.as_ref().is_some_and(Namespaces::is_discovered);
    let own = CollectorSettings::decode(table.get("collectors"));
    let collectors = own.resolve(&defaults.collectors, uses_discovery);
    check_region(&table, uses_discovery, &collectors)?;
    Some(Workspace {
        id: id?,
        region,
        endpoint: endpoint?,
        console_endpoint,
        credentials: credentials?,
        namespaces: namespaces?,
        collectors,
    })
}

/// The console's API is asked by region.
fn check_region(table: &Table<'_>, uses_discovery: bool, collectors: &Collectors) -> Option<()> {
    // Without an endpoint either, the missing region has been noted.
    if table.get("region").is_some() || table.get("endpoint").is_none() {
        return Some(());
    }
    let collector = collectors.of_console().map(|name| format!("the collector `{name}`"));
    let needed_by = if uses_discovery { Some("`namespaces: all`".to_owned()) } else { collector };
    let Some(needed_by) = needed_by else { return Some(()) };
    table.missing("region", &format!("{REGION}, which {needed_by} needs"));
    None
}

fn id(table: &Table<'_>, seen: &mut HashMap<String, String>) -> Option<String> {
    let node = table.require("id", ID)?;
    let id = node.header_text(ID)?;
    match seen.insert(id.clone(), node.path()) {
        None => Some(id),
        Some(first) => node.reject(format!(
            "{} stands at {first} already: list all of its namespaces there, for the API's limits hold for a \
             workspace as a whole",
            node.found()
        )),
    }
}
