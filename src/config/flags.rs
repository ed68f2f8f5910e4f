//! Settings from the command line.

use std::collections::BTreeMap;

use config_reader::{Kind, Layer};
use serde_json::{Value, json};

use super::text_rules::ALL;
use crate::model::CollectorName;

/// What the command line sets. A workspace, or regions, take the place of all workspaces and discovery entries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flags {
    /// `--workspace`
    pub workspace: Option<String>,
    /// `--region`, as often as given
    pub regions: Vec<String>,
    /// `--namespace`, as often as given
    pub namespaces: Vec<String>,
    /// `--collector.NAME` and `--no-collector.NAME`: the name, and whether it is enabled
    pub collectors: Vec<(CollectorName, bool)>,
    /// `--shard.index`
    pub shard_index: Option<u32>,
    /// `--shard.total`
    pub shard_total: Option<u32>,
    /// `--state.path`
    pub state_path: Option<String>,
}

impl Flags {
    /// Nothing if no flag is given; an incomplete set leaves the missing key to be noticed.
    pub(super) fn layer(&self) -> Option<Layer> {
        let workspace = (self.workspace.is_some() || !self.namespaces.is_empty()).then(|| self.workspace());
        let (discovery, workspaces) = match workspace {
            Some(workspace) => (json!([]), json!([workspace])),
            None if self.regions.is_empty() => (Value::Null, Value::Null),
            None => (self.regions.iter().map(|region| json!({"region": region})).collect(), json!([])),
        };
        let settings = json!({
            "discovery": discovery,
            "workspaces": workspaces,
            "collectors": self.collectors.iter().copied().collect::<BTreeMap<_, _>>(),
            "shard": {"index": self.shard_index, "total": self.shard_total},
            "state": {"path": self.state_path},
        });
        let disabled: Vec<_> =
            self.collectors.iter().filter(|(_, enabled)| !enabled).map(|(name, _)| *name).collect();
        Layer::new(Kind::Flags, settings, move |keys: &[&str]| flag(keys, &disabled))
    }

    fn workspace(&self) -> Value {
        let region = match &self.regions[..] {
            [region] => json!(region),
            [] => Value::Null,
            // A list, which is refused: a workspace is in one region.
            regions => json!(regions),
        };
        let namespaces = if self.namespaces.is_empty() { json!(ALL) } else { json!(self.namespaces) };
        json!({"id": self.workspace, "region": region, "namespaces": namespaces})
    }
}

fn flag(keys: &[&str], disabled: &[CollectorName]) -> String {
    match keys {
        ["collectors", name, ..] if disabled.contains(name) => format!("--no-collector.{name}"),
        ["collectors", name, ..] => format!("--collector.{name}"),
        ["shard", key, ..] => format!("--shard.{key}"),
        ["shard"] => "--shard.index".to_owned(),
        ["state", ..] => "--state.path".to_owned(),
        ["discovery", ..] | ["workspaces", "0", "region", ..] => "--region".to_owned(),
        ["workspaces", "0", "namespaces", ..] => "--namespace".to_owned(),
        _ => "--workspace".to_owned(),
    }
}
