//! The API clients of polled workspaces and of discovered regions.
//!
//! A client with unchanged settings is kept across reloads and discoveries, with its connections and its rate
//! limiter.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::pending,
    sync::Arc,
};

use url::Url;

use super::{
    app_context::AppContext,
    console_clients::{ConsoleAccess, ConsoleClients},
    error::BuildError,
    missing_credentials::{CredentialsUsers, MissingCredentials},
};
use crate::{
    api::{self, AccountRateLimits, HttpClients, RateLimiter},
    config::{self, Config},
    console::{ConsoleListings, ListEditableNamespace, SharedListing},
    credentials::{self, ProvideCredentials},
    discovery::Listings,
    model::{ErrorClass, JOBS},
};

/// The API clients in use.
#[derive(Debug, Clone)]
pub(super) struct ApiClients {
    api: api::Settings,
    http: HttpClients,
    /// By workspace id.
    workspaces: BTreeMap<String, WorkspaceClient>,
    /// The workspaces whose counters are initialized.
    counted: BTreeSet<String>,
    /// One provider for each source of credentials.
    providers: Vec<Provider>,
    account_rates: AccountRateLimits,
    consoles: ConsoleClients,
    /// The listings of `ListEditableNamespace`.
    editables: Vec<EditableListing>,
    /// The credentials providers of discovery entries, by name.
    entries: BTreeMap<String, Arc<dyn ProvideCredentials>>,
}

type Provider = (Arc<credentials::ProviderConfig>, Arc<dyn ProvideCredentials>);

/// A client of a workspace, and the settings that it was built from.
#[derive(Debug, Clone)]
struct WorkspaceClient {
    client: Arc<api::Client>,
    endpoint: Url,
    credentials: Arc<credentials::ProviderConfig>,
    provider: Arc<dyn ProvideCredentials>,
    account_rate: Arc<RateLimiter>,
    /// The listings of its region, if a collector of the workspace uses them.
    console: Option<Arc<ConsoleListings>>,
    /// The client of the collector of jobs, if it is enabled.
    jobs: Option<JobsClient>,
}

/// The client of the collector of jobs, with its rate limit.
#[derive(Debug, Clone)]
struct JobsClient {
    client: Arc<api::Client>,
    requests_per_second: f64,
}

/// A listing of `ListEditableNamespace`, and the settings that it was built from.
#[derive(Debug, Clone)]
struct EditableListing {
    region: String,
    endpoint: Url,
    credentials: Arc<credentials::ProviderConfig>,
    listing: Arc<SharedListing<ListEditableNamespace>>,
}

/// The endpoints and credentials of a discovery entry.
#[derive(Debug, Clone, Copy)]
pub(super) struct EntryAccess<'a> {
    pub(super) name: &'a str,
    pub(super) region: &'a str,
    pub(super) endpoint: &'a Url,
    pub(super) console_endpoint: &'a Url,
    pub(super) credentials: &'a Arc<credentials::ProviderConfig>,
}

impl ApiClients {
    /// Creates the clients for `config`. Keeps those of `before` if the API settings are equal.
    pub(super) fn new(config: &Config, before: Option<&Self>) -> Self {
        // Clients with other limits are new clients.
        let api = config.api_of_shard();
        if let Some(same) = before.filter(|before| before.api == api) {
            return Self { entries: BTreeMap::new(), ..same.clone() };
        }
        Self {
            http: HttpClients::new(&api, &config.proxies),
            api,
            workspaces: BTreeMap::new(),
            counted: before.map(|before| before.counted.clone()).unwrap_or_default(),
            providers: before.map(|before| before.providers.clone()).unwrap_or_default(),
            account_rates: AccountRateLimits::default(),
            consoles: ConsoleClients::default(),
            editables: Vec::new(),
            entries: BTreeMap::new(),
        }
    }

