//! A server with a small fleet, on a port of its own.

use std::{any::Any, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use aliyun_flink_exporter::{
    api::{ApiError, InvalidValues},
    clock::Clock,
    collectors::{self, Collected, Collector, RenderConfig, TargetQuery},
    model::{Deployment, JobCounts, LabelKeys, Objects, TargetId},
    poll,
    snapshot::Publisher,
    store::Store,
    targets::{DesiredTarget, TargetManager, TargetSet},
    telemetry::Telemetry,
    web::{self, Handlers, Listeners, Paths, SecurityStore},
};
use futures_util::future::BoxFuture;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinHandle,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

/// A name with markup, quotes, and a character that reverses the direction of text.
pub(crate) const HOSTILE: &str = "<script>alert(1)</script>\"\n\\\u{202e}";

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) probes: SocketAddr,
    pub(crate) publisher: Arc<Publisher>,
    pub(crate) shutdown: CancellationToken,
    pub(crate) serving: JoinHandle<()>,
}

impl Server {
    /// Serves `deployments` deployments, by the web configuration file if there is one.
    pub(crate) async fn start(deployments: usize, file: Option<&Path>) -> Self {
        Self::start_with(deployments, file, None, Paths::default()).await
    }

    /// As above, with reloads by `reload`, at `paths`.
    pub(crate) async fn start_with(
        deployments: usize,
        file: Option<&Path>,
        reload: Option<web::ReloadHandle>,
        paths: Paths,
    ) -> Self {
        let deployment = |number: usize| Deployment {
            id: format!("{number:036}").into(),
            name: format!("{HOSTILE}{number}").into(),
            jobs: JobCounts::new([Some(0), Some(1), Some(0), Some(2), Some(3), Some(4)]),
            created: Some(1.5e9),
            ..Deployment::default()
        };
        let publisher =
            Arc::new(Publisher::new(Arc::new(Store::new(Clock::System)), Telemetry::new().unwrap()));
        let mut manager = TargetManager::new(publisher.clone(), Telemetry::new().unwrap(), Clock::System);
        manager.poll_once(one_target((0..deployments).map(deployment).collect())).await;
        let shutdown = CancellationToken::new();
        let handlers = Handlers {
            publisher: publisher.clone(),
            readiness: manager.readiness().clone(),
            telemetry: Telemetry::new().unwrap(),
            paths,
            reload,
            shutdown: shutdown.clone(),
            clock: Clock::System,
        };
        let local = "127.0.0.1:0".parse().unwrap();
        let listeners = Listeners::bind(&[local], Some(local)).await.unwrap();
        let (address, probes) = (listeners.addresses()[0], listeners.probe_address().unwrap());
        let security = Arc::new(SecurityStore::load(file).unwrap());
        let serving = tokio::spawn(web::serve(listeners, Arc::new(handlers), security));
        Self { address, probes, publisher, shutdown, serving }
    }
}

/// Returns the same deployments with each poll.
#[derive(Debug)]
struct Fixed(Vec<Deployment>);

impl TargetQuery for Fixed {
    fn collector(&self) -> &'static dyn Collector {
        collectors::by_name(collectors::DEPLOYMENTS).unwrap()
    }

    fn poll(&self, _deadline: Instant) -> BoxFuture<'_, Result<Collected, ApiError>> {
        let objects = Box::new(Objects::listed(self.0.clone()));
        Box::pin(async {
            Ok(Collected { objects, consistent: true, pages: 1, invalid: InvalidValues::default() })
        })
    }

    fn equals(&self, _other: &dyn TargetQuery) -> bool {
        true
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The namespace `n` of the workspace `w`.
fn one_target(deployments: Vec<Deployment>) -> TargetSet {
    let id = TargetId {
        workspace: "w".into(),
        namespace: "n".into(),
        collector: collectors::DEPLOYMENTS,
        selection: String::new(),
    };
    let target = DesiredTarget {
        region: "".into(),
        query: Arc::new(Fixed(deployments)),
        settings: poll::Settings::default(),
        requests_per_second: 10.0,
    };
    TargetSet {
        targets: [(Arc::new(id), target)].into(),
        workspaces: Vec::new(),
        render: RenderConfig { label_keys: LabelKeys::All, workspace_tags: LabelKeys::All },
        max_series: 0,
        first_value_hold: Some(Duration::from_secs(120)),
    }
}

/// The whole reply to `request` over a connection of its own.
pub(crate) async fn exchange(address: SocketAddr, request: &str) -> String {
    let exchange = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut reply = Vec::new();
        // A connection that is closed with unread bytes may end in a reset.
        let _ = stream.read_to_end(&mut reply).await;
        String::from_utf8_lossy(&reply).into_owned()
    };
    timeout(Duration::from_secs(30), exchange).await.unwrap()
}

/// A request that is the last of its connection.
pub(crate) async fn get(address: SocketAddr, path: &str, headers: &str) -> String {
    exchange(address, &format!("GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n{headers}\r\n")).await
}
