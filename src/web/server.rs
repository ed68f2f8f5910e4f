//! The HTTP server: listeners, and a stop that finishes what is in flight.

use std::{fmt, io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    net::TcpListener,
    sync::Semaphore,
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{info, warn};

use super::{
    conn::{self, Connections, MAX_CONNECTIONS},
    log_limit::LogLimit,
    middleware::Middleware,
    routes::Routes,
    security::Reloader,
};

/// Connections that are open or about to be closed. So many sockets there are at the most, and further ones wait
/// in the kernel's queue.
const MAX_SOCKETS: usize = MAX_CONNECTIONS + 128;

/// How long readiness is denied before connections are: whoever balances load should hear it first.
const READINESS_LEAD_TIME: Duration = Duration::from_millis(500);

/// How often rejected client certificates are logged, for each listener.
const REJECTION_LOG_INTERVAL: Duration = Duration::from_secs(5);

/// How long a stop waits for what is in flight.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// The pause after the kernel refused a connection, as for want of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// An address that can't be listened on.
#[derive(Debug)]
pub struct BindError {
    address: SocketAddr,
    flag: &'static str,
    source: io::Error,
}

impl fmt::Display for BindError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, flag, source } = self;
        write!(formatter, "can't listen on {address} ({flag}): {source}")
    }
}

impl std::error::Error for BindError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

/// Sockets that are bound, but not served yet.
#[derive(Debug)]
pub struct Listeners {
    all: Vec<TcpListener>,
    probes: Option<TcpListener>,
}

impl Listeners {
    /// Listens on every one of `addresses`, and for probes alone on `probes`.
    pub async fn bind(addresses: &[SocketAddr], probes: Option<SocketAddr>) -> Result<Self, BindError> {
        let mut all = Vec::new();
        for &address in addresses {
            all.push(bind(address, "--web.listen-address").await?);
        }
        let probes = match probes {
            Some(address) => Some(bind(address, "--web.probe-address").await?),
            None => None,
        };
        Ok(Self { all, probes })
    }

    /// The addresses in use, where port 0 has become a real one.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.all.iter().filter_map(|listener| listener.local_addr().ok()).collect()
    }

    /// The address for probes, if there is one.
    pub fn probe_address(&self) -> Option<SocketAddr> {
        self.probes.as_ref().and_then(|listener| listener.local_addr().ok())
    }
}

async fn bind(address: SocketAddr, flag: &'static str) -> Result<TcpListener, BindError> {
    TcpListener::bind(address).await.map_err(|source| BindError { address, flag, source })
}

/// Serves until `routes.stopping`, then finishes what is in flight.
pub async fn serve(listeners: Listeners, routes: Arc<Routes>, security: Arc<Reloader>) {
    let server = Server {
        connections: Arc::new(Connections::new(MAX_CONNECTIONS)),
        sockets: Arc::new(Semaphore::new(MAX_SOCKETS)),
        tasks: TaskTracker::new(),
        stopping: routes.stopping.clone(),
    };
    for address in listeners.addresses() {
        info!(%address, tls = security.has_tls(), "listening");
    }
    let mut accepting = JoinSet::new();
    let all = listeners.all.into_iter().map(|listener| (listener, false));
    let probes = listeners.probes.into_iter().map(|listener| (listener, true));
    for (listener, only_probes) in all.chain(probes) {
        let middleware = Middleware {
            routes: routes.clone(),
            security: security.clone(),
            only_probes,
            rejections: LogLimit::new(REJECTION_LOG_INTERVAL),
        };
        accepting.spawn(server.clone().accept(listener, Arc::new(middleware)));
    }
    accepting.spawn(security.watch(routes.telemetry.clone(), routes.clock, server.stopping.clone()));
    accepting.join_all().await;
    server.tasks.close();
    if timeout(DRAIN_TIMEOUT, server.tasks.wait()).await.is_err() {
        warn!("clients that did not finish in time were cut off");
    }
}

/// What all listeners share.
#[derive(Debug, Clone)]
struct Server {
    connections: Arc<Connections>,
    sockets: Arc<Semaphore>,
    tasks: TaskTracker,
    stopping: CancellationToken,
}

impl Server {
    async fn accept(self, listener: TcpListener, middleware: Arc<Middleware>) {
        let accepting = async {
            loop {
                let Ok(socket) = self.sockets.clone().acquire_owned().await else { return };
                match listener.accept().await {
                    Ok((stream, peer)) => {
                        let admitted = self.connections.admit(peer.ip());
                        let (middleware, stopping) = (middleware.clone(), self.stopping.clone());
                        self.tasks.spawn(async move {
                            conn::serve(stream, peer, admitted, middleware, stopping).await;
                            drop(socket);
                        });
                    }
                    Err(error) => {
                        warn!(%error, "no connection accepted");
                        sleep(ACCEPT_PAUSE).await;
                    }
                }
            }
        };
        tokio::select! {
            () = accepting => {}
            () = async {
                self.stopping.cancelled().await;
                sleep(READINESS_LEAD_TIME).await;
            } => {}
        }
    }
}
