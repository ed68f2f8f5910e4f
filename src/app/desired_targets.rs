//! The desired workspaces and targets: those in the configuration and those that discovery has found, filtered by
//! shard.

use std::sync::Arc;

use super::{
    api_clients::{ApiClients, EntryAccess},
    app_context::AppContext,
    collector_targets::CollectedWorkspace,
    error::BuildError,
};
use crate::{
    collectors::{
        self, RenderConfig, Scope, TargetQuery,
        deployments::{DeploymentsQuery, DeploymentsTargetQuery},
        namespaces::{self, NamespacesTargetQuery},
        workspaces::{self, WorkspaceTargetQuery},
    },
    config::{self, Config, Namespaces},
    discovery::{Discovery, DiscoverySelection, EntrySettings, NameFilter, SelectedWorkspace},
    exposition::target_families::WorkspaceInfo,
    model::{CollectorName, FieldSelection, Shard, TargetId},
    poll,
    targets::{DesiredTarget, TargetSet},
};

/// A desired workspace.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct DesiredWorkspace {
    /// The workspace with its polled namespaces. There are none if its state prevents jobs from running.
    pub(super) workspace: config::Workspace,
    /// The namespaces that the collector `namespaces` exports, whichever shard polls their deployments.
    exported: ExportedNamespaces,
    /// Whether its state permits jobs to run.
    runs: bool,
    /// Whether other shards poll the workspace and all its namespaces.
    elsewhere: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum ExportedNamespaces {
    /// The matching namespaces that discovery finds.
    Matching(NameFilter),
    /// These namespaces.
    Listed(Vec<String>),
}

/// The settings of all discovery entries, in order of precedence.
///
/// # Errors
///
/// [`BuildError::HttpClient`] if an HTTP client cannot be built.
pub(super) fn entries(
    config: &Config,
    clients: &mut ApiClients,
    context: &AppContext,
) -> Result<Vec<EntrySettings>, BuildError> {
    let entries = config.entries();
    entries.iter().map(|(entry, selection)| settings(entry, selection, clients, context)).collect()
}

fn settings(
    entry: &config::DiscoveryEntry,
    selection: &DiscoverySelection,
    clients: &mut ApiClients,
    context: &AppContext,
) -> Result<EntrySettings, BuildError> {
    let access = EntryAccess {
        name: &entry.name,
        region: &entry.region,
        endpoint: &entry.endpoint,
        console_endpoint: &entry.console_endpoint,
        credentials: &entry.credentials,
    };
    Ok(EntrySettings {
        name: entry.name.clone(),
        region: entry.region.clone(),
        interval: entry.interval,
        timeout: entry.namespaces.poll.timeout,
        selection: selection.clone(),
        location: entry.location(),
        listings: clients.listings(access, context)?,
    })
}

/// All desired workspaces of this shard.
pub(super) fn desired_workspaces(config: &Config, discovery: &Discovery) -> Vec<DesiredWorkspace> {
    let listed = config.listed();
    let mut all: Vec<_> = listed.map(configured).collect();
    let entries = config.entries();
    for found in discovery.found() {
        let Some((entry, _)) = entries.iter().find(|(entry, _)| entry.name == found.entry) else { continue };
        let workspaces = found.workspaces.iter();
        all.extend(workspaces.map(|(id, workspace)| discovered(entry, id, workspace, discovery)));
    }
    all.into_iter().map(|desired| desired.of_shard(config.shard)).collect()
}

fn configured(workspace: &config::Workspace) -> DesiredWorkspace {
    let namespaces = workspace.targets().iter().map(|target| target.namespace.clone());
    let exported = ExportedNamespaces::Listed(namespaces.collect());
    DesiredWorkspace { workspace: workspace.clone(), exported, runs: true, elsewhere: false }
}

fn discovered(
    entry: &config::DiscoveryEntry,
    id: &str,
    found: &SelectedWorkspace,
    discovery: &Discovery,
) -> DesiredWorkspace {
    let permitted = entry
        .collectors
        .iter()
        .filter(|(collector, enabled)| !(enabled.by_default && discovery.denies(&entry.name, collector, id)));
    let workspace = config::Workspace { collectors: permitted.collect(), ..entry.workspace(id, found) };
    let exported = ExportedNamespaces::Matching(entry.namespaces.filter.clone());
    DesiredWorkspace { workspace, exported, runs: found.runs, elsewhere: false }
}

impl DesiredWorkspace {
    /// Removes the targets that do not belong to `shard`.
    fn of_shard(mut self, shard: Shard) -> Self {
        if shard.is_single() {
            return self;
        }
        let workspace = &mut self.workspace;
        let whole = shard.owns_workspace(&workspace.id);
        let is_empty = workspace.targets().is_empty();
        if let Namespaces::Listed(targets) = &mut workspace.namespaces {
            targets.retain(|target| shard.owns_namespace(&workspace.id, &target.namespace));
        }
        let collectors = workspace.collectors.iter();
        workspace.collectors = collectors.filter(|(name, _)| whole || !is_of_workspace(name)).collect();
        // A workspace without targets is shown by the shard that its own targets would belong to.
        self.elsewhere = !(has_targets(workspace) || is_empty && whole);
        self
    }
}

/// Whether the targets of a collector are workspaces.
fn is_of_workspace(collector: CollectorName) -> bool {
    collectors::by_name(collector).is_some_and(|collector| collector.scope() == Scope::Workspace)
}

