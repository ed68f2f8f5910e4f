//! What a configuration asks for: the clients and targets, those of before kept where nothing changed for them.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use tokio::time::Instant;

use super::BuildError;
use crate::{
    api::{self, HttpClients, Progress},
    clock::Clock,
    collectors::deployments::DeploymentsQuery,
    config::{self, Config},
    credentials::{self, ProvideCredentials},
    exposition::targets::WorkspaceInfo,
    model::{ErrorClass, LabelKeys},
    poll::{Memory, Schedule, Target},
    snapshot::{Board, TargetId},
    telemetry::Telemetry,
};

/// What lives as long as the process.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) board: Arc<Board>,
    pub(super) telemetry: Telemetry,
    pub(super) progress: Arc<Progress>,
    pub(super) credentials: Arc<credentials::Context>,
    pub(super) clock: Clock,
}

/// What a configuration asks for.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) targets: BTreeMap<TargetId, Arc<Target>>,
    pub(super) infos: Vec<WorkspaceInfo>,
    pub(super) label_keys: LabelKeys,
    api: api::Settings,
    http: HttpClients,
    clients: HashMap<String, PlannedClient>,
    /// One for each source, whichever workspaces take it.
    providers: Vec<Provider>,
}

type Provider = (Arc<credentials::Source>, Arc<dyn ProvideCredentials>);

/// A workspace's client, and what it was made from.
#[derive(Debug, Clone)]
struct PlannedClient {
    client: Arc<api::Client>,
    endpoint: url::Url,
    credentials: Arc<credentials::Source>,
    provider: Arc<dyn ProvideCredentials>,
}

impl Plan {
    /// The plan for `config`, which fails as a whole or not at all.
    pub(super) fn new(config: &Config, parts: &Parts, before: Option<&Self>) -> Result<Self, BuildError> {
        let known_providers = before.map_or(&[][..], |before| &before.providers);
        // Other limits are another client's.
        let before = before.filter(|before| before.api == config.api);
        let http = before.map_or_else(|| HttpClients::new(&config.api), |before| before.http.clone());
        let mut plan = Self {
            targets: BTreeMap::new(),
            infos: config.workspaces.iter().map(info).collect(),
            label_keys: config.metrics.labels.clone(),
            api: config.api.clone(),
            http,
            clients: HashMap::new(),
            providers: Vec::new(),
        };
        for workspace in &config.workspaces {
            let known = before.and_then(|before| before.clients.get(&workspace.id));
            let provider = plan.provider(&workspace.credentials, known_providers, parts);
            let planned = plan.client(workspace, provider, parts, known).map_err(BuildError::HttpClient)?;
            plan.add_targets(workspace, config, &planned.client, parts, before);
            plan.clients.insert(workspace.id.clone(), planned);
        }
        Ok(plan)
    }

    /// Makes the plan the one that is counted by, in place of `before`.
    pub(super) fn put_in_force(&self, parts: &Parts, before: Option<&Self>) {
        let namespaces = |plan: &Self| -> BTreeSet<(String, String)> {
            plan.targets.keys().map(|id| (id.workspace.clone(), id.namespace.clone())).collect()
        };
        let known = before.iter().flat_map(|before| before.clients.keys());
        for workspace in known.filter(|workspace| !self.clients.contains_key(*workspace)) {
            parts.telemetry.remove_workspace(workspace);
        }
        let now = namespaces(self);
        for (workspace, namespace) in before.map(namespaces).unwrap_or_default().difference(&now) {
            parts.telemetry.remove_namespace(workspace, namespace);
        }
        for (workspace, namespace) in &now {
            parts.telemetry.init_namespace(workspace, namespace);
        }
        for (id, planned) in &self.clients {
            planned.client.shared_by(self.targets.keys().filter(|target| target.workspace == *id).count());
            let provider = Arc::downgrade(&planned.provider);
            let expiry = Box::new(move || provider.upgrade()?.expiry());
            parts.telemetry.init_workspace(id, &api::RETRY_REASONS.map(ErrorClass::as_str), expiry);
        }
    }

