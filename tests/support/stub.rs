//! An API whose responses a test chooses, and which records the requests.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use acs3::{Signable, verify::Authorization};
use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt as _, Full, StreamBody, combinators::BoxBody};
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode, body::Frame, server::conn::http1, service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{net::TcpListener, sync::Semaphore, task::JoinHandle};

type Body = BoxBody<Bytes, io::Error>;
type Answering = dyn Fn(&Seen) -> Reply + Send + Sync;

/// A request as it was received.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
}

impl Seen {
    /// The value of a header that must occur once.
    pub(crate) fn header(&self, name: &str) -> &str {
        let values: Vec<_> = self.headers.get_all(name).iter().collect();
        assert_eq!(values.len(), 1, "the header {name} of {self:?}");
        values[0].to_str().unwrap()
    }

    /// Whether the namespace is in the path.
    pub(crate) fn is_of(&self, namespace: &str) -> bool {
        self.path.contains(&format!("/namespaces/{namespace}/"))
    }

    /// Verifies the signature, and returns the names of the signed headers.
    pub(crate) fn verified(&self, id: &str, secret: &str) -> Vec<&str> {
        let authorization = self.header("authorization");
        let parsed = Authorization::parse(authorization).expect("an Authorization header of this form");
        let names: Vec<_> = parsed.signed_headers.split(';').collect();
        let headers: Vec<_> = names.iter().map(|name| (*name, self.header(name))).collect();
        let signable = Signable {
            method: self.method.as_str(),
            path: &self.path,
            query: &self.query,
            headers: &headers,
            body_sha256: acs3::EMPTY_SHA256,
        };
        assert_eq!(authorization, acs3::authorization(signable, id, secret), "the signature of {self:?}");
        names
    }
}

/// The response to a request.
pub(crate) enum Reply {
    /// Has a `Content-Length`.
    Answer { status: u16, headers: Vec<(&'static str, String)>, body: Bytes },
    /// Is chunked, without a `Content-Length`.
    Chunked(Bytes),
    /// Is sent when there is a permit.
    Held(Arc<Semaphore>, Bytes),
    /// Is never sent.
    Never,
}

impl Reply {
    pub(crate) fn new(status: u16, body: impl Into<Bytes>) -> Self {
        Self::Answer { status, headers: Vec::new(), body: body.into() }
    }

    pub(crate) fn ok(body: impl Into<Bytes>) -> Self {
        Self::new(200, body)
    }

    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::new(status, body.to_string())
    }

    pub(crate) fn with_header(self, name: &'static str, value: impl Into<String>) -> Self {
        match self {
            Self::Answer { status, mut headers, body } => {
                headers.push((name, value.into()));
                Self::Answer { status, headers, body }
            }
            other => other,
        }
    }
}

#[derive(Default)]
struct Log {
    requests: Vec<Seen>,
    statuses: BTreeMap<u16, u64>,
}

/// The server. It stops when it is dropped.
pub(crate) struct StubApi {
    address: SocketAddr,
    log: Arc<Mutex<Log>>,
    serving: JoinHandle<()>,
}

impl StubApi {
    /// Answers every request as `answering` says.
    pub(crate) async fn start(answering: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let log: Arc<Mutex<Log>> = Arc::default();
        let serving = tokio::spawn(serve(listener, Arc::new(answering), log.clone()));
        Self { address, log, serving }
    }

    /// The endpoint to configure.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every request so far.
    pub(crate) fn requests(&self) -> Vec<Seen> {
        self.log.lock().unwrap().requests.clone()
    }

    /// The number of responses by status.
    pub(crate) fn statuses(&self) -> BTreeMap<u16, u64> {
        self.log.lock().unwrap().statuses.clone()
    }
}

impl Drop for StubApi {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, answering: Arc<Answering>, log: Arc<Mutex<Log>>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let (answering, log) = (answering.clone(), log.clone());
        let service = service_fn(move |request| answer(request, answering.clone(), log.clone()));
        // A client may disconnect.
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn answer(
    request: Request<hyper::body::Incoming>,
    answering: Arc<Answering>,
    log: Arc<Mutex<Log>>,
) -> Result<Response<Body>, Infallible> {
    let seen = Seen {
        method: request.method().clone(),
        path: request.uri().path().to_owned(),
        query: request.uri().query().unwrap_or_default().to_owned(),
        headers: request.headers().clone(),
    };
    log.lock().unwrap().requests.push(seen.clone());
    let response = match answering(&seen) {
        Reply::Answer { status, headers, body } => {
            let mut response = Response::new(whole(body));
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            for (name, value) in headers {
                response.headers_mut().insert(name, value.parse().unwrap());
            }
            response
        }
        Reply::Chunked(body) => Response::new(in_chunks(&body)),
        Reply::Held(gate, body) => {
            let _permit = gate.acquire().await;
            Response::new(whole(body))
        }
        Reply::Never => std::future::pending().await,
    };
    *log.lock().unwrap().statuses.entry(response.status().as_u16()).or_default() += 1;
    Ok(response)
}

fn whole(body: Bytes) -> Body {
    Full::new(body).map_err(|never| match never {}).boxed()
}

fn in_chunks(body: &Bytes) -> Body {
    let chunks: Vec<_> =
        body.chunks(1000).map(|chunk| Ok(Frame::data(Bytes::copy_from_slice(chunk)))).collect();
    StreamBody::new(stream::iter(chunks)).boxed()
}
