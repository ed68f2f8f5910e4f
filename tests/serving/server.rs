//! A server with a small fleet, on a port of its own.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use aliyun_flink_exporter::{
    clock::Clock,
    model::{Deployment, JobCounts, LabelKeys},
    snapshot::{Board, PollTimes, TargetId},
    telemetry::Telemetry,
    web::{self, Listeners, Routes, SecurityStore},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinHandle,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

/// Names that try to be markup, and to turn what follows.
pub(crate) const HOSTILE: &str = "<script>alert(1)</script>\"\n\\\u{202e}";

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) probes: SocketAddr,
    pub(crate) stopping: CancellationToken,
    pub(crate) serving: JoinHandle<()>,
}

impl Server {
    /// Serves `deployments` deployments, by the web configuration file if there is one.
    pub(crate) async fn start(deployments: usize, file: Option<&Path>) -> Self {
        Self::start_with(deployments, file, None).await
    }

    /// As above, and reloads by `reload`.
    pub(crate) async fn start_with(
        deployments: usize,
        file: Option<&Path>,
        reload: Option<web::Reload>,
    ) -> Self {
        let id = TargetId { workspace: "w".into(), namespace: "n".into(), selection: String::new() };
        let board = Board::new(Clock::System);
        board.configure(Vec::new(), &[(id.clone(), Duration::from_secs(60))].into(), LabelKeys::All).await;
        let deployment = |number: usize| Deployment {
            id: format!("{number:036}").into(),
            name: format!("{HOSTILE}{number}").into(),
            jobs: JobCounts::new([Some(0), Some(1), Some(0), Some(2), Some(3), Some(4)]),
            created: Some(1.5e9),
            ..Deployment::default()
        };
        let times = PollTimes { took: Duration::from_millis(1), next: Instant::now() };
        board.succeeded(&id, (0..deployments).map(deployment).collect(), Vec::new(), 1, times).await;
        let stopping = CancellationToken::new();
        let routes = Routes {
            board: Arc::new(board),
            telemetry: Telemetry::new().unwrap(),
            telemetry_path: "/metrics".to_owned(),
            reload,
            stopping: stopping.clone(),
            clock: Clock::System,
        };
        let local = "127.0.0.1:0".parse().unwrap();
        let listeners = Listeners::bind(&[local], Some(local)).await.unwrap();
        let (address, probes) = (listeners.addresses()[0], listeners.probe_address().unwrap());
        let security = Arc::new(SecurityStore::load(file).unwrap());
        let serving = tokio::spawn(web::serve(listeners, Arc::new(routes), security));
        Self { address, probes, stopping, serving }
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
