//! The polled workspaces: their API clients and credentials, and the targets that the configuration wants in them.
//!
//! A workspace whose settings did not change keeps its client across a reload, and with it its connections and its
//! place under the request rate.

use std::{collections::BTreeMap, future::pending, sync::Arc};

use super::{
    console::{ConsoleAccess, Consoles},
    error::{BuildError, MissingCredentials},
    shared::Shared,
};
use crate::{
    api::{self, HttpClients, RateLimiter},
    collectors::{
        Query, RenderConfig,
        deployments::{DeploymentsQuery, DeploymentsTarget},
        namespaces::{self, NamespacesTarget},
        workspaces::{self, WorkspaceTarget},
    },
    config::{self, Config},
    credentials::{self, ProvideCredentials},
    exposition::targets::WorkspaceInfo,
    model::{CollectorName, ErrorClass, FieldSelection, TargetId},
    poll,
    targets::{Target, TargetSet},
};

/// Every workspace with a client, by its id.
#[derive(Debug)]
pub(super) struct Workspaces {
    api: api::Settings,
    http: HttpClients,
    by_id: BTreeMap<String, Workspace>,
    /// One provider for each source, whichever workspaces use it.
    providers: Vec<Provider>,
    /// One rate for each region and source of credentials.
    account_rates: Vec<AccountRate>,
    consoles: Consoles,
}

type Provider = (Arc<credentials::Source>, Arc<dyn ProvideCredentials>);

/// The rate of all requests with the same region and credentials.
#[derive(Debug, Clone)]
struct AccountRate {
    /// The region; its endpoint, if the region is not known.
    region: String,
    credentials: Arc<credentials::Source>,
    limiter: Arc<RateLimiter>,
}

/// A workspace's client, and what it was made from.
#[derive(Debug, Clone)]
struct Workspace {
    client: Arc<api::Client>,
    endpoint: url::Url,
    credentials: Arc<credentials::Source>,
    provider: Arc<dyn ProvideCredentials>,
    account_rate: Arc<RateLimiter>,
}

impl Workspaces {
    /// The workspaces of `config`; what is equal in `before` is kept.
    ///
    /// # Errors
    ///
    /// If an HTTP client can't be made. Nothing has changed then.
    pub(super) fn new(config: &Config, shared: &Shared, before: Option<&Self>) -> Result<Self, BuildError> {
        let known_providers = before.map_or(&[][..], |before| &before.providers);
        // A client with other limits is another client.
        let before = before.filter(|before| before.api == config.api);
        let http = before
            .map_or_else(|| HttpClients::new(&config.api, &config.proxies), |before| before.http.clone());
        let mut all = Self {
            api: config.api.clone(),
            http,
            by_id: BTreeMap::new(),
            providers: Vec::new(),
            account_rates: Vec::new(),
            consoles: Consoles::default(),
        };
        for workspace in &config.workspaces {
            let known = before.and_then(|before| before.by_id.get(&workspace.id));
            let provider = all.provider(&workspace.credentials, known_providers, shared);
            let known_rates = before.map_or(&[][..], |before| &before.account_rates);
            let rate = all.account_rate(workspace, known_rates);
            let made =
                all.workspace(workspace, provider, rate, shared, known).map_err(BuildError::HttpClient)?;
            made.client.shared_by(workspace.targets().len());
            if let Some((region, endpoint)) = console(workspace) {
                let access = ConsoleAccess {
                    region,
                    endpoint,
                    credentials: &workspace.credentials,
                    provider: &made.provider,
                };
                let known = before.map(|before| &before.consoles);
                let added = all.consoles.add(&access, known, &all.http, &all.api, shared);
                added.map_err(BuildError::HttpClient)?;
            }
            all.by_id.insert(workspace.id.clone(), made);
        }
        Ok(all)
    }

