//! The clients of HTTP that workspaces share.

use std::{sync::OnceLock, time::Duration};

use reqwest::Client;
use url::Url;

use super::Settings;
use crate::endpoint::is_loopback;

/// What a client may need beside HTTP itself.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// To this machine, without TLS: neither a proxy nor authorities.
    Plain,
    /// To this machine, with TLS: no proxy.
    Direct,
    /// By the proxy that the environment names.
    Out,
}

/// Clients whose limits are set here, and their time-outs with each request. Each is made once it is needed: that
/// reads the machine's authorities.
#[derive(Debug, Clone)]
pub struct HttpClients {
    settings: Settings,
    made: [OnceLock<Client>; 3],
}

impl HttpClients {
    /// Clients for requests limited by `settings`.
    pub fn new(settings: &Settings) -> Self {
        Self { settings: settings.clone(), made: Default::default() }
    }

    /// The client for requests to `endpoint`.
    pub fn client_for(&self, endpoint: &Url) -> Result<Client, reqwest::Error> {
        let way = match (is_loopback(endpoint), endpoint.scheme()) {
            (true, "http") => Way::Plain,
            (true, _) => Way::Direct,
            (false, _) => Way::Out,
        };
        if let Some(client) = self.made[way as usize].get() {
            return Ok(client.clone());
        }
        let client = self.make(way)?;
        Ok(self.made[way as usize].get_or_init(|| client).clone())
    }

    fn make(&self, way: Way) -> Result<Client, reqwest::Error> {
        let builder = Client::builder();
        let builder = match way {
            Way::Plain => builder.no_proxy().tls_certs_only([]),
            Way::Direct => builder.no_proxy(),
            Way::Out => builder,
        };
        builder
            .user_agent(concat!("aliyun-flink-exporter/", env!("CARGO_PKG_VERSION")))
            // A signed request must reach no one but its addressee.
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .pool_max_idle_per_host(self.settings.max_concurrent_requests)
            .tcp_keepalive(Duration::from_secs(60))
            .build()
    }
}
