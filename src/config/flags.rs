//! Settings from the command line.

use figment::value::{Dict, Value};

use super::layer::{Kind, Layer, nest};
use super::namespaces::ALL;
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
        let mut settings = self.scope();
        if let Some(path) = &self.state_path {
            settings
                .extend(nest(&["state".to_owned(), "path".to_owned()], path.as_str().into()).into_dict()?);
        }
        let shard = [("index", self.shard_index), ("total", self.shard_total)];
        let shard = shard.into_iter().filter_map(|(key, number)| Some((key.to_owned(), number?.into())));
        let shard: Dict = shard.collect();
        if !shard.is_empty() {
            settings.insert("shard".to_owned(), shard.into());
        }
        if !self.collectors.is_empty() {
            let enabled =
                self.collectors.iter().map(|(name, enabled)| ((*name).to_owned(), (*enabled).into()));
            settings.insert("collectors".to_owned(), enabled.collect::<Dict>().into());
        }
        if settings.is_empty() {
            return None;
        }
        let disabled: Vec<_> =
            self.collectors.iter().filter(|(_, enabled)| !enabled).map(|(name, _)| *name).collect();
        Some(Layer::new(Kind::Flags, settings, move |keys: &[&str]| flag(keys, &disabled)))
    }

    /// The workspace, or the regions that are searched for workspaces.
    fn scope(&self) -> Dict {
        let empty = || Value::from(Vec::<Value>::new());
        let (discovery, workspaces) = if self.workspace.is_some() || !self.namespaces.is_empty() {
            (empty(), vec![Value::from(self.workspace())].into())
        } else if self.regions.is_empty() {
            return Dict::new();
        } else {
            let entry = |region: &String| Dict::from([("region".to_owned(), region.as_str().into())]);
            (self.regions.iter().map(entry).collect::<Vec<_>>().into(), empty())
        };
        Dict::from([("discovery".to_owned(), discovery), ("workspaces".to_owned(), workspaces)])
    }

    fn workspace(&self) -> Dict {
        let mut workspace = Dict::new();
        if let Some(id) = &self.workspace {
            workspace.insert("id".to_owned(), id.as_str().into());
        }
        match &self.regions[..] {
            [] => {}
            [region] => drop(workspace.insert("region".to_owned(), region.as_str().into())),
            // A list, which is refused: a workspace is in one region.
            regions => drop(workspace.insert("region".to_owned(), regions.to_vec().into())),
        }
        let namespaces =
            if self.namespaces.is_empty() { ALL.into() } else { Value::from(self.namespaces.clone()) };
        workspace.insert("namespaces".to_owned(), namespaces);
        workspace
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
