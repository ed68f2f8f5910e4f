//! Serves one connection: TLS handshake, HTTP/1.1 or HTTP/2, graceful end.

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
use rustls::Error;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info};

use super::{
    connection_state::{ConnectionState, IDLE_TIMEOUT},
    eviction::ConnectionGuard,
    tracked_stream::TrackedStream,
};
use crate::web::{middleware::Middleware, response_body::ResponseBody};

/// How long a TLS handshake may take.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// The largest request head, in bytes, and the largest number of headers.
const MAX_HEAD_SIZE: usize = 16 * 1024;
const MAX_HEADERS: usize = 64;

/// Bytes that hyper buffers: of requests that are read ahead, and of pieces, which are not copied, before it writes.
const MAX_BUFFER_SIZE: usize = 64 * 1024;

/// Bytes of encrypted data that rustls buffers.
const MAX_TLS_BUFFER_SIZE: usize = 32 * 1024;

/// Bytes of request bodies, which are not read, that an HTTP/2 client may send.
const REQUEST_WINDOW: u32 = 16 * 1024;

/// Requests served over one HTTP/1.1 connection before it is closed.
const MAX_REQUESTS: u32 = 1000;

/// Concurrent requests of one HTTP/2 connection.
const MAX_STREAMS: u32 = 16;

/// Serves `stream` until it ends, has to be closed, or `shutdown` lets it finish what is in flight.
pub(in crate::web) async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    guard: ConnectionGuard,
    middleware: Arc<Middleware>,
    shutdown: CancellationToken,
) {
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%peer, %error, "cannot set TCP_NODELAY");
    }
    let connection = Connection { peer, state: guard.state.clone(), middleware, shutdown };
    tokio::select! {
        ended = connection.serve(stream) => {
            if let Err(error) = ended {
                debug!(%peer, error = &*error, "connection ended");
            }
        }
        reason = guard.state.closed() => debug!(%peer, reason, "connection closed"),
    }
}

type Ended = Result<(), Box<dyn std::error::Error + Send + Sync>>;

#[derive(Clone)]
struct Connection {
    peer: SocketAddr,
    state: Arc<ConnectionState>,
    middleware: Arc<Middleware>,
    shutdown: CancellationToken,
}

impl Connection {
    async fn serve(&self, stream: TcpStream) -> Ended {
        let stream = TrackedStream::new(stream, self.state.clone());
        let Some(tls) = self.middleware.tls() else { return self.http1(stream).await };
        let handshake = timeout(HANDSHAKE_TIMEOUT, TlsAcceptor::from(tls).accept(stream));
        let Some(accepted) = self.shutdown.run_until_cancelled(handshake).await else { return Ok(()) };
        let accepted = accepted.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?;
        let mut stream = accepted.inspect_err(|error| self.log_rejection(error))?;
        stream.get_mut().1.set_buffer_limit(Some(MAX_TLS_BUFFER_SIZE));
        if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
            self.http2(stream).await
        } else {
            self.http1(stream).await
        }
    }

    /// Logs a rejected client certificate, so that the operator learns why a scraper gets no answer. Other errors of
    /// a handshake are noise of scanners.
    fn log_rejection(&self, error: &io::Error) {
        let error = error.get_ref().and_then(|error| error.downcast_ref::<Error>());
        if let Some(error @ (Error::InvalidCertificate(_) | Error::NoCertificatesPresented)) = error
            && let Some(suppressed) = self.middleware.rejections.permit()
        {
            info!(peer = %self.peer, %error, suppressed, "client certificate rejected");
        }
    }

    async fn http1(&self, stream: impl AsyncRead + AsyncWrite + Unpin + 'static) -> Ended {
        let service = service_fn(|request| self.respond(request));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            // A client may shut down its side once it has sent its request, as `nc -N` does.
            .half_close(true)
            .header_read_timeout(IDLE_TIMEOUT)
            .max_header_size(MAX_HEAD_SIZE)
            .max_headers(MAX_HEADERS)
            .max_buf_size(MAX_BUFFER_SIZE)
            .serve_connection(TokioIo::new(stream), service);
        self.drive(connection).await
    }

    async fn http2(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Ended {
        // hyper runs each HTTP/2 request in a task of its own.
        let own = Arc::new(self.clone());
        let service = service_fn(move |request| {
            let own = own.clone();
            async move { own.respond(request).await }
        });
        let connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_concurrent_streams(MAX_STREAMS)
            .max_header_list_size(u32::try_from(MAX_HEAD_SIZE).unwrap_or(u32::MAX))
            .max_send_buf_size(MAX_BUFFER_SIZE)
            .initial_stream_window_size(REQUEST_WINDOW)
            .initial_connection_window_size(REQUEST_WINDOW * MAX_STREAMS)
            .keep_alive_interval(IDLE_TIMEOUT / 4)
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
            () = self.shutdown.cancelled() => {}
        }
        connection.as_mut().graceful_shutdown();
        connection.await.map_err(Into::into)
    }

    async fn respond(&self, request: Request<Incoming>) -> Result<Response<ResponseBody>, Infallible> {
        let guard = self.state.begin_response();
        let last = guard.number() + 1 >= MAX_REQUESTS;
        // Request bodies are not read, so a request after one cannot be read either.
        let has_body = !request.body().is_end_stream();
        let mut response = self.middleware.respond(&request, &self.state).await;
        if (last || has_body) && request.version() < Version::HTTP_2 {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response.body_mut().hold(guard);
        Ok(response)
    }
}
