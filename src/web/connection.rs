//! One connection: its handshake, its requests, its end.

use std::{convert::Infallible, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use hyper::{
    Request, Response,
    body::{Body as _, Incoming},
    header::{CONNECTION, HeaderValue},
    http::Version,
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::graceful::GracefulConnection,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::{
    body::Body,
    connections::{Activity, Admitted, IDLE, Watched},
    gate::Gate,
};

/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// The largest head of a request, and how many headers it may have.
const MAX_HEAD: usize = 16 * 1024;
const MAX_HEADERS: usize = 64;

/// Bytes that hyper gathers before it writes.
const MAX_BUFFER: usize = 512 * 1024;

/// Requests answered over one connection: none is kept for ever.
const MAX_REQUESTS: u32 = 1000;

/// Requests answered at once over one HTTP/2 connection.
const MAX_STREAMS: u32 = 16;

/// Serves `stream` until it ends, has to, or `stopping` lets it finish what is in flight.
pub(super) async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    admitted: Admitted,
    gate: Arc<Gate>,
    stopping: CancellationToken,
) {
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%peer, %error, "TCP_NODELAY is not set");
    }
    let connection = Connection { activity: admitted.activity.clone(), gate, stopping };
    tokio::select! {
        ended = connection.speak(stream) => {
            if let Err(error) = ended {
                debug!(%peer, error = &*error, "connection ended");
            }
        }
        reason = admitted.activity.closed() => debug!(%peer, reason, "connection closed"),
    }
}

type Ended = Result<(), Box<dyn std::error::Error + Send + Sync>>;

struct Connection {
    activity: Arc<Activity>,
    gate: Arc<Gate>,
    stopping: CancellationToken,
}

impl Connection {
    async fn speak(&self, stream: TcpStream) -> Ended {
        let stream = Watched::new(stream, self.activity.clone());
        let Some(tls) = self.gate.tls() else { return self.http1(stream).await };
        let handshake = timeout(HANDSHAKE, TlsAcceptor::from(tls).accept(stream));
        let Some(shaken) = self.stopping.run_until_cancelled(handshake).await else { return Ok(()) };
        let stream = shaken.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
            self.http2(stream).await
        } else {
            self.http1(stream).await
        }
    }

    async fn http1(&self, stream: impl AsyncRead + AsyncWrite + Unpin + 'static) -> Ended {
        let service = service_fn(|request| self.answer(request));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(IDLE)
            .max_header_size(MAX_HEAD)
            .max_headers(MAX_HEADERS)
            .max_buf_size(MAX_BUFFER)
            .serve_connection(TokioIo::new(stream), service);
        self.drive(connection).await
    }

    async fn http2(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Ended {
        let (activity, gate) = (self.activity.clone(), self.gate.clone());
        let stopping = self.stopping.clone();
        // HTTP/2 answers in tasks of its own.
        let own = Arc::new(Self { activity, gate, stopping });
        let service = service_fn(move |request| {
            let own = own.clone();
            async move { own.answer(request).await }
        });
        let connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_concurrent_streams(MAX_STREAMS)
            .max_header_list_size(u32::try_from(MAX_HEAD).unwrap_or(u32::MAX))
            .max_send_buf_size(MAX_BUFFER)
            .keep_alive_interval(IDLE / 4)
            .serve_connection(TokioIo::new(stream), service);
        self.drive(connection).await
    }

    async fn drive<C>(&self, connection: C) -> Ended
    where
        C: GracefulConnection,
        C::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let mut connection = pin!(connection);
        tokio::select! {
            ended = connection.as_mut() => return ended.map_err(Into::into),
            () = self.stopping.cancelled() => {}
        }
        connection.as_mut().graceful_shutdown();
        connection.await.map_err(Into::into)
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
        let responding = self.activity.request();
        let last = responding.number() + 1 >= MAX_REQUESTS;
        // A body is never read, so what follows it can't be either.
        let unread = !request.body().is_end_stream();
        let mut response = self.gate.answer(&request).await;
        if (last || unread) && request.version() < Version::HTTP_2 {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response.body_mut().hold(responding);
        Ok(response)
    }
}
