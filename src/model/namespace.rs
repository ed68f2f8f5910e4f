//! A namespace, as the API describes it.

use super::{Object, SharedStr, UsedResources};

/// Whether `name` may be a namespace's name, and a segment of a path: letters, digits, `-`, `_` and `.`.
pub fn is_namespace_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !name.is_empty() && name.chars().all(allowed) && name != "." && name != ".."
}

/// One namespace of a workspace.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NamespaceInstance {
    /// `Namespace`; never empty.
    pub name: Box<str>,
    /// `Status`, as the API writes it: the state of the last operation on the namespace.
    pub status: SharedStr,
    /// The compute units that are allocated to it: `ResourceSpec`.
    pub quota: Option<f64>,
    /// The part that is guaranteed: `GuaranteedResourceSpec`.
    pub guaranteed_quota: Option<f64>,
    /// The limit of the elastic part: `ElasticResourceSpec`.
    pub elastic_quota: Option<f64>,
    /// What is used.
    pub used: UsedResources,
}

impl Object for NamespaceInstance {
    fn key(&self) -> &str {
        &self.name
    }
}

/// A namespace that the credentials may use: all that the API lists without the console's permissions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditableNamespace {
    /// The workspace and the namespace, joined by `/`.
    key: Box<str>,
    /// The length of the workspace's id.
    workspace: usize,
}

impl EditableNamespace {
    /// The namespace `name` of `workspace`.
    pub fn new(workspace: &str, name: &str) -> Self {
        Self { key: format!("{workspace}/{name}").into(), workspace: workspace.len() }
    }

    /// The workspace's id.
    pub fn workspace(&self) -> &str {
        &self.key[..self.workspace]
    }

    /// The namespace.
    pub fn name(&self) -> &str {
        &self.key[self.workspace + 1..]
    }
}

impl Object for EditableNamespace {
    fn key(&self) -> &str {
        &self.key
    }
}
