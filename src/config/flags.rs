//! Settings from the command line.

use figment::value::{Dict, Value};

use super::layer::{Kind, Layer, nest};

/// What the command line sets. A workspace takes the place of all others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flags {
    /// `--workspace`
    pub workspace: Option<String>,
    /// `--region`
    pub region: Option<String>,
    /// `--namespace`, as often as given
    pub namespaces: Vec<String>,
    /// `--state.path`
    pub state_path: Option<String>,
}

impl Flags {
    /// Nothing if none of the flags is given; an incomplete set leaves the missing key to be noticed.
    pub(super) fn layer(&self) -> Option<Layer> {
        let mut settings = Dict::new();
        if let Some(path) = &self.state_path {
            settings
                .extend(nest(&["state".to_owned(), "path".to_owned()], path.as_str().into()).into_dict()?);
        }
        let mut workspace = Dict::new();
        for (key, value) in [("id", &self.workspace), ("region", &self.region)] {
            workspace.extend(value.as_ref().map(|value| (key.to_owned(), Value::from(value.as_str()))));
        }
        if !self.namespaces.is_empty() {
            workspace.insert("namespaces".to_owned(), Value::from(self.namespaces.clone()));
        }
        if !workspace.is_empty() {
            settings.insert("workspaces".to_owned(), vec![Value::from(workspace)].into());
        }
        if settings.is_empty() {
            return None;
        }
        Some(Layer::new(Kind::Flags, settings, |keys: &[&str]| flag(keys).to_owned()))
    }
}

fn flag(keys: &[&str]) -> &'static str {
    match keys {
        ["workspaces", "0", "region", ..] => "--region",
        ["workspaces", "0", "namespaces", ..] => "--namespace",
        ["state", ..] => "--state.path",
        _ => "--workspace",
    }
}
