//! Test support: the simulated API and a client.

use std::{sync::Arc, time::Duration};

use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use url::Url;

use super::ConsoleListings;
use crate::{
    api::{Client, Endpoint, HttpClients, ListingProgress, RateLimiter, Region, Settings},
    clock::Clock,
    credentials::{Credentials, Static},
    simulator::{self, Operation, Simulator},
    telemetry::Telemetry,
};

pub(crate) const HOUR: Duration = Duration::from_secs(3600);
pub(crate) const TIMEOUT: Duration = Duration::from_secs(60);

pub(crate) struct Api {
    pub(crate) simulator: Arc<Simulator>,
    pub(crate) telemetry: Telemetry,
    pub(crate) client: Arc<Client>,
    _serving: DropGuard,
}

impl Api {
    pub(crate) async fn start(settings: simulator::Settings) -> Self {
        let simulator = Arc::new(Simulator::new(settings, Clock::System));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let shutdown = CancellationToken::new();
        tokio::spawn(simulator.clone().serve(listener, shutdown.clone()));
        let telemetry = Telemetry::new().unwrap();
        let settings = Settings { max_retries: 0, ..Settings::default() };
        let credentials = Credentials {
            access_key_id: "the-id".into(),
            access_key_secret: "the-secret".into(),
            security_token: None,
        };
        let region = Region {
            endpoint: Endpoint::new(&url),
            credentials: Arc::new(Static::new(credentials)),
            rate: Arc::new(RateLimiter::new(1000.0)),
        };
        let http = HttpClients::new(&settings, &outbound_http::Proxies::default()).client_for(&url).unwrap();
        let api = telemetry.api("");
        let client = Client::for_region(
            region,
            http,
            settings,
            api,
            Arc::new(ListingProgress::default()),
            Clock::System,
        );
        Self { simulator, telemetry, client: Arc::new(client), _serving: shutdown.drop_guard() }
    }

    pub(crate) fn listings(&self) -> ConsoleListings {
        ConsoleListings::new("cn-hangzhou", self.client.clone(), self.telemetry.clone())
    }

    pub(crate) fn requests(&self, operation: Operation) -> u64 {
        let seen = self.simulator.requests_seen();
        seen.iter().filter(|((name, _), _)| *name == operation.as_str()).map(|(_, count)| count).sum()
    }
}

pub(crate) fn small() -> simulator::Settings {
    simulator::Settings { deployments: 1, ..simulator::Settings::default() }
}
