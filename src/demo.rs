//! The demo: the exporter over a simulated API in the same process.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use outbound_http::Proxies;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::{
    api,
    clock::Clock,
    collectors,
    config::{Config, DiscoveredNamespaces, DiscoveryEntry, EnabledCollector, JobsSettings},
    credentials::{AccessKey, ProviderConfig, SecretSource},
    discovery::WorkspaceFilter,
    model::{CollectorName, FieldSelection, JOBS, JobsMode, LabelKeys, Shard},
    poll,
    simulator::{self, Simulator},
    web::Paths,
};

/// Short, so that a person sees the fleet live.
const RHYTHM: poll::Settings = poll::Settings {
    interval: Duration::from_secs(10),
    timeout: Duration::from_secs(9),
    stale_after: Duration::from_secs(60),
};

/// How jobs are collected.
const JOBS_SETTINGS: JobsSettings =
    JobsSettings { mode: JobsMode::Active, requests_per_second: REQUESTS_PER_SECOND };

/// Three polls: rising counts show soon, and a Prometheus that scrapes every 15 s does not miss their first value.
const FIRST_VALUE_HOLD: Duration = Duration::from_secs(30);

/// The simulator takes as many requests as come.
const REQUESTS_PER_SECOND: f64 = 200.0;

/// The region in which the demo discovers workspaces.
const REGION: &str = "simulated";

/// The first workspace.
const WORKSPACE: &str = "demo-workspace";
const ACCESS_KEY_ID: &str = "demo-access-key-id";
const ACCESS_KEY_SECRET: &str = "demo-access-key-secret";

/// A simulated API, and the configuration of an exporter for it.
#[derive(Debug)]
pub struct Demo {
    /// What the exporter is to poll.
    pub config: Config,
    simulator: Arc<Simulator>,
    listener: TcpListener,
}

impl Demo {
    /// Sets up a simulated API on a free port of this machine's own network.
    pub async fn new(mut settings: simulator::Settings, clock: Clock) -> io::Result<Self> {
        settings.access_key = Some((ACCESS_KEY_ID.to_owned(), ACCESS_KEY_SECRET.into()));
        settings.workspace = Some(WORKSPACE.to_owned());
        let simulator = Arc::new(Simulator::new(settings, clock));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let endpoint = Url::parse(&format!("http://{}", listener.local_addr()?)).map_err(io::Error::other)?;
        let config = config(endpoint);
        Ok(Self { config, simulator, listener })
    }

    /// Serves the simulated API until `shutdown`.
    pub fn serve(self, shutdown: CancellationToken) -> impl Future<Output = ()> + Send {
        self.simulator.serve(self.listener, shutdown)
    }
}

/// How a collector works.
fn collector(name: CollectorName) -> EnabledCollector {
    let jobs = (name == JOBS).then_some(JOBS_SETTINGS);
    EnabledCollector { interval: RHYTHM.interval, by_default: false, jobs }
}

fn config(endpoint: Url) -> Config {
    let key = AccessKey {
        id: SecretSource::Inline(ACCESS_KEY_ID.into()),
        secret: SecretSource::Inline(ACCESS_KEY_SECRET.into()),
        token: None,
    };
    let entry = DiscoveryEntry {
        name: REGION.to_owned(),
        region: REGION.to_owned(),
        interval: RHYTHM.interval,
        workspaces: WorkspaceFilter::default(),
        namespaces: DiscoveredNamespaces::all(RHYTHM),
        collectors: optional_collectors().map(|name| (name, collector(name))).collect(),
        console_endpoint: endpoint.clone(),
        endpoint,
        credentials: Arc::new(ProviderConfig::AccessKey(key)),
    };
    Config {
        discovery: vec![entry],
        workspaces: Vec::new(),
        proxies: Proxies::default(),
        environment_warnings: Vec::new(),
        api: api::Settings {
            requests_per_second: REQUESTS_PER_SECOND,
            account_requests_per_second: REQUESTS_PER_SECOND,
            console_requests_per_second: REQUESTS_PER_SECOND,
            ..api::Settings::default()
        },
        metrics: FieldSelection {
            labels: LabelKeys::Listed(vec!["team".into(), "env".into()]),
            ..FieldSelection::default()
        },
        workspace_tags: LabelKeys::Listed(vec!["env".into(), "team".into()]),
        poll: RHYTHM,
        max_series: 0,
        shard: Shard::SINGLE,
        first_value_hold: FIRST_VALUE_HOLD,
        state_path: None,
    }
}

/// The addresses to look at, as the demo prints them. `tls`: connections are encrypted.
pub fn greeting(address: SocketAddr, paths: &Paths, tls: bool) -> String {
    let scheme = if tls { "https" } else { "http" };
    let host = if address.ip().is_unspecified() {
        format!("localhost:{}", address.port())
    } else {
        address.to_string()
    };
    let (telemetry_path, root) = (paths.telemetry_path(), paths.root_path());
    format!(
        "Metrics:      {scheme}://{host}{telemetry_path}\n\
         Status page:  {scheme}://{host}{root}\n\
         Next:         point Prometheus at {host}, or watch jobs fail with: \
         curl -s {scheme}://{host}{telemetry_path} | grep 'state=\"failed\"'\n"
    )
}
/// Every collector but that of deployments, which is always enabled.
fn optional_collectors() -> impl Iterator<Item = CollectorName> {
    collectors::all().iter().map(|collector| collector.name()).filter(|&name| name != collectors::DEPLOYMENTS)
}