    /// Looks for every workspace's credentials. An error if one has none by what is configured on this machine; a
    /// service that does not answer just now may do so later.
    pub(super) async fn find_credentials(&self) -> Result<(), BuildError> {
        let found = self.clients.iter().map(async |(id, planned)| (id, planned.provider.credentials().await));
        for (id, found) in futures_util::future::join_all(found).await {
            if let Err(source) = found
                && source.is_missing()
            {
                return Err(BuildError::Credentials { workspace: id.clone(), source });
            }
        }
        Ok(())
    }

    /// What gives `source`'s credentials: the one there is already, if any.
    fn provider(
        &mut self,
        source: &Arc<credentials::Source>,
        before: &[Provider],
        parts: &Parts,
    ) -> Arc<dyn ProvideCredentials> {
        if let Some((_, provider)) = self.providers.iter().find(|(known, _)| known == source) {
            return provider.clone();
        }
        let known = before.iter().find(|(known, _)| known == source);
        let provider = known.map_or_else(|| parts.credentials.provider(source), |(_, known)| known.clone());
        self.providers.push((source.clone(), provider.clone()));
        provider
    }

    fn client(
        &self,
        workspace: &config::Workspace,
        provider: Arc<dyn ProvideCredentials>,
        parts: &Parts,
        known: Option<&PlannedClient>,
    ) -> Result<PlannedClient, reqwest::Error> {
        let config::Workspace { id, endpoint, credentials, .. } = workspace;
        let same = |known: &&PlannedClient| known.endpoint == *endpoint && known.credentials == *credentials;
        if let Some(known) = known.filter(same) {
            return Ok(known.clone());
        }
        let client = api::Client::new(
            api::Workspace {
                id: id.clone(),
                endpoint: api::Endpoint::new(endpoint),
                credentials: provider.clone(),
            },
            self.http.client_for(endpoint)?,
            self.api.clone(),
            parts.telemetry.api(id),
            parts.progress.clone(),
            parts.clock,
        );
        Ok(PlannedClient {
            client: Arc::new(client),
            endpoint: endpoint.clone(),
            credentials: credentials.clone(),
            provider,
        })
    }

    fn add_targets(
        &mut self,
        workspace: &config::Workspace,
        config: &Config,
        client: &Arc<api::Client>,
        parts: &Parts,
        before: Option<&Self>,
    ) {
        let fields = Arc::new(config.metrics.clone());
        let (start, count) = (Instant::now(), workspace.targets.len());
        for (index, target) in workspace.targets.iter().enumerate() {
            let rate = config.api.requests_per_second;
            let id = TargetId::new(&workspace.id, &target.namespace, &target.selection);
            let planned = Target {
                id: id.clone(),
                request: DeploymentsQuery {
                    namespace: target.namespace.clone(),
                    selection: target.selection.clone(),
                    operation: target.operation,
                    fields: fields.clone(),
                },
                client: client.clone(),
                settings: target.poll,
                schedule: Schedule::new(start, target.poll.interval, index, count, rate),
                board: parts.board.clone(),
                telemetry: parts.telemetry.clone(),
                memory: Memory::default(),
            };
            let known = before.and_then(|before| before.targets.get(&id));
            let kept = known.filter(|known| known.is_like(&planned)).cloned();
            self.targets.insert(id, kept.unwrap_or_else(|| Arc::new(planned)));
        }
    }
}

fn info(workspace: &config::Workspace) -> WorkspaceInfo {
    WorkspaceInfo {
        workspace: workspace.id.clone(),
        region: workspace.region.clone().unwrap_or_default(),
        endpoint: workspace.endpoint.as_str().trim_end_matches('/').to_owned(),
    }
}