    /// The targets of `config`, whose workspaces these are.
    pub(super) fn targets(&self, config: &Config) -> TargetSet {
        let fields = Arc::new(config.metrics.clone());
        let targets = config.workspaces.iter().flat_map(|workspace| {
            let client = self.by_id.get(&workspace.id).map(|known| &known.client);
            let deployments =
                client.into_iter().flat_map(|client| targets(workspace, client, &fields, config));
            deployments.chain(self.console_targets(workspace, config))
        });
        TargetSet {
            targets: targets.collect(),
            workspaces: config.workspaces.iter().map(info).collect(),
            render: RenderConfig {
                label_keys: config.metrics.labels.clone(),
                workspace_tags: config.workspace_tags.clone(),
            },
            first_value_hold: config.metrics.jobs.then_some(config.first_value_hold),
        }
    }

    /// The targets of one workspace that the console's API answers.
    fn console_targets(
        &self,
        workspace: &config::Workspace,
        config: &Config,
    ) -> Vec<(Arc<TargetId>, Target)> {
        let Some((region, endpoint)) = console(workspace) else { return Vec::new() };
        let Some(listings) = self.consoles.get(region, endpoint, &workspace.credentials) else {
            return Vec::new();
        };
        let target = |(name, enabled): (CollectorName, config::EnabledCollector)| {
            let (listings, interval, id) = (listings.clone(), enabled.interval, workspace.id.clone());
            let query: Arc<dyn Query> = match name {
                workspaces::NAME => Arc::new(WorkspaceTarget { listings, workspace: id, interval }),
                namespaces::NAME => {
                    let listed = workspace.targets().iter().map(|target| target.namespace.clone());
                    let selection: Vec<String> = listed.collect();
                    Arc::new(NamespacesTarget { listings, workspace: id, selection, interval })
                }
                _ => return None,
            };
            let id = TargetId {
                workspace: workspace.id.clone(),
                namespace: String::new(),
                collector: name,
                selection: String::new(),
            };
            let target = Target {
                region: region.into(),
                query,
                settings: poll::Settings { interval, ..config.poll },
                requests_per_second: config.api.console_requests_per_second,
            };
            Some((Arc::new(id), target))
        };
        workspace.collectors.iter().filter_map(target).collect()
    }

    /// Starts the counters of the workspaces that `before` lacks, and removes the series of those that only `before`
    /// has.
    pub(super) fn update_telemetry(&self, shared: &Shared, before: Option<&Self>) {
        let gone = before.into_iter().flat_map(|before| before.by_id.keys());
        for id in gone.filter(|id| !self.by_id.contains_key(*id)) {
            shared.telemetry.remove_workspace(id);
        }
        let retry_reasons = api::RETRY_REASONS.map(ErrorClass::as_str);
        for (id, workspace) in &self.by_id {
            let provider = Arc::downgrade(&workspace.provider);
            let expiry = Box::new(move || provider.upgrade()?.expiry());
            shared.telemetry.init_workspace(id, &retry_reasons, expiry);
        }
    }

    /// See [`super::App::missing_credentials`].
    pub(super) fn missing_credentials(&self) -> impl Future<Output = MissingCredentials> + Send + use<> {
        let mut users: Vec<(Arc<dyn ProvideCredentials>, Vec<String>)> = Vec::new();
        for (id, workspace) in &self.by_id {
            let provider = &workspace.provider;
            match users.iter_mut().find(|(known, _)| Arc::ptr_eq(known, provider)) {
                Some((_, workspaces)) => workspaces.push(id.clone()),
                None => users.push((provider.clone(), vec![id.clone()])),
            }
        }
        async move {
            let attempts = users
                .into_iter()
                .map(async |(provider, workspaces)| (provider.credentials().await.map(drop), workspaces));
            let results = futures_util::future::join_all(attempts).await;
            match MissingCredentials::new(results) {
                Some(missing) => missing,
                None => pending().await,
            }
        }
    }

