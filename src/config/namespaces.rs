//! The key `namespaces`: those that are listed, or those that discovery finds. Validated.

use std::collections::HashMap;

use config_reader::{Node, Rule as _, Short};

use super::text_rules::{NamespaceName, NamespaceNameRule};
use super::{DiscoveredNamespaces, Namespaces, Target, raw};
use crate::discovery::{Glob, NameFilter};
use crate::model::{DeploymentsOperation, Selection};
use crate::poll;

pub(super) fn namespaces(raw: raw::Namespaces, at: &Node<'_>, poll: poll::Settings) -> Option<Namespaces> {
    match raw {
        Short::Long(raw) => Some(Namespaces::Discovered(Box::new(discovered(raw, at, poll)))),
        Short::Short(raw) if raw.is_empty() => {
            at.reject("the list is empty: expected one or more namespaces, or `all`");
            None
        }
        Short::Short(raw) => Some(Namespaces::Listed(targets(raw, at, poll))),
    }
}

/// The namespaces of an entry, or those that are discovered in a listed workspace.
pub(super) fn discovered<A>(
    raw: Short<A, raw::DiscoveredNamespaces>,
    at: &Node<'_>,
    poll: poll::Settings,
) -> DiscoveredNamespaces {
    let Short::Long(raw) = raw else { return DiscoveredNamespaces::all(poll) };
    let filter = name_filter(raw.include, raw.exclude, at);
    let (selection, operation) = deployments(raw.select, raw.api, at);
    let poll = raw.poll.map_or(poll, |raw| raw.resolve(poll));
    DiscoveredNamespaces { filter, selection, operation, poll }
}

/// The targets of a list, each once.
fn targets(
    raw: Vec<Option<Short<NamespaceName, raw::Namespace>>>,
    at: &Node<'_>,
    base: poll::Settings,
) -> Vec<Target> {
    let mut seen = HashMap::new();
    let items = raw.into_iter().enumerate().filter_map(|(index, raw)| Some((at.item(index), raw?)));
    let targets = items.filter_map(|(at, raw)| {
        let raw = match raw {
            Short::Short(name) => raw::Namespace { name: Some(name), ..raw::Namespace::default() },
            Short::Long(raw) => raw,
        };
        let name = at.get("name").require(raw.name, NamespaceNameRule::EXPECTED);
        let (selection, operation) = deployments(raw.select, raw.api, &at);
        let poll = raw.poll.map_or(base, |raw| raw.resolve(base));
        let namespace = name?.0;
        if let Some(first) = seen.insert((namespace.clone(), selection.to_string()), at.path()) {
            at.reject(format!("the same namespace and selection as {first}: expected each target once"));
        }
        Some(Target { namespace, selection, operation, poll })
    });
    targets.collect()
}

/// The keys `select` and `api`: which deployments, and how they are listed.
fn deployments(
    select: Option<Selection>,
    api: Option<DeploymentsOperation>,
    at: &Node<'_>,
) -> (Selection, DeploymentsOperation) {
    let selection = select.unwrap_or_default();
    let operation = api.unwrap_or_default();
    let (select, label) = (at.get("select"), at.get("select").get("label"));
    if operation == DeploymentsOperation::GetDeploymentsByLabel {
        for key in select.keys().filter(|key| *key != "label") {
            select.get(key).reject(
                "`api: by_label` takes no filter but `label`: leave this one out, or use `api: list`",
            );
        }
        if !label.is_set() && (select.is_table() || !select.is_set()) {
            at.get("api").reject(
                "by_label needs `select.label`: expected a label, such as {key: team, values: [payments]}, or \
                 `api: list`",
            );
        }
    }
    if selection.label.is_some() {
        // If `api` is wrong, its separator is not known.
        check_label(&label, Some(operation).filter(|_| api.is_some() || !at.get("api").is_set()));
    }
    (selection, operation)
}

fn check_label(at: &Node<'_>, operation: Option<DeploymentsOperation>) {
    const VALUES: &str = "a list of one or more values of the label";
    at.get("key").require(at.get("key").value(), "the key of a label");
    let values = at.get("values");
    if values.require(values.value(), VALUES).is_some()
        && values.items().next().is_none()
        && !values.is_noted()
    {
        values.reject(format!("the list is empty: expected {VALUES}"));
    }
    let Some(operation) = operation else { return };
    let separator = operation.label_value_separator();
    for value in values.items().filter(|value| value.text().is_some_and(|text| text.contains(separator))) {
        value.reject(format!(
            "found {}, but `{separator}` is what separates values in {operation}: expected a value without it",
            value.found()
        ));
    }
}

/// Names that match a pattern of `include` and none of `exclude`.
pub(super) fn name_filter(
    include: Option<Vec<String>>,
    exclude: Option<Vec<String>>,
    at: &Node<'_>,
) -> NameFilter {
    if include.as_ref().is_some_and(Vec::is_empty) && !at.get("include").is_noted() {
        at.get("include").reject("the list is empty, which selects nothing: expected one or more patterns");
    }
    let default = NameFilter::default();
    let globs = |texts: Vec<String>| texts.iter().map(|text| Glob::new(text)).collect();
    NameFilter {
        include: include.map_or(default.include, globs),
        exclude: exclude.map_or(default.exclude, globs),
    }
}
