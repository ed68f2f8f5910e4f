//! The key `namespaces`: those that are listed, or those that discovery finds.

use super::decode::{Node, Table};
use super::{DiscoveredNamespaces, Namespaces, settings, target};
use crate::discovery::{Glob, NameFilter};
use crate::poll;

pub(super) const NAMESPACES_KEYS: [&str; 5] = ["include", "exclude", "poll", "select", "api"];

/// The value that stands for every namespace.
pub(super) const ALL: &str = "all";

/// The key `namespaces` of a workspace: a list of targets, `all`, or filters.
pub(super) fn namespaces(table: &Table<'_>, poll: poll::Settings) -> Option<Namespaces> {
    const EXPECTED: &str = "a list of namespaces, or `all`";
    let node = table.require("namespaces", "the names of one or more namespaces, or `all`")?;
    if node.is_list() {
        return target::targets(&node, poll).map(Namespaces::Listed);
    }
    discovered_namespaces(&node, poll, EXPECTED).map(Box::new).map(Namespaces::Discovered)
}

pub(super) fn discovered_namespaces(
    node: &Node<'_>,
    poll: poll::Settings,
    expected: &str,
) -> Option<DiscoveredNamespaces> {
    if node.is_text(ALL) {
        return Some(DiscoveredNamespaces::all(poll));
    }
    if !node.is_table() {
        return node.expected(expected);
    }
    let table = node.table(&NAMESPACES_KEYS)?;
    let filter = name_filter(&table);
    let poll = settings::poll(table.get("poll"), poll);
    let (selection, operation) = target::selection_and_operation(&table)?;
    Some(DiscoveredNamespaces { filter, selection, operation, poll })
}

pub(super) fn name_filter(table: &Table<'_>) -> NameFilter {
    let default = NameFilter::default();
    let globs = |key: &str| table.get(key).and_then(|node| globs(&node));
    let include = globs("include").unwrap_or(default.include);
    if let Some(node) = table.get("include").filter(|_| include.is_empty()) {
        node.reject::<()>("the list is empty, which selects nothing: expected one or more patterns");
    }
    NameFilter { include, exclude: globs("exclude").unwrap_or(default.exclude) }
}

fn globs(node: &Node<'_>) -> Option<Vec<Glob>> {
    let items = node.list("a list of patterns, such as [\"team-*\"]")?;
    let globs =
        items.iter().map(|item| item.text("a pattern, such as \"team-*\"").map(|text| Glob::new(&text)));
    globs.collect::<Vec<_>>().into_iter().collect()
}