    /// The provider of `source`: the one there is already, if any.
    fn provider(
        &mut self,
        source: &Arc<credentials::Source>,
        before: &[Provider],
        shared: &Shared,
    ) -> Arc<dyn ProvideCredentials> {
        if let Some((_, provider)) = self.providers.iter().find(|(known, _)| known == source) {
            return provider.clone();
        }
        let known = before.iter().find(|(known, _)| known == source);
        let provider = known.map_or_else(|| shared.credentials.provider(source), |(_, known)| known.clone());
        self.providers.push((source.clone(), provider.clone()));
        provider
    }

    /// The rate that `workspace` shares: the one there is already, if any.
    fn account_rate(&mut self, workspace: &config::Workspace, before: &[AccountRate]) -> Arc<RateLimiter> {
        let region = workspace.region.as_deref().unwrap_or(workspace.endpoint.as_str());
        let same = |rate: &&AccountRate| rate.region == region && rate.credentials == workspace.credentials;
        if let Some(rate) = self.account_rates.iter().find(same) {
            return rate.limiter.clone();
        }
        let rate = before.iter().find(same).cloned().unwrap_or_else(|| AccountRate {
            region: region.to_owned(),
            credentials: workspace.credentials.clone(),
            limiter: Arc::new(RateLimiter::new(self.api.account_requests_per_second)),
        });
        self.account_rates.push(rate.clone());
        rate.limiter
    }

    fn workspace(
        &self,
        workspace: &config::Workspace,
        provider: Arc<dyn ProvideCredentials>,
        account_rate: Arc<RateLimiter>,
        shared: &Shared,
        known: Option<&Workspace>,
    ) -> Result<Workspace, reqwest::Error> {
        let config::Workspace { id, endpoint, credentials, .. } = workspace;
        let same = |known: &&Workspace| {
            known.endpoint == *endpoint
                && known.credentials == *credentials
                && Arc::ptr_eq(&known.account_rate, &account_rate)
        };
        if let Some(known) = known.filter(same) {
            return Ok(known.clone());
        }
        let client = api::Client::new(
            api::Workspace {
                id: id.clone(),
                endpoint: api::Endpoint::new(endpoint),
                credentials: provider.clone(),
                account_rate: account_rate.clone(),
            },
            self.http.client_for(endpoint)?,
            self.api.clone(),
            shared.telemetry.api(id),
            shared.progress.clone(),
            shared.clock,
        );
        Ok(Workspace {
            client: Arc::new(client),
            endpoint: endpoint.clone(),
            credentials: credentials.clone(),
            provider,
            account_rate,
        })
    }
}

/// The region and the endpoint of the console's API, if a collector of the workspace uses it.
fn console(workspace: &config::Workspace) -> Option<(&str, &url::Url)> {
    workspace.collectors.iter().next()?;
    Some((workspace.region.as_deref()?, workspace.console_endpoint.as_ref()?))
}

/// The targets of one workspace.
fn targets(
    workspace: &config::Workspace,
    client: &Arc<api::Client>,
    fields: &Arc<FieldSelection>,
    config: &Config,
) -> Vec<(Arc<TargetId>, Target)> {
    let region: Arc<str> = workspace.region.as_deref().unwrap_or_default().into();
    let target = |target: &config::Target| {
        let query = DeploymentsQuery {
            namespace: target.namespace.clone(),
            selection: target.selection.clone(),
            operation: target.operation,
            fields: fields.clone(),
        };
        let query = DeploymentsTarget { client: client.clone(), query };
        let id = TargetId {
            workspace: workspace.id.clone(),
            namespace: target.namespace.clone(),
            collector: query.collector().name(),
            selection: target.selection.to_string(),
        };
        let target = Target {
            region: region.clone(),
            query: Arc::new(query),
            settings: target.poll,
            requests_per_second: config.api.requests_per_second,
        };
        (Arc::new(id), target)
    };
    workspace.targets().iter().map(target).collect()
}

fn info(workspace: &config::Workspace) -> WorkspaceInfo {
    WorkspaceInfo {
        workspace: workspace.id.clone(),
        region: workspace.region.clone().unwrap_or_default(),
        endpoint: workspace.endpoint.as_str().trim_end_matches('/').to_owned(),
    }
}
