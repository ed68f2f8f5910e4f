//! The HTTP server: accepts connections, and finishes what is in flight when it stops.

use std::{io, sync::Arc, time::Duration};

use rustix::io::Errno;
use tokio::{
    net::TcpListener,
    sync::Semaphore,
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{info, warn};

use super::{
    body_renderer::Responses,
    connection::{self, Connections},
    connection_limits::Limits,
    handlers::Handlers,
    listen::Listeners,
    log_rate_limit::LogLimit,
    middleware::Middleware,
    security::SecurityStore,
};

/// How long readiness is denied before new connections are, so that load balancers notice first.
const READINESS_LEAD_TIME: Duration = Duration::from_millis(500);

/// How long a stop waits for what is in flight.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// How often rejected client certificates are logged, for each listener.
const REJECTION_LOG_INTERVAL: Duration = Duration::from_secs(5);

/// How often it is logged that connections cannot be accepted.
const ACCEPT_LOG_INTERVAL: Duration = Duration::from_secs(60);

/// The pause after a connection could not be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// Serves until `handlers.shutdown`, then finishes what is in flight.
pub async fn serve(listeners: Listeners, handlers: Arc<Handlers>, security: Arc<SecurityStore>) {
    let limits = Limits::of_process();
    if limits.is_reduced() {
        warn!(
            connections = limits.connections,
            "few connections can be open at the same time: raise the limit of file descriptors (ulimit -n)"
        );
    }
    let server = Server {
        connections: Arc::new(Connections::new(limits.connections)),
        sockets: Arc::new(Semaphore::new(limits.sockets)),
        accept_errors: Arc::new(LogLimit::new(ACCEPT_LOG_INTERVAL)),
        tasks: TaskTracker::new(),
        shutdown: handlers.shutdown.clone(),
    };
    for address in listeners.addresses() {
        info!(%address, tls = security.has_tls(), "listening");
    }
    let responses = Arc::<Responses>::default();
    let mut accepting = JoinSet::new();
    let all = listeners.all.into_iter().map(|listener| (listener, false));
    let probes = listeners.probes.into_iter().map(|listener| (listener, true));
    for (listener, only_probes) in all.chain(probes) {
        let middleware = Middleware {
            handlers: handlers.clone(),
            security: security.clone(),
            responses: responses.clone(),
            only_probes,
            rejections: LogLimit::new(REJECTION_LOG_INTERVAL),
        };
        accepting.spawn(server.clone().accept(listener, Arc::new(middleware)));
    }
    accepting.spawn(security.watch(handlers.telemetry.clone(), handlers.clock, server.shutdown.clone()));
    accepting.join_all().await;
    server.tasks.close();
    if timeout(DRAIN_TIMEOUT, server.tasks.wait()).await.is_err() {
        warn!("clients that did not finish in time were disconnected");
    }
}

/// What all listeners share.
#[derive(Debug, Clone)]
struct Server {
    connections: Arc<Connections>,
    sockets: Arc<Semaphore>,
    accept_errors: Arc<LogLimit>,
    tasks: TaskTracker,
    shutdown: CancellationToken,
}

impl Server {
    async fn accept(self, listener: TcpListener, middleware: Arc<Middleware>) {
        let accepting = async {
            while let Ok(socket) = self.sockets.clone().acquire_owned().await {
                match listener.accept().await {
                    Ok((stream, peer)) => {
                        let guard = self.connections.admit(peer.ip());
                        let (middleware, shutdown) = (middleware.clone(), self.shutdown.clone());
                        self.tasks.spawn(async move {
                            connection::serve(stream, peer, guard, middleware, shutdown).await;
                            drop(socket);
                        });
                    }
                    Err(error) => {
                        self.make_room(&error);
                        sleep(ACCEPT_PAUSE).await;
                    }
                }
            }
        };
        tokio::select! {
            () = accepting => {}
            () = async {
                self.shutdown.cancelled().await;
                sleep(READINESS_LEAD_TIME).await;
            } => {}
        }
    }

    /// Closes a connection if there are no file descriptors left for the next one.
    fn make_room(&self, error: &io::Error) {
        if matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE)) {
            self.connections.evict_one();
        }
        if let Some(suppressed) = self.accept_errors.permit() {
            warn!(%error, suppressed, "cannot accept a connection");
        }
    }
}
