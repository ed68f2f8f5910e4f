//! The types that the program uses: validated, with every default filled in.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use outbound_http::Proxies;
use url::Url;

use super::collectors::Collectors;
use crate::discovery::{NameFilter, WorkspaceFilter};
use crate::model::{DeploymentsOperation, LabelKeys, Selection, Shard};
use crate::{api, credentials, model, poll};

/// Twice the longest usual scrape interval, so that Prometheus scrapes the first value of a counter.
const FIRST_VALUE_HOLD: Duration = Duration::from_secs(120);

/// A valid configuration, with every default filled in.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where workspaces are discovered. Each name once.
    pub discovery: Vec<DiscoveryEntry>,
    /// The workspaces, each id once. Never empty if there is no discovery entry.
    pub workspaces: Vec<Workspace>,
    /// When targets are polled, unless a namespace overrides it.
    pub poll: poll::Settings,
    /// How the API is called.
    pub api: api::Settings,
    /// What is exported.
    pub metrics: model::FieldSelection,
    /// The tags of workspaces that are exported.
    pub workspace_tags: LabelKeys,
    /// The maximum number of series in a scrape; 0 if there is none.
    pub max_series: usize,
    /// Minimum time for which the first value of a counter is served; zero means until the next poll.
    pub first_value_hold: Duration,
    /// Which part of the targets is polled.
    pub shard: Shard,
    /// The file that keeps the state across restarts.
    pub state_path: Option<PathBuf>,
    /// The proxies of the environment.
    pub proxies: Proxies,
    /// Problems of the environment that do not prevent a start.
    pub environment_warnings: Vec<String>,
}

/// The defaults, with nothing to poll.
impl Default for Config {
    fn default() -> Self {
        Self {
            discovery: Vec::new(),
            workspaces: Vec::new(),
            poll: poll::Settings::default(),
            api: api::Settings::default(),
            metrics: model::FieldSelection::default(),
            workspace_tags: LabelKeys::default(),
            max_series: 0,
            first_value_hold: FIRST_VALUE_HOLD,
            shard: Shard::SINGLE,
            state_path: None,
            proxies: Proxies::default(),
            environment_warnings: Vec::new(),
        }
    }
}

impl Config {
    /// How this shard calls the API: the rates for a region are divided by the number of shards.
    pub fn api_of_shard(&self) -> api::Settings {
        self.api.of_shard(self.shard.total())
    }
}

/// One workspace and what is polled there.
#[derive(Debug, Clone, PartialEq)]
pub struct Workspace {
    /// The workspace's id: visible ASCII characters without blanks.
    pub id: String,
    /// The region, if it is known.
    pub region: Option<String>,
    /// The endpoint of the API: a scheme, a host and an optional port.
    pub endpoint: Url,
    /// The endpoint of the console API. Present if the region is known.
    pub console_endpoint: Option<Url>,
    /// Where the access key comes from.
    pub credentials: Arc<credentials::ProviderConfig>,
    /// The polled namespaces.
    pub namespaces: Namespaces,
    /// What is polled besides deployments.
    pub collectors: Collectors,
}

impl Workspace {
    /// Whether requests go to the console API.
    pub fn uses_console(&self) -> bool {
        self.namespaces.is_discovered() || self.collectors.of_console().is_some()
    }

    /// The listed targets; none if the namespaces are discovered.
    pub fn targets(&self) -> &[Target] {
        match &self.namespaces {
            Namespaces::Listed(targets) => targets,
            Namespaces::Discovered(_) => &[],
        }
    }
}

/// The namespaces of a workspace that are polled.
#[derive(Debug, Clone, PartialEq)]
pub enum Namespaces {
    /// Listed targets. Never empty, each namespace and selection once.
    Listed(Vec<Target>),
    /// The namespaces that discovery finds.
    Discovered(Box<DiscoveredNamespaces>),
}

impl Namespaces {
    /// Whether discovery finds them.
    pub fn is_discovered(&self) -> bool {
        matches!(self, Self::Discovered(_))
    }
}

/// Which of the discovered namespaces are polled, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct DiscoveredNamespaces {
    /// Which namespaces.
    pub filter: NameFilter,
    /// Which of their deployments.
    pub selection: Selection,
    /// The operation that lists the deployments.
    pub operation: DeploymentsOperation,
    /// When the deployments are listed.
    pub poll: poll::Settings,
}

impl DiscoveredNamespaces {
    /// All deployments of all namespaces.
    pub fn all(poll: poll::Settings) -> Self {
        Self {
            filter: NameFilter::default(),
            selection: Selection::default(),
            operation: DeploymentsOperation::default(),
            poll,
        }
    }
}

/// Where workspaces are discovered, and what is polled in them.
#[derive(Debug, Clone)]
pub struct DiscoveryEntry {
    /// The value of the label `discovery`.
    pub name: String,
    /// The region.
    pub region: String,
    /// How often workspaces and namespaces are listed.
    pub interval: Duration,
    /// Which workspaces of the region.
    pub workspaces: WorkspaceFilter,
    /// Which of their namespaces.
    pub namespaces: DiscoveredNamespaces,
    /// What is polled besides deployments.
    pub collectors: Collectors,
    /// The endpoint of the API.
    pub endpoint: Url,
    /// The endpoint of the console API.
    pub console_endpoint: Url,
    /// Where the access key comes from.
    pub credentials: Arc<credentials::ProviderConfig>,
}

/// A namespace, or a selection of its deployments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The namespace's name, valid as a path segment.
    pub namespace: String,
    /// Which deployments.
    pub selection: Selection,
    /// The operation that lists them.
    pub operation: DeploymentsOperation,
    /// When they are listed.
    pub poll: poll::Settings,
}
