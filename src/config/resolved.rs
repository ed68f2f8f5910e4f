//! The types that the program uses: validated, with every default filled in.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use outbound_http::Proxies;
use url::Url;

use crate::model::{DeploymentsOperation, Selection};
use crate::{api, credentials, model, poll};

/// A valid configuration, with every default filled in.
#[derive(Debug, Clone)]
pub struct Config {
    /// The workspaces; never empty, each id once.
    pub workspaces: Vec<Workspace>,
    /// How the API is asked.
    pub api: api::Settings,
    /// What is exported.
    pub metrics: model::FieldSelection,
    /// How long the first value of a counter is served at least; zero means until the next poll.
    pub first_value_hold: Duration,
    /// The file that keeps the state across restarts.
    pub state_path: Option<PathBuf>,
    /// The proxies of the environment.
    pub proxies: Proxies,
    /// What is wrong with the environment, but does not prevent a start.
    pub environment_warnings: Vec<String>,
}

/// One workspace and what is polled there.
#[derive(Debug, Clone)]
pub struct Workspace {
    /// The workspace's id, fit for a header.
    pub id: String,
    /// The region, if it is known.
    pub region: Option<String>,
    /// Where requests go: a scheme, a host and perhaps a port.
    pub endpoint: Url,
    /// Where the access key comes from.
    pub credentials: Arc<credentials::Source>,
    /// What is polled; never empty, no two with the same namespace and selection.
    pub targets: Vec<Target>,
}

/// A namespace, or those of its deployments that are selected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The namespace's name, fit for a path's segment.
    pub namespace: String,
    /// Which deployments.
    pub selection: Selection,
    /// The operation that lists them.
    pub operation: DeploymentsOperation,
    /// When they are listed.
    pub poll: poll::Settings,
}
