//! The HTTP server: listeners, connections, their limits, and a stop that finishes what is in flight.

use std::{convert::Infallible, fmt, io, net::SocketAddr, pin::Pin, sync::Arc, time::Duration};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_io_timeout::TimeoutStream;
use tracing::{debug, info, warn};

use super::Routes;

/// Connections served at once, over all listeners; further ones wait in the kernel's queue.
const MAX_CONNECTIONS: usize = 512;

/// How long a client may take for a request's head. hyper counts the idle time between two requests in, so this
/// is longer than the scrape intervals in use, whose connections would else be opened anew each time.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);

/// The largest request head.
const MAX_HEAD: usize = 16 * 1024;

/// How long a client may leave what was sent to it unread.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a stop waits for what is in flight.
const GRACE: Duration = Duration::from_secs(5);

/// The pause after the kernel refused a connection, as for want of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// An address that can't be listened on.
#[derive(Debug)]
pub struct BindError {
    address: SocketAddr,
    source: io::Error,
}

impl fmt::Display for BindError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, source } = self;
        write!(formatter, "can't listen on {address} (--web.listen-address): {source}")
    }
}

impl std::error::Error for BindError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

/// Sockets that are bound, but not served yet.
#[derive(Debug)]
pub struct Listeners(Vec<TcpListener>);

impl Listeners {
    /// Listens on every one of `addresses`.
    pub async fn bind(addresses: &[SocketAddr]) -> Result<Self, BindError> {
        let mut listeners = Vec::new();
        for &address in addresses {
            let bound = TcpListener::bind(address).await;
            listeners.push(bound.map_err(|source| BindError { address, source })?);
        }
        Ok(Self(listeners))
    }

    /// The addresses in use, where port 0 has become a real one.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.0.iter().filter_map(|listener| listener.local_addr().ok()).collect()
    }
}

/// Serves until `routes.stopping`, then finishes what is in flight.
pub async fn serve(listeners: Listeners, routes: Arc<Routes>) {
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let graceful = Arc::new(GracefulShutdown::new());
    let mut accepting = JoinSet::new();
    for address in listeners.addresses() {
        info!(%address, "listening");
    }
    for listener in listeners.0 {
        let (routes, slots, graceful) = (routes.clone(), slots.clone(), graceful.clone());
        accepting.spawn(accept(listener, routes, slots, graceful));
    }
    accepting.join_all().await;
    if let Some(graceful) = Arc::into_inner(graceful)
        && timeout(GRACE, graceful.shutdown()).await.is_err()
    {
        warn!("clients that did not finish in time were cut off");
    }
}

async fn accept(
    listener: TcpListener,
    routes: Arc<Routes>,
    slots: Arc<Semaphore>,
    graceful: Arc<GracefulShutdown>,
) {
    let stopping = routes.stopping.clone();
    let accepting = async {
        loop {
            let Ok(slot) = slots.clone().acquire_owned().await else { return };
            match listener.accept().await {
                Ok((stream, peer)) => {
                    let connection = connection(stream, routes.clone(), &graceful);
                    tokio::spawn(async move {
                        if let Err(error) = connection.await {
                            debug!(%peer, %error, "connection ended");
                        }
                        drop(slot);
                    });
                }
                Err(error) => {
                    warn!(%error, "no connection accepted");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    };
    stopping.run_until_cancelled(accepting).await;
}

/// The service of one connection.
fn connection(
    stream: TcpStream,
    routes: Arc<Routes>,
    graceful: &GracefulShutdown,
) -> impl Future<Output = hyper::Result<()>> + use<> {
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "TCP_NODELAY is not set");
    }
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE_TIMEOUT));
    let service = service_fn(move |request| {
        let routes = routes.clone();
        async move { Ok::<_, Infallible>(routes.answer(&request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_header_size(MAX_HEAD)
        .serve_connection(TokioIo::new(Pin::from(Box::new(stream))), service);
    graceful.watch(connection)
}
