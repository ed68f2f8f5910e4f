//! The shared context of all checks.

use std::sync::Arc;

use parking_lot::Mutex;
use url::Url;

use super::Check;
use crate::{
    api::{self, HttpClients, ListingProgress, RateLimiter},
    clock::Clock,
    config::Config,
    console::ConsoleListings,
    credentials::{self, ProvideCredentials},
    telemetry::Telemetry,
};

type Provider = (Arc<credentials::ProviderConfig>, Arc<dyn ProvideCredentials>);

/// The configuration and the clients.
pub(super) struct Doctor<'a> {
    pub(super) config: &'a Config,
    pub(super) settings: api::Settings,
    pub(super) telemetry: Telemetry,
    pub(super) clients: HttpClients,
    pub(super) progress: Arc<ListingProgress>,
    pub(super) clock: Clock,
    /// One rate limiter for all workspaces.
    pub(super) account_rate: Arc<RateLimiter>,
    pub(super) context: Arc<credentials::ProviderContext>,
    /// One provider for each source of credentials.
    pub(super) providers: Mutex<Vec<Provider>>,
    pub(super) consoles: Mutex<Vec<Console>>,
}

/// The listings of a region, and their settings.
pub(super) struct Console {
    pub(super) region: String,
    pub(super) endpoint: Url,
    pub(super) credentials: Arc<credentials::ProviderConfig>,
    pub(super) listings: Arc<ConsoleListings>,
}

impl Doctor<'_> {
    pub(super) fn provider(&self, source: &Arc<credentials::ProviderConfig>) -> Arc<dyn ProvideCredentials> {
        let mut providers = self.providers.lock();
        if let Some((_, provider)) = providers.iter().find(|(known, _)| known == source) {
            return provider.clone();
        }
        let provider = self.context.provider(source);
        providers.push((source.clone(), provider.clone()));
        provider
    }

    pub(super) async fn credentials(&self, provider: &Arc<dyn ProvideCredentials>) -> Check {
        match provider.credentials().await {
            Ok(_) => Check::ok("credentials", self.origin(provider.as_ref())),
            Err(error) => {
                Check::failed("credentials", error.to_string(), "docs/credentials says how to give some")
            }
        }
    }

    fn origin(&self, provider: &dyn ProvideCredentials) -> String {
        let origin = provider.origin().unwrap_or_default();
        let Some(expiry) = provider.expiry() else { return format!("from {origin}") };
        let left = expiry.saturating_sub(self.clock.since_epoch()).as_secs() / 60;
        format!("from {origin}, valid for {left} minutes more")
    }
}
