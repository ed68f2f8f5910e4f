//! The validated configuration as it would be written, with every default filled in and every secret left out.

use config_reader::{Period, Short};
use url::Url;

use super::raw;
use super::{Config, DiscoveredNamespaces, DiscoveryEntry, Namespaces, Target, Workspace};
use crate::discovery::{Glob, NameFilter, WorkspaceFilter};
use crate::model::Selection;

impl From<&Config> for raw::Config {
    fn from(config: &Config) -> Self {
        let discovery: Vec<_> = config.discovery.iter().map(|entry| Some(entry.into())).collect();
        let workspaces: Vec<_> = config.workspaces.iter().map(|workspace| Some(workspace.into())).collect();
        Self {
            api: Some((&config.api).into()),
            discovery: Some(discovery).filter(|entries| !entries.is_empty()),
            workspaces: Some(workspaces).filter(|workspaces| !workspaces.is_empty()),
            metrics: Some(config.into()),
            shard: Some(config.shard.into()),
            state: config.state_path.as_ref().map(|path| {
                let path = path.to_string_lossy().into_owned();
                raw::State { path: Some(path) }
            }),
            // Filled in where they are used.
            ..Self::default()
        }
    }
}

impl From<&DiscoveryEntry> for raw::DiscoveryEntry {
    fn from(entry: &DiscoveryEntry) -> Self {
        Self {
            region: Some(entry.region.clone().into()),
            name: Some(entry.name.clone()),
            interval: Some(Period(entry.interval)),
            workspaces: Some((&entry.workspaces).into()),
            namespaces: Some(Short::Long((&entry.namespaces).into())),
            collectors: Some(entry.collectors.to_raw(true)),
            endpoint: Some(url(&entry.endpoint)),
            console_endpoint: Some(url(&entry.console_endpoint)),
            allow_plain_http: allow_plain_http(&[&entry.endpoint, &entry.console_endpoint]),
            credentials: Some((*entry.credentials).clone()),
        }
    }
}

impl From<&Workspace> for raw::Workspace {
    fn from(workspace: &Workspace) -> Self {
        let console_endpoint = workspace.console_endpoint.as_ref().filter(|_| workspace.uses_console());
        let endpoints: Vec<&Url> = [&workspace.endpoint].into_iter().chain(console_endpoint).collect();
        Self {
            id: Some(workspace.id.clone().into()),
            region: workspace.region.clone().map(Into::into),
            endpoint: Some(url(&workspace.endpoint)),
            console_endpoint: console_endpoint.map(url),
            allow_plain_http: allow_plain_http(&endpoints),
            credentials: Some((*workspace.credentials).clone()),
            namespaces: Some((&workspace.namespaces).into()),
            collectors: Some(workspace.collectors.to_raw(workspace.namespaces.is_discovered())),
        }
    }
}

impl From<&Namespaces> for raw::Namespaces {
    fn from(namespaces: &Namespaces) -> Self {
        match namespaces {
            Namespaces::Listed(targets) => {
                Self::Short(targets.iter().map(|target| Some(Short::Long(target.into()))).collect())
            }
            Namespaces::Discovered(discovered) => Self::Long(Short::Long((&**discovered).into())),
        }
    }
}

impl From<&Target> for raw::Namespace {
    fn from(target: &Target) -> Self {
        Self {
            name: Some(target.namespace.clone().into()),
            poll: Some(target.poll.into()),
            select: select(&target.selection),
            api: Some(target.operation),
        }
    }
}

impl From<&DiscoveredNamespaces> for raw::DiscoveredNamespaces {
    fn from(discovered: &DiscoveredNamespaces) -> Self {
        let NameFilter { include, exclude } = &discovered.filter;
        Self {
            include: Some(globs(include)),
            exclude: Some(globs(exclude)),
            poll: Some(discovered.poll.into()),
            select: select(&discovered.selection),
            api: Some(discovered.operation),
        }
    }
}

impl From<&WorkspaceFilter> for raw::WorkspaceFilter {
    fn from(filter: &WorkspaceFilter) -> Self {
        Self {
            include: Some(globs(&filter.names.include)),
            exclude: Some(globs(&filter.names.exclude)),
            tags: Some(filter.tags.iter().cloned().collect()).filter(|_| !filter.tags.is_empty()),
        }
    }
}

/// None if everything is selected.
fn select(selection: &Selection) -> Option<Selection> {
    (*selection != Selection::default()).then(|| selection.clone())
}

fn globs(globs: &[Glob]) -> Vec<String> {
    globs.iter().map(ToString::to_string).collect()
}

fn url(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

/// Set if it is needed.
fn allow_plain_http(endpoints: &[&Url]) -> Option<bool> {
    let exposed = |url: &&&Url| url.scheme() == "http" && !outbound_http::is_loopback(url);
    endpoints.iter().find(exposed).map(|_| true)
}
