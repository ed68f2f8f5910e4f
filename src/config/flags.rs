//! A one-workspace set-up from the command line.

use figment::value::{Dict, Value};

use super::layer::{Kind, Layer};

/// What the command line gives: one workspace, in the place of all others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flags {
    /// `--workspace`
    pub workspace: Option<String>,
    /// `--region`
    pub region: Option<String>,
    /// `--namespace`, as often as given
    pub namespaces: Vec<String>,
}

impl Flags {
    /// Nothing if none of the flags is given; an incomplete set leaves the missing key to be noticed.
    pub(super) fn layer(&self) -> Option<Layer> {
        let mut workspace = Dict::new();
        for (key, value) in [("id", &self.workspace), ("region", &self.region)] {
            workspace.extend(value.as_ref().map(|value| (key.to_owned(), Value::from(value.as_str()))));
        }
        if !self.namespaces.is_empty() {
            workspace.insert("namespaces".to_owned(), Value::from(self.namespaces.clone()));
        }
        if workspace.is_empty() {
            return None;
        }
        let workspaces = Value::from(vec![Value::from(workspace)]);
        let settings = Dict::from([("workspaces".to_owned(), workspaces)]);
        Some(Layer::new(Kind::Flags, settings, |keys: &[&str]| flag(keys).to_owned()))
    }
}

fn flag(keys: &[&str]) -> &'static str {
    match keys {
        ["workspaces", "0", "region", ..] => "--region",
        ["workspaces", "0", "namespaces", ..] => "--namespace",
        _ => "--workspace",
    }
}
