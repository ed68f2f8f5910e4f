//! The resolved configuration as YAML, with every default filled in and every secret left out.

use serde::Serialize;

use super::target::OPERATIONS;
use super::units::{format_duration, format_size};
use super::{Config, Target, Workspace};
use crate::credentials::Source;
use crate::model::{ExecutionMode, JobStatus, LabelKeys, LabelSelector, Selection};
use crate::{api, poll};

pub(super) fn yaml(config: &Config) -> String {
    let document = Document {
        api: Api::from(&config.api),
        workspaces: config.workspaces.iter().map(WorkspaceEntry::from).collect(),
        metrics: Metrics::from(config),
        state: config.state_path.as_ref().map(|path| State { path: path.to_string_lossy().into_owned() }),
    };
    // Text, numbers, lists and tables alone: nothing that YAML can't say.
    yaml_serde::to_string(&document).unwrap_or_else(|error| format!("# {error}\n"))
}

#[derive(Serialize)]
struct Document<'a> {
    api: Api,
    workspaces: Vec<WorkspaceEntry<'a>>,
    metrics: Metrics<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<State>,
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
            request_timeout: format_duration(settings.request_timeout),
            max_retries: settings.max_retries,
            max_response_size: format_size(settings.max_response_size as u64),
            max_listing_size: format_size(settings.max_listing_size as u64),
        }
    }
}

#[derive(Serialize)]
struct WorkspaceEntry<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<&'a str>,
    endpoint: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    allow_plain_http: Option<bool>,
    credentials: &'a Source,
    namespaces: Vec<Namespace<'a>>,
}

impl<'a> From<&'a Workspace> for WorkspaceEntry<'a> {
    fn from(workspace: &'a Workspace) -> Self {
        let endpoint = &workspace.endpoint;
        let is_exposed = endpoint.scheme() == "http" && !crate::endpoint::is_loopback(endpoint);
        Self {
            id: &workspace.id,
            region: workspace.region.as_deref(),
            endpoint: endpoint.as_str().trim_end_matches('/'),
            allow_plain_http: is_exposed.then_some(true),
            credentials: &workspace.credentials,
            namespaces: workspace.targets.iter().map(Namespace::from).collect(),
        }
    }
}

#[derive(Serialize)]
struct Namespace<'a> {
    name: &'a str,
    poll: Poll,
    #[serde(skip_serializing_if = "Option::is_none")]
    select: Option<Select<'a>>,
    api: &'static str,
}

impl<'a> From<&'a Target> for Namespace<'a> {
    fn from(target: &'a Target) -> Self {
        let api = OPERATIONS.iter().find(|(_, operation)| *operation == target.operation);
        Self {
            name: &target.namespace,
            poll: Poll::from(target.poll),
            select: (target.selection != Selection::default()).then(|| Select::from(&target.selection)),
            api: api.map_or_else(|| target.operation.as_str(), |(name, _)| name),
        }
    }
}

#[derive(Serialize)]
struct Poll {
    interval: String,
    timeout: String,
    stale_after: String,
}

impl From<poll::Settings> for Poll {
    fn from(settings: poll::Settings) -> Self {
        Self {
            interval: format_duration(settings.interval),
            timeout: format_duration(settings.timeout),
            stale_after: format_duration(settings.stale_after),
        }
    }
}

#[derive(Serialize)]
struct Select<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    execution_mode: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    creator: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    modifier: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<Label<'a>>,
}

impl<'a> From<&'a Selection> for Select<'a> {
    fn from(selection: &'a Selection) -> Self {
        Self {
            name: selection.name.as_deref(),
            execution_mode: selection.execution_mode.map(ExecutionMode::as_str),
            status: selection.status.map(JobStatus::as_str),
            creator: selection.creator.as_deref(),
            modifier: selection.modifier.as_deref(),
            label: selection.label.as_ref().map(Label::from),
        }
    }
}

#[derive(Serialize)]
struct Label<'a> {
    key: &'a str,
    values: &'a [String],
}

impl<'a> From<&'a LabelSelector> for Label<'a> {
    fn from(label: &'a LabelSelector) -> Self {
        Self { key: &label.key, values: &label.values }
    }
}

#[derive(Serialize)]
struct Metrics<'a> {
    jobs: bool,
    resources: bool,
    deployment_labels: Vec<&'a str>,
    first_value_hold: String,
}

impl<'a> From<&'a Config> for Metrics<'a> {
    fn from(config: &'a Config) -> Self {
        let settings = &config.metrics;
        Self {
            jobs: settings.jobs,
            resources: settings.resources,
            deployment_labels: match &settings.labels {
                LabelKeys::All => vec!["*"],
                LabelKeys::Listed(keys) => keys.iter().map(String::as_str).collect(),
            },
            first_value_hold: format_duration(config.first_value_hold),
        }
    }
}
