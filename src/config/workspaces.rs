//! The section `workspaces`: validated.

use std::collections::HashMap;
use std::sync::Arc;

use config_reader::Node;

use super::endpoints::{Location, REGION, RawLocation};
use super::namespaces::namespaces;
use super::{Collectors, Namespaces, Workspace, raw};
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

/// Requests to the console API need the region.
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