fn has_targets(workspace: &config::Workspace) -> bool {
    !workspace.targets().is_empty() || workspace.collectors.iter().any(|(name, _)| is_of_workspace(name))
}

/// The workspaces that have targets and therefore need a client.
pub(super) fn with_targets(desired: &[DesiredWorkspace]) -> impl Iterator<Item = &config::Workspace> {
    desired.iter().map(|desired| &desired.workspace).filter(|workspace| has_targets(workspace))
}

/// The target set of the desired workspaces.
pub(super) fn targets(desired: &[DesiredWorkspace], clients: &ApiClients, config: &Config) -> TargetSet {
    let fields = Arc::new(config.metrics.clone());
    let targets = desired.iter().flat_map(|desired| {
        let client = clients.workspace_client(&desired.workspace.id).into_iter();
        let of_namespaces = client.flat_map(|client| {
            let deployments = deployments(&desired.workspace, client, &fields, config).into_iter();
            deployments.chain(collected(desired, clients, client, config))
        });
        of_namespaces.chain(console_targets(desired, clients, config))
    });
    TargetSet {
        targets: targets.collect(),
        workspaces: desired.iter().filter(|desired| desired.runs && !desired.elsewhere).map(info).collect(),
        render: RenderConfig {
            label_keys: config.metrics.labels.clone(),
            workspace_tags: config.workspace_tags.clone(),
        },
        max_series: config.max_series,
        first_value_hold: config.metrics.jobs.then_some(config.first_value_hold),
    }
}

/// The targets of deployments in one workspace.
fn deployments(
    workspace: &config::Workspace,
    client: &Arc<crate::api::Client>,
    fields: &Arc<FieldSelection>,
    config: &Config,
) -> Vec<(Arc<TargetId>, DesiredTarget)> {
    let region: Arc<str> = workspace.region.as_deref().unwrap_or_default().into();
    let target = |target: &config::Target| {
        let query = DeploymentsQuery {
            namespace: target.namespace.clone(),
            selection: target.selection.clone(),
            operation: target.operation,
            fields: fields.clone(),
        };
        let query = DeploymentsTargetQuery { client: client.clone(), query };
        let id = TargetId {
            workspace: workspace.id.clone(),
            namespace: target.namespace.clone(),
            collector: query.collector().name(),
            selection: target.selection.to_string(),
        };
        let target = DesiredTarget {
            region: region.clone(),
            query: Arc::new(query),
            settings: target.poll,
            requests_per_second: config.api.requests_per_second,
        };
        (Arc::new(id), target)
    };
    workspace.targets().iter().map(target).collect()
}

/// The targets of other collectors, unless the state of the workspace prevents jobs from running.
fn collected(
    desired: &DesiredWorkspace,
    clients: &ApiClients,
    client: &Arc<crate::api::Client>,
    config: &Config,
) -> Vec<(Arc<TargetId>, DesiredTarget)> {
    if !desired.runs {
        return Vec::new();
    }
    let workspace = &desired.workspace;
    let collected = CollectedWorkspace {
        id: &workspace.id,
        region: &workspace.region.as_deref().unwrap_or_default().into(),
        client,
        jobs_client: clients.jobs_client(&workspace.id),
        collectors: &workspace.collectors,
        poll: config.poll,
        requests_per_second: config.api.requests_per_second,
    };
    collected.targets(workspace.targets().iter().map(|target| target.namespace.as_str()))
}

/// The targets of one workspace that use the console API.
fn console_targets(
    desired: &DesiredWorkspace,
    clients: &ApiClients,
    config: &Config,
) -> Vec<(Arc<TargetId>, DesiredTarget)> {
    let workspace = &desired.workspace;
    let Some(console) = clients.console(&workspace.id) else { return Vec::new() };
    let target = |(name, enabled): (CollectorName, config::EnabledCollector)| {
        let (listings, interval, id) = (console.clone(), enabled.interval, workspace.id.clone());
        let query: Arc<dyn TargetQuery> = match (name, &desired.exported) {
            (workspaces::NAME, _) => Arc::new(WorkspaceTargetQuery { listings, workspace: id, interval }),
            (namespaces::NAME, ExportedNamespaces::Matching(filter)) => {
                let selection = filter.clone();
                Arc::new(NamespacesTargetQuery { listings, workspace: id, selection, interval })
            }
            (namespaces::NAME, ExportedNamespaces::Listed(names)) => {
                let selection = names.clone();
                Arc::new(NamespacesTargetQuery { listings, workspace: id, selection, interval })
            }
            _ => return None,
        };
        let id = TargetId {
            workspace: workspace.id.clone(),
            namespace: String::new(),
            collector: name,
            selection: String::new(),
        };
        let target = DesiredTarget {
            region: workspace.region.as_deref().unwrap_or_default().into(),
            query,
            settings: poll::Settings { interval, ..config.poll },
            requests_per_second: config.api_of_shard().console_requests_per_second,
        };
        Some((Arc::new(id), target))
    };
    workspace.collectors.iter().filter_map(target).collect()
}

fn info(desired: &DesiredWorkspace) -> WorkspaceInfo {
    let workspace = &desired.workspace;
    WorkspaceInfo {
        workspace: workspace.id.clone(),
        region: workspace.region.clone().unwrap_or_default(),
        endpoint: workspace.endpoint.as_str().trim_end_matches('/').to_owned(),
    }
}
