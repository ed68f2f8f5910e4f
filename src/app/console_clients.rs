//! Clients and listings of the console API: one for each region, endpoint and source of credentials.

use std::sync::Arc;

use url::Url;

use super::app_context::AppContext;
use crate::{
    api::{self, HttpClients, RateLimiter},
    console::ConsoleListings,
    credentials::{self, ProvideCredentials},
};

/// The address and the credentials of a console API.
#[derive(Debug, Clone)]
pub(super) struct ConsoleAccess<'a> {
    pub(super) region: &'a str,
    pub(super) endpoint: &'a Url,
    pub(super) credentials: &'a Arc<credentials::ProviderConfig>,
    pub(super) provider: &'a Arc<dyn ProvideCredentials>,
}

/// The clients in use.
#[derive(Debug, Clone, Default)]
pub(super) struct ConsoleClients(Vec<ConsoleClient>);

#[derive(Debug, Clone)]
struct ConsoleClient {
    region: String,
    endpoint: Url,
    credentials: Arc<credentials::ProviderConfig>,
    /// Shared by all endpoints with the same region and credentials.
    rate: Arc<RateLimiter>,
    listings: Arc<ConsoleListings>,
}

impl ConsoleClients {
    /// Returns the listings of `access`, and creates them if necessary.
    pub(super) fn add(
        &mut self,
        access: &ConsoleAccess<'_>,
        http: &HttpClients,
        settings: &api::Settings,
        context: &AppContext,
    ) -> Result<Arc<ConsoleListings>, reqwest::Error> {
        let ConsoleAccess { region, endpoint, credentials, provider } = access;
        if let Some(known) = self.find(region, endpoint, credentials) {
            return Ok(known.listings.clone());
        }
        let same_account =
            |console: &&ConsoleClient| console.region == *region && console.credentials == **credentials;
        let rate = self.0.iter().find(same_account).map_or_else(
            || Arc::new(RateLimiter::new(settings.console_requests_per_second)),
            |console| console.rate.clone(),
        );
        let client = api::Client::for_region(
            api::Region {
                endpoint: api::Endpoint::new(endpoint),
                credentials: (*provider).clone(),
                rate: rate.clone(),
            },
            http.client_for(endpoint)?,
            settings.clone(),
            context.telemetry.api(""),
            context.progress.clone(),
            context.clock,
        );
        let listings = Arc::new(ConsoleListings::new(region, Arc::new(client), context.telemetry.clone()));
        self.0.push(ConsoleClient {
            region: (*region).to_owned(),
            endpoint: (*endpoint).clone(),
            credentials: (*credentials).clone(),
            rate,
            listings: listings.clone(),
        });
        Ok(listings)
    }

    /// Removes clients that nothing else uses.
    pub(super) fn forget_unused(&mut self) {
        self.0.retain(|known| Arc::strong_count(&known.listings) > 1);
    }

    fn find(
        &self,
        region: &str,
        endpoint: &Url,
        credentials: &credentials::ProviderConfig,
    ) -> Option<&ConsoleClient> {
        self.0.iter().find(|console| {
            console.region == region && console.endpoint == *endpoint && *console.credentials == *credentials
        })
    }
}