    /// Adds clients for `workspaces`.
    ///
    /// # Errors
    ///
    /// [`BuildError::HttpClient`] if an HTTP client cannot be built.
    pub(super) fn add_workspaces<'w>(
        &mut self,
        workspaces: impl Iterator<Item = &'w config::Workspace>,
        context: &AppContext,
    ) -> Result<(), BuildError> {
        for workspace in workspaces {
            let made = self.workspace(workspace, context).map_err(BuildError::HttpClient)?;
            self.workspaces.insert(workspace.id.clone(), made);
        }
        Ok(())
    }

    /// Sets the workspaces that have a client.
    ///
    /// # Errors
    ///
    /// [`BuildError::HttpClient`] if an HTTP client cannot be built. Then the workspaces are unchanged.
    pub(super) fn set_workspaces<'w>(
        &mut self,
        workspaces: impl Iterator<Item = &'w config::Workspace>,
        context: &AppContext,
    ) -> Result<(), BuildError> {
        let mut clients = BTreeMap::new();
        for workspace in workspaces {
            let made = self.workspace(workspace, context).map_err(BuildError::HttpClient)?;
            made.client.shared_by(workspace.targets().len());
            clients.insert(workspace.id.clone(), made);
        }
        self.workspaces = clients;
        self.forget_unused();
        Ok(())
    }

    /// The client of a workspace.
    pub(super) fn workspace_client(&self, id: &str) -> Option<&Arc<api::Client>> {
        self.workspaces.get(id).map(|workspace| &workspace.client)
    }

    /// The client of a workspace's collector of jobs, if it is enabled.
    pub(super) fn jobs_client(&self, id: &str) -> Option<&Arc<api::Client>> {
        self.workspaces.get(id)?.jobs.as_ref().map(|jobs| &jobs.client)
    }

    /// The listings of a workspace's region, if a collector of the workspace uses them.
    pub(super) fn console(&self, id: &str) -> Option<&Arc<ConsoleListings>> {
        self.workspaces.get(id)?.console.as_ref()
    }

    /// The listings of a discovery entry.
    ///
    /// # Errors
    ///
    /// [`BuildError::HttpClient`] if an HTTP client cannot be built.
    pub(super) fn listings(
        &mut self,
        access: EntryAccess<'_>,
        context: &AppContext,
    ) -> Result<Listings, BuildError> {
        let EntryAccess { name, region, endpoint, console_endpoint, credentials } = access;
        let provider = self.provider(credentials, context);
        self.entries.insert(name.to_owned(), provider.clone());
        let console = self.add_console(region, console_endpoint, credentials, &provider, context);
        let console = console.map_err(BuildError::HttpClient)?;
        let editable = self.editable(region, endpoint, credentials, &provider, context);
        Ok(Listings { console, editable: editable.map_err(BuildError::HttpClient)? })
    }

    /// Initializes the counters of new workspaces, and removes the series of removed ones.
    pub(super) fn update_telemetry(&mut self, context: &AppContext) {
        for id in self.counted.iter().filter(|id| !self.workspaces.contains_key(*id)) {
            context.telemetry.remove_workspace(id);
        }
        let retry_reasons = api::RETRY_REASONS.map(ErrorClass::as_str);
        for (id, workspace) in &self.workspaces {
            let provider = Arc::downgrade(&workspace.provider);
            let expiry = Box::new(move || provider.upgrade()?.expiry());
            context.telemetry.init_workspace(id, &retry_reasons, expiry);
        }
        self.counted = self.workspaces.keys().cloned().collect();
    }

    /// See [`super::App::missing_credentials`].
    pub(super) fn missing_credentials(&self) -> impl Future<Output = MissingCredentials> + Send + use<> {
        let workspaces =
            self.workspaces.iter().map(|(id, workspace)| (&workspace.provider, id.clone(), None));
        let entries =
            self.entries.iter().map(|(name, provider)| (provider, String::new(), Some(name.clone())));
        let mut users: Vec<(Arc<dyn ProvideCredentials>, CredentialsUsers)> = Vec::new();
        for (provider, workspace, entry) in workspaces.chain(entries) {
            let index = users.iter().position(|(known, _)| Arc::ptr_eq(known, provider));
            let index = index.unwrap_or_else(|| {
                users.push((provider.clone(), CredentialsUsers::default()));
                users.len() - 1
            });
            if let Some((_, users)) = users.get_mut(index) {
                match entry {
                    Some(entry) => users.entries.push(entry),
                    None => users.workspaces.push(workspace),
                }
            }
        }
        async move {
            let attempts = users
                .into_iter()
                .map(async |(provider, users)| (provider.credentials().await.map(drop), users));
            let results = futures_util::future::join_all(attempts).await;
            match MissingCredentials::new(results) {
                Some(missing) => missing,
                None => pending().await,
            }
        }
    }

    /// Returns the provider of `source`, and creates it if necessary.
    fn provider(
        &mut self,
        source: &Arc<credentials::ProviderConfig>,
        context: &AppContext,
    ) -> Arc<dyn ProvideCredentials> {
        if let Some((_, provider)) = self.providers.iter().find(|(known, _)| known == source) {
            return provider.clone();
        }
        let provider = context.credentials.provider(source);
        self.providers.push((source.clone(), provider.clone()));
        provider
    }

    /// The rate limiter that all clients with this region and these credentials share.
    fn account_rate(
        &mut self,
        region: &str,
        credentials: &Arc<credentials::ProviderConfig>,
    ) -> Arc<RateLimiter> {
        self.account_rates.limiter(region, credentials, self.api.account_requests_per_second)
    }

    fn workspace(
        &mut self,
        workspace: &config::Workspace,
        context: &AppContext,
    ) -> Result<WorkspaceClient, reqwest::Error> {
        let config::Workspace { id, region, endpoint, credentials, .. } = workspace;
        let provider = self.provider(credentials, context);
        let account_rate = self.account_rate(region.as_deref().unwrap_or(endpoint.as_str()), credentials);
        let console = match console(workspace) {
            Some((region, endpoint)) => {
                Some(self.add_console(region, endpoint, credentials, &provider, context)?)
            }
            None => None,
        };
        let same = |known: &&WorkspaceClient| {
            known.endpoint == *endpoint
                && known.credentials == *credentials
                && Arc::ptr_eq(&known.account_rate, &account_rate)
        };
        if let Some(known) = self.workspaces.get(id).filter(same) {
            let jobs = jobs_client(workspace, &known.client, known.jobs.as_ref());
            return Ok(WorkspaceClient { console, jobs, ..known.clone() });
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
            context.telemetry.api(id),
            context.progress.clone(),
            context.clock,
        );
        let client = Arc::new(client);
        Ok(WorkspaceClient {
            jobs: jobs_client(workspace, &client, None),
            client,
            endpoint: endpoint.clone(),
            credentials: credentials.clone(),
            provider,
            account_rate,
            console,
        })
    }

    fn add_console(
        &mut self,
        region: &str,
        endpoint: &Url,
        credentials: &Arc<credentials::ProviderConfig>,
        provider: &Arc<dyn ProvideCredentials>,
        context: &AppContext,
    ) -> Result<Arc<ConsoleListings>, reqwest::Error> {
        let access = ConsoleAccess { region, endpoint, credentials, provider };
        self.consoles.add(&access, &self.http, &self.api, context)
    }

    fn editable(
        &mut self,
        region: &str,
        endpoint: &Url,
        credentials: &Arc<credentials::ProviderConfig>,
        provider: &Arc<dyn ProvideCredentials>,
        context: &AppContext,
    ) -> Result<Arc<SharedListing<ListEditableNamespace>>, reqwest::Error> {
        let same = |known: &&EditableListing| {
            known.region == region && known.endpoint == *endpoint && known.credentials == *credentials
        };
        if let Some(known) = self.editables.iter().find(same) {
            return Ok(known.listing.clone());
        }
        let access = api::Region {
            endpoint: api::Endpoint::new(endpoint),
            credentials: provider.clone(),
            rate: self.account_rate(region, credentials),
        };
        let client = api::Client::for_region(
            access,
            self.http.client_for(endpoint)?,
            self.api.clone(),
            context.telemetry.api(""),
            context.progress.clone(),
            context.clock,
        );
        let operation = ListEditableNamespace { region: region.to_owned() };
        let listing = Arc::new(SharedListing::new(Arc::new(client), operation, context.telemetry.clone()));
        self.editables.push(EditableListing {
            region: region.to_owned(),
            endpoint: endpoint.clone(),
            credentials: credentials.clone(),
            listing: listing.clone(),
        });
        Ok(listing)
    }

    /// Removes providers and listings that nothing else uses.
    fn forget_unused(&mut self) {
        self.consoles.forget_unused();
        self.editables.retain(|known| Arc::strong_count(&known.listing) > 1);
        self.account_rates.forget_unused();
        self.providers.retain(|(_, provider)| Arc::strong_count(provider) > 1);
    }
}

/// The client of a workspace's collector of jobs. Returns `known` if its rate is unchanged.
fn jobs_client(
    workspace: &config::Workspace,
    client: &api::Client,
    known: Option<&JobsClient>,
) -> Option<JobsClient> {
    let rate = workspace.collectors.get(JOBS)?.jobs?.requests_per_second;
    if let Some(known) = known.filter(|known| known.requests_per_second.total_cmp(&rate).is_eq()) {
        return Some(known.clone());
    }
    let client = client.with_collector_rate(Arc::new(RateLimiter::new(rate)));
    Some(JobsClient { client: Arc::new(client), requests_per_second: rate })
}

/// The region and the endpoint of the console API, if a collector of the workspace uses it.
fn console(workspace: &config::Workspace) -> Option<(&str, &Url)> {
    workspace.collectors.iter().next()?;
    Some((workspace.region.as_deref()?, workspace.console_endpoint.as_ref()?))
}
