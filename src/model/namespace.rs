//! A namespace, as the API describes it.

use super::{Object, SharedStr, UsedResources};

/// Whether `name` is a valid name of a namespace, which is also a path segment: letters, digits, `-`, `_` and `.`.
pub fn is_namespace_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !name.is_empty() && name.chars().all(allowed) && name != "." && name != ".."
}

/// One namespace of a workspace.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NamespaceInstance {
    /// `Namespace`; never empty.
    pub name: Box<str>,
    /// `Status` as returned by the API: the state of the last operation on the namespace.
    pub status: SharedStr,
    /// The allocated compute units: `ResourceSpec`.
    pub quota: Option<f64>,
    /// The guaranteed part: `GuaranteedResourceSpec`.
    pub guaranteed_quota: Option<f64>,
    /// The limit of the elastic part: `ElasticResourceSpec`.
    pub elastic_quota: Option<f64>,
    /// The used resources.
    pub used: UsedResources,
}

impl Object for NamespaceInstance {
    fn key(&self) -> &str {
        &self.name
    }
}

/// A namespace in which the user has a role in the development console.
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
