//! The sections `workspaces` and `discovery`: validated.

use std::collections::HashMap;
use std::sync::Arc;

use config_reader::Node;

use super::endpoints::{Location, REGION, RawLocation};
use super::namespaces::{discovered, name_filter, namespaces};
use super::resolved::DISCOVERY_INTERVAL;
use super::{Collectors, DiscoveredNamespaces, DiscoveryEntry, Namespaces, Workspace, raw};
use crate::discovery::WorkspaceFilter;
use crate::{credentials, poll};

/// The settings at the top that a workspace or an entry may override.
pub(super) struct Base {
    pub(super) poll: poll::Settings,
    pub(super) credentials: Arc<credentials::ProviderConfig>,
    pub(super) collectors: raw::Collectors,
}

/// The workspaces, each id once.
pub(super) fn workspaces(raw: Vec<Option<raw::Workspace>>, at: &Node<'_>, base: &Base) -> Vec<Workspace> {
    let mut seen = HashMap::new();
    let items = raw.into_iter().enumerate();
    items.filter_map(|(index, raw)| workspace(raw?, &at.item(index), base, &mut seen)).collect()
}

fn workspace(
    raw: raw::Workspace,
    at: &Node<'_>,
    base: &Base,
    seen: &mut HashMap<String, String>,
) -> Option<Workspace> {
    let id = at.get("id").require(raw.id, "the workspace's id, such as a14bd5d90a0123").map(|id| id.0);
    check_unique(id.as_deref(), &at.get("id"), seen);
    let location = RawLocation {
        region: raw.region,
        endpoint: raw.endpoint,
        console_endpoint: raw.console_endpoint,
        allow_plain_http: raw.allow_plain_http,
        credentials: raw.credentials,
    };
    let Location { region, endpoint, console_endpoint, credentials } =
        location.resolve(at, &base.credentials, false);
    let expected = "the names of one or more namespaces, or `all`";
    let given = at.get("namespaces").require(raw.namespaces, expected);
    let namespaces = given.and_then(|raw| namespaces(raw, &at.get("namespaces"), base.poll));
    let uses_discovery = namespaces.as_ref().is_some_and(Namespaces::is_discovered);
    let collectors =
        Collectors::resolve(&raw.collectors.unwrap_or_default(), &base.collectors, uses_discovery);
    require_region(at, uses_discovery, &collectors);
    Some(Workspace {
        id: id?,
        region,
        endpoint: endpoint?,
        console_endpoint,
        credentials,
        namespaces: namespaces?,
        collectors,
    })
}

fn check_unique(id: Option<&str>, at: &Node<'_>, seen: &mut HashMap<String, String>) {
    let Some(id) = id else { return };
    if let Some(first) = seen.insert(id.to_owned(), at.path()) {
        at.reject(format!(
            "{} is at {first} already: list all of its namespaces there, for the API's limits hold for a workspace as \
             a whole",
            at.found()
        ));
    }
}

/// Requests to the console's API need the region.
fn require_region(at: &Node<'_>, uses_discovery: bool, collectors: &Collectors) {
    let needed_by = match collectors.of_console() {
        _ if uses_discovery => "`namespaces: all`".to_owned(),
        Some(name) => format!("the collector `{name}`"),
        None => return,
    };
    // Without an endpoint either, the missing region has been noted.
    if !at.get("region").is_set() && at.get("endpoint").is_set() {
        at.get("region").reject(format!("missing: expected {REGION}, which {needed_by} needs"));
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
