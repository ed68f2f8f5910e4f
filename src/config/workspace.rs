//! The section `workspaces`.

use std::collections::HashMap;
use std::sync::Arc;

use url::Url;

use super::decode::{Node, Table};
use super::layer::Kind;
use super::{Target, Workspace, access, target};
use crate::{credentials, endpoint, poll};

pub(super) const WORKSPACE_KEYS: [&str; 6] =
    ["id", "region", "endpoint", "allow_plain_http", "credentials", "namespaces"];

const ID: &str = "the workspace's id, such as a14bd5d90a0123";
const REGION: &str = "a region such as cn-hangzhou";
const ENDPOINT: &str = "an endpoint such as https://ververica-vpc.cn-hangzhou.aliyuncs.com";

/// What a workspace takes from the sections around it.
pub(super) struct Defaults {
    pub(super) poll: poll::Settings,
    pub(super) credentials: Arc<credentials::Source>,
}

pub(super) fn workspaces(section: &Node<'_>, defaults: &Defaults) -> Vec<Workspace> {
    let Some(items) = section.list("a list of workspaces") else { return Vec::new() };
    let mut seen = HashMap::new();
    items.iter().filter_map(|item| workspace(item, defaults, &mut seen)).collect()
}

fn workspace(node: &Node<'_>, defaults: &Defaults, seen: &mut HashMap<String, String>) -> Option<Workspace> {
    let table = node.table(&WORKSPACE_KEYS)?;
    let id = id(&table, seen);
    let region = table.get("region").and_then(|node| region(&node));
    let endpoint = endpoint(&table, region.as_deref());
    let credentials = match table.get("credentials") {
        Some(section) => access::source(&section).map(Arc::new),
        None => Some(defaults.credentials.clone()),
    };
    let targets = targets(&table, defaults.poll);
    Some(Workspace { id: id?, region, endpoint: endpoint?, credentials: credentials?, targets: targets? })
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

fn region(node: &Node<'_>) -> Option<String> {
    let region = node.text(REGION)?;
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if region.chars().all(allowed) && !region.starts_with('-') && !region.ends_with('-') && region.len() <= 50
    {
        return Some(region);
    }
    node.expected(&format!("{REGION}: lower-case letters, digits and hyphens"))
}

fn endpoint(table: &Table<'_>, region: Option<&str>) -> Option<Url> {
    let plain = table.get("allow_plain_http").and_then(|node| node.boolean()).unwrap_or(false);
    match (table.get("endpoint"), table.get("region")) {
        (Some(node), _) => given_endpoint(&node, plain),
        (None, Some(node)) => {
            let url = format!("https://ververica.{}.aliyuncs.com", region?);
            Url::parse(&url).ok().or_else(|| node.expected(REGION))
        }
        (None, None) => {
            let or_endpoint = if table.kind() == Some(Kind::Flags) { "" } else { ", or an `endpoint`" };
            table.missing("region", &format!("{REGION}{or_endpoint}"));
            None
        }
    }
}

fn given_endpoint(node: &Node<'_>, allow_plain_http: bool) -> Option<Url> {
    let text = node.text(ENDPOINT)?;
    // First of all: whatever else is wrong, a password isn't repeated.
    if text.contains('@') {
        return node.reject(format!(
            "holds a user name or a password: expected {ENDPOINT}; keys belong into `credentials`"
        ));
    }
    if text.contains(['?', '#']) {
        return node.reject(format!("has a query or a fragment: expected {ENDPOINT}"));
    }
    let Ok(url) = Url::parse(&text) else { return node.expected(ENDPOINT) };
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() || url.path() != "/" {
        return node.expected(&format!("{ENDPOINT}: http or https, a host, no path"));
    }
    if url.scheme() == "http" && !endpoint::is_loopback(&url) && !allow_plain_http {
        return node.reject(format!(
            "found {}, which is not encrypted, and requests carry security tokens: expected https, or \
             `allow_plain_http: true` beside it",
            node.found()
        ));
    }
    Some(url)
}

fn targets(table: &Table<'_>, poll: poll::Settings) -> Option<Vec<Target>> {
    let node = table.require("namespaces", "the names of one or more namespaces")?;
    let items = node.list("a list of namespaces")?;
    if items.is_empty() {
        return node.reject("the list is empty: expected one or more namespaces");
    }
    let targets: Vec<_> = items.iter().filter_map(|item| Some((target::target(item, poll)?, item))).collect();
    let mut seen = HashMap::new();
    for (target, item) in &targets {
        if let Some(first) = seen.insert((&target.namespace, target.selection.to_string()), item.path()) {
            item.reject::<()>(format!(
                "the same namespace and selection as {first}: expected each target once"
            ));
        }
    }
    Some(targets.into_iter().map(|(target, _)| target).collect())
}
