//! The resolved configuration as YAML, with every default filled in and every secret left out.

use serde::Serialize;

mod deployments;
mod locations;

use locations::{EntryDocument, WorkspaceDocument};

use super::Config;
use super::units::{format_duration, format_size};
use crate::api;
use crate::model::LabelKeys;

pub(super) fn yaml(config: &Config) -> String {
    let document = Document {
        api: Api::from(&config.api),
        discovery: config.discovery.iter().map(EntryDocument::from).collect(),
        workspaces: config.workspaces.iter().map(WorkspaceDocument::from).collect(),
        metrics: Metrics::from(config),
        shard: Shard { index: config.shard.index(), total: config.shard.total() },
        state: config.state_path.as_ref().map(|path| State { path: path.to_string_lossy().into_owned() }),
    };
    // Text, numbers, lists and tables alone: nothing that YAML can't say.
    yaml_serde::to_string(&document).unwrap_or_else(|error| format!("# {error}\n"))
}

#[derive(Serialize)]
struct Document<'a> {
    api: Api,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    discovery: Vec<EntryDocument<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    workspaces: Vec<WorkspaceDocument<'a>>,
    metrics: Metrics<'a>,
    shard: Shard,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<State>,
}

#[derive(Serialize)]
struct Shard {
    index: u32,
    total: u32,
}

#[derive(Serialize)]
struct State {
    path: String,
}

#[derive(Serialize)]
struct Api {
    page_size: u32,
    max_concurrent_requests: usize,
    requests_per_second: f64,
    account_requests_per_second: f64,
    console_requests_per_second: f64,
    request_timeout: String,
    max_retries: u32,
    max_response_size: String,
    max_listing_size: String,
}

impl From<&api::Settings> for Api {
    fn from(settings: &api::Settings) -> Self {
        Self {
            page_size: settings.page_size,
            max_concurrent_requests: settings.max_concurrent_requests,
            requests_per_second: settings.requests_per_second,
            account_requests_per_second: settings.account_requests_per_second,
            console_requests_per_second: settings.console_requests_per_second,
            request_timeout: format_duration(settings.request_timeout),
            max_retries: settings.max_retries,
            max_response_size: format_size(settings.max_response_size as u64),
            max_listing_size: format_size(settings.max_listing_size as u64),
        }
    }
}

#[derive(Serialize)]
struct Metrics<'a> {
    jobs: bool,
    resources: bool,
    deployment_labels: Vec<&'a str>,
    workspace_tags: Vec<&'a str>,
    max_series: usize,
    first_value_hold: String,
}

impl<'a> From<&'a Config> for Metrics<'a> {
    fn from(config: &'a Config) -> Self {
        let settings = &config.metrics;
        Self {
            jobs: settings.jobs,
            resources: settings.resources,
            deployment_labels: label_keys(&settings.labels),
            workspace_tags: label_keys(&config.workspace_tags),
            max_series: config.max_series,
            first_value_hold: format_duration(config.first_value_hold),
        }
    }
}

fn label_keys(keys: &LabelKeys) -> Vec<&str> {
    match keys {
        LabelKeys::All => vec!["*"],
        LabelKeys::Listed(keys) => keys.iter().map(String::as_str).collect(),
    }
}
