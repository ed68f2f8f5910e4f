//! An entry under `namespaces`: a plain name, or a table with what is special to it.

use std::collections::HashMap;

use super::decode::{Node, Table};
use super::{Target, settings};
use crate::model::{
    DeploymentsOperation, ExecutionMode, JobStatus, LabelSelector, Selection, is_namespace_name,
};
use crate::poll;

pub(super) const NAMESPACE_KEYS: [&str; 4] = ["name", "poll", "select", "api"];
pub(super) const SELECT_KEYS: [&str; 6] =
    ["name", "execution_mode", "status", "creator", "modifier", "label"];
pub(super) const LABEL_KEYS: [&str; 2] = ["key", "values"];

/// The values of `api`.
pub(super) const OPERATIONS: [(&str, DeploymentsOperation); 2] = [
    ("list", DeploymentsOperation::ListDeployments),
    ("by_label", DeploymentsOperation::GetDeploymentsByLabel),
];

const NAME: &str = "the name of a namespace: letters, digits, `-`, `_` and `.`";
const LABEL: &str = "a label, such as {key: team, values: [payments]}";

/// The targets of a list, each once.
pub(super) fn targets(node: &Node<'_>, poll: poll::Settings) -> Option<Vec<Target>> {
    let items = node.list("a list of namespaces, or `all`")?;
    if items.is_empty() {
        return node.reject("the list is empty: expected one or more namespaces, or `all`");
    }
    let targets: Vec<_> = items.iter().filter_map(|item| Some((target(item, poll)?, item))).collect();
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

fn target(node: &Node<'_>, poll: poll::Settings) -> Option<Target> {
    if !node.is_table() {
        return Some(Target {
            namespace: name(node)?,
            selection: Selection::default(),
            operation: DeploymentsOperation::default(),
            poll,
        });
    }
    let table = node.table(&NAMESPACE_KEYS)?;
    let namespace = table.require("name", NAME).and_then(|node| name(&node));
    let poll = settings::poll(table.get("poll"), poll);
    let (selection, operation) = selection_and_operation(&table)?;
    Some(Target { namespace: namespace?, selection, operation, poll })
}

/// The keys `select` and `api` of a table.
pub(super) fn selection_and_operation(table: &Table<'_>) -> Option<(Selection, DeploymentsOperation)> {
    let operation = match table.get("api") {
        Some(node) => node.choice(&OPERATIONS),
        None => Some(DeploymentsOperation::default()),
    };
    let select = table.get("select").and_then(|node| node.table(&SELECT_KEYS));
    if operation == Some(DeploymentsOperation::GetDeploymentsByLabel) {
        check_by_label(table, select.as_ref());
    }
    let selection = select.map(|select| selection(&select, operation)).unwrap_or_default();
    Some((selection, operation?))
}

fn name(node: &Node<'_>) -> Option<String> {
    let name = node.text(NAME)?;
    if is_namespace_name(&name) {
        return Some(name);
    }
    node.expected(NAME)
}

fn selection(select: &Table<'_>, operation: Option<DeploymentsOperation>) -> Selection {
    let text = |key, what| select.get(key).and_then(|node| node.text(what));
    let modes = ExecutionMode::ALL.map(|mode| (mode.as_str(), mode));
    let statuses = JobStatus::ALL.map(|status| (status.as_str(), status));
    Selection {
        name: text("name", "the name of a deployment"),
        execution_mode: select.get("execution_mode").and_then(|node| node.choice(&modes)),
        status: select.get("status").and_then(|node| node.choice(&statuses)),
        creator: text("creator", "the UID of a user"),
        modifier: text("modifier", "the UID of a user"),
        label: select.get("label").and_then(|node| label(&node, operation)),
    }
}

fn label(node: &Node<'_>, operation: Option<DeploymentsOperation>) -> Option<LabelSelector> {
    let Some(table) = node.is_table().then(|| node.table(&LABEL_KEYS)) else { return node.expected(LABEL) };
    let table = table?;
    let key = table.require("key", "the key of a label").and_then(|node| node.text("the key of a label"));
    let values = label_values(&table, operation);
    Some(LabelSelector { key: key?, values: values? })
}

fn label_values(label: &Table<'_>, operation: Option<DeploymentsOperation>) -> Option<Vec<String>> {
    const VALUES: &str = "a list of one or more values of the label";
    let node = label.require("values", VALUES)?;
    let items = node.list(VALUES)?;
    if items.is_empty() {
        return node.reject(format!("the list is empty: expected {VALUES}"));
    }
    // Every item is read before the first bad one ends it, so that each mistake is told.
    let values: Vec<_> = items.iter().map(|item| label_value(item, operation)).collect();
    values.into_iter().collect()
}

fn label_value(node: &Node<'_>, operation: Option<DeploymentsOperation>) -> Option<String> {
    let value = node.text("a value of the label")?;
    match operation.filter(|operation| value.contains(operation.label_value_separator())) {
        None => Some(value),
        Some(operation) => node.reject(format!(
            "found {}, but `{}` is what separates values in {operation}: expected a value without it",
            node.found(),
            operation.label_value_separator()
        )),
    }
}

fn check_by_label(table: &Table<'_>, select: Option<&Table<'_>>) {
    let Some(api) = table.get("api") else { return };
    let filters = || SELECT_KEYS.into_iter().filter(|key| *key != "label");
    for filter in select.into_iter().flat_map(|select| filters().filter_map(|key| select.get(key))) {
        filter.reject::<()>(
            "`api: by_label` takes no filter but `label`: leave this one out, or use `api: list`",
        );
    }
    if table.get("select").is_none() || select.is_some_and(|select| select.get("label").is_none()) {
        api.reject::<()>(format!("by_label needs `select.label`: expected {LABEL}, or `api: list`"));
    }
}
