//! HTTP clients that workspaces share.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use outbound_http::{Proxies, Resolver, Route, is_loopback};
use reqwest::Client;
use url::Url;

use super::Settings;
use crate::application::USER_AGENT;

/// How an endpoint is reached.
#[derive(Debug, Clone, Copy)]
enum Transport {
    /// On this machine, without TLS: needs neither a proxy nor certificate authorities.
    LoopbackHttp,
    /// On this machine, with TLS: no proxy.
    LoopbackHttps,
    /// Through the proxy of the environment, if it has one.
    Proxied,
}

/// HTTP clients, built when they are first needed, because that reads the machine's certificate authorities. Timeouts
/// are set for each request.
#[derive(Debug, Clone)]
pub struct HttpClients {
    settings: Settings,
    proxies: Proxies,
    resolver: Arc<Resolver>,
    clients: [OnceLock<Client>; 3],
}

impl HttpClients {
    /// Clients for requests limited by `settings`, which use `proxies`.
    pub fn new(settings: &Settings, proxies: &Proxies) -> Self {
        Self {
            settings: settings.clone(),
            proxies: proxies.clone(),
            resolver: Arc::default(),
            clients: Default::default(),
        }
    }

    /// How requests to `endpoint` are sent.
    pub fn route(&self, endpoint: &Url) -> Route {
        self.proxies.route(endpoint)
    }

    /// What resolves the names of endpoints and proxies.
    pub fn resolver(&self) -> &Arc<Resolver> {
        &self.resolver
    }

    /// The client for requests to `endpoint`.
    pub fn client_for(&self, endpoint: &Url) -> Result<Client, reqwest::Error> {
        let transport = match (is_loopback(endpoint), endpoint.scheme()) {
            (true, "http") => Transport::LoopbackHttp,
            (true, _) => Transport::LoopbackHttps,
            (false, _) => Transport::Proxied,
        };
        if let Some(client) = self.clients[transport as usize].get() {
            return Ok(client.clone());
        }
        let client = self.build(transport)?;
        Ok(self.clients[transport as usize].get_or_init(|| client).clone())
    }

    fn build(&self, transport: Transport) -> Result<Client, reqwest::Error> {
        let builder = outbound_http::builder(USER_AGENT, self.resolver.clone());
        let builder = match transport {
            Transport::LoopbackHttp => builder.no_proxy().tls_certs_only([]),
            Transport::LoopbackHttps => builder.no_proxy(),
            Transport::Proxied => self.proxies.apply(builder),
        };
        builder
            .pool_max_idle_per_host(self.settings.max_concurrent_requests)
            .tcp_keepalive(Duration::from_secs(60))
            .build()
    }
}
