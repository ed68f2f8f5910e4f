//! Discovery entries and workspaces.

use std::collections::BTreeMap;

use serde::Serialize;
use url::Url;

use super::deployments::{Namespace, Poll, Select, api_name};
use crate::config::collectors::{COLLECTORS, Collector, EnabledCollector, JobsSettings};
use crate::config::units::format_duration;
use crate::config::{Collectors, DiscoveredNamespaces, DiscoveryEntry, Namespaces, Workspace};
use crate::credentials::Source;
use crate::discovery::{Glob, NameFilter, WorkspaceFilter};
use crate::endpoint::is_loopback;

#[derive(Serialize)]
pub(super) struct EntryDocument<'a> {
    region: &'a str,
    name: &'a str,
    interval: String,
    workspaces: WorkspacesDocument<'a>,
    namespaces: DiscoveredDocument<'a>,
    collectors: BTreeMap<&'static str, CollectorDocument>,
    endpoint: &'a str,
    console_endpoint: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    allow_plain_http: Option<bool>,
    credentials: &'a Source,
}

impl<'a> From<&'a DiscoveryEntry> for EntryDocument<'a> {
    fn from(entry: &'a DiscoveryEntry) -> Self {
        Self {
            region: &entry.region,
            name: &entry.name,
            interval: format_duration(entry.interval),
            workspaces: WorkspacesDocument::from(&entry.workspaces),
            namespaces: DiscoveredDocument::from(&entry.namespaces),
            collectors: collectors(&entry.collectors, true),
            endpoint: url(&entry.endpoint),
            console_endpoint: url(&entry.console_endpoint),
            allow_plain_http: allow_plain_http(&[&entry.endpoint, &entry.console_endpoint]),
            credentials: &entry.credentials,
        }
    }
}

#[derive(Serialize)]
pub(super) struct WorkspaceDocument<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<&'a str>,
    endpoint: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    console_endpoint: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allow_plain_http: Option<bool>,
    credentials: &'a Source,
    namespaces: NamespacesDocument<'a>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    collectors: BTreeMap<&'static str, CollectorDocument>,
}

impl<'a> From<&'a Workspace> for WorkspaceDocument<'a> {
    fn from(workspace: &'a Workspace) -> Self {
        let console_endpoint = workspace.console_endpoint.as_ref().filter(|_| workspace.uses_console());
        let endpoints: Vec<&Url> = [&workspace.endpoint].into_iter().chain(console_endpoint).collect();
        Self {
            id: &workspace.id,
            region: workspace.region.as_deref(),
            endpoint: url(&workspace.endpoint),
            console_endpoint: console_endpoint.map(url),
            allow_plain_http: allow_plain_http(&endpoints),
            credentials: &workspace.credentials,
            namespaces: NamespacesDocument::from(&workspace.namespaces),
            collectors: collectors(&workspace.collectors, workspace.namespaces.is_discovered()),
        }
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum NamespacesDocument<'a> {
    Listed(Vec<Namespace<'a>>),
    Discovered(Box<DiscoveredDocument<'a>>),
}

impl<'a> From<&'a Namespaces> for NamespacesDocument<'a> {
    fn from(namespaces: &'a Namespaces) -> Self {
        match namespaces {
            Namespaces::Listed(targets) => Self::Listed(targets.iter().map(Namespace::from).collect()),
            Namespaces::Discovered(discovered) => {
                Self::Discovered(Box::new(DiscoveredDocument::from(&**discovered)))
            }
        }
    }
}

#[derive(Serialize)]
struct WorkspacesDocument<'a> {
    include: Vec<String>,
    exclude: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    tags: BTreeMap<&'a str, &'a str>,
}

impl<'a> From<&'a WorkspaceFilter> for WorkspacesDocument<'a> {
    fn from(filter: &'a WorkspaceFilter) -> Self {
        Self {
            include: globs(&filter.names.include),
            exclude: globs(&filter.names.exclude),
            tags: filter.tags.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect(),
        }
    }
}

#[derive(Serialize)]
struct DiscoveredDocument<'a> {
    include: Vec<String>,
    exclude: Vec<String>,
    poll: Poll,
    #[serde(skip_serializing_if = "Option::is_none")]
    select: Option<Select<'a>>,
    api: &'static str,
}

impl<'a> From<&'a DiscoveredNamespaces> for DiscoveredDocument<'a> {
    fn from(discovered: &'a DiscoveredNamespaces) -> Self {
        let NameFilter { include, exclude } = &discovered.filter;
        Self {
            include: globs(include),
            exclude: globs(exclude),
            poll: Poll::from(discovered.poll),
            select: Select::of(&discovered.selection),
            api: api_name(discovered.operation),
        }
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum CollectorDocument {
    Enabled { interval: String },
    Jobs { mode: &'static str, interval: String, requests_per_second: f64 },
    Disabled(bool),
}

/// What is enabled, and what is disabled although it is enabled by default.
fn collectors(collectors: &Collectors, by_default: bool) -> BTreeMap<&'static str, CollectorDocument> {
    let documents = COLLECTORS.into_iter().filter_map(|Collector { name, uses_console, .. }| {
        let document = match collectors.get(name) {
            Some(EnabledCollector { interval, jobs, .. }) => {
                let interval = format_duration(interval);
                match jobs {
                    Some(JobsSettings { mode, requests_per_second }) => {
                        CollectorDocument::Jobs { mode: mode.as_str(), interval, requests_per_second }
                    }
                    None => CollectorDocument::Enabled { interval },
                }
            }
            None if by_default && uses_console => CollectorDocument::Disabled(false),
            None => return None,
        };
        Some((name, document))
    });
    documents.collect()
}

fn globs(globs: &[Glob]) -> Vec<String> {
    globs.iter().map(ToString::to_string).collect()
}

fn url(url: &Url) -> &str {
    url.as_str().trim_end_matches('/')
}

/// Set if it is needed.
fn allow_plain_http(endpoints: &[&Url]) -> Option<bool> {
    let exposed = |url: &&&Url| url.scheme() == "http" && !is_loopback(url);
    endpoints.iter().find(exposed).map(|_| true)
}
