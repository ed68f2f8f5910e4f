//! A stub of STS, the ECS metadata service and a credentials URI, which answers as a closure says.

#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "only tests use it")]

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
};

use acs3::verify;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, task::JoinHandle};
use url::Url;

/// The status with which a request gets no response, ever.
pub const NO_RESPONSE: u16 = 0;

/// A received request.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Method and path.
    pub what: String,
    /// The decoded parameters.
    pub query: Vec<(String, String)>,
    /// The headers.
    pub headers: hyper::HeaderMap,
    /// The body.
    pub body: String,
}

impl Seen {
    /// The value of a header; empty if there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The value of a parameter.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The body as a form.
    pub fn form(&self) -> Vec<(String, String)> {
        verify::query_parameters(&self.body)
    }

    /// Whether `secret` signed the request.
    pub fn is_signed_by(&self, secret: &str) -> bool {
        let authorization = verify::Authorization::parse(self.header("authorization")).unwrap();
        let headers: Vec<_> =
            authorization.signed_headers.split(';').map(|name| (name, self.header(name))).collect();
        let query: Vec<_> = self.query.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let (method, path) = self.what.split_once(' ').unwrap();
        let query = acs3::canonical_query(&query);
        let body_sha256 = acs3::sha256_hex(self.body.as_bytes());
        let request =
            acs3::Signable { method, path, query: &query, headers: &headers, body_sha256: &body_sha256 };
        verify::verify(request, secret, authorization.signature)
    }
}

/// A running service, which stops when it is dropped.
pub struct Service {
    /// Its address.
    pub url: Url,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: JoinHandle<()>,
}

impl Drop for Service {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Service {
    /// Starts it. `answer` gets the number of the request, from 1, and returns the status and the body.
    pub async fn start(answer: impl Fn(usize, &Seen) -> (u16, String) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (log, answer) = (seen.clone(), Arc::new(answer));
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (log, answer) = (log.clone(), answer.clone());
                let service = service_fn(move |request| respond(request, log.clone(), answer.clone()));
                tokio::spawn(async move {
                    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self { url, seen, task }
    }

    /// The requests received so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The requests' methods and paths.
    pub fn asked(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.what).collect()
    }
}

async fn respond(
    request: Request<Incoming>,
    log: Arc<Mutex<Vec<Seen>>>,
    answer: Arc<impl Fn(usize, &Seen) -> (u16, String)>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let seen = Seen {
        what: format!("{} {}", head.method, head.uri.path()),
        query: verify::query_parameters(head.uri.query().unwrap_or_default()),
        headers: head.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    };
    let count = {
        let mut log = log.lock().unwrap();
        log.push(seen.clone());
        log.len()
    };
    let (status, body) = answer(count, &seen);
    if status == NO_RESPONSE {
        std::future::pending::<()>().await;
    }
    let response = Response::builder().status(status).header("location", "/elsewhere");
    Ok(response.body(Full::new(body.into())).unwrap())
}

/// Credentials as the metadata service writes them.
pub fn flat(id: &str) -> String {
    format!(
        r#"{{"Code":"Success","AccessKeyId":"{id}","AccessKeySecret":"secret-of-{id}","SecurityToken":"token-of-{id}",
        "Expiration":"2999-01-01T00:00:00Z","LastUpdated":"2024-01-01T00:00:00Z"}}"#
    )
}

/// Credentials as STS writes them.
pub fn sts(id: &str) -> String {
    format!(
        r#"{{"RequestId":"R-1","Credentials":{{"AccessKeyId":"{id}","AccessKeySecret":"secret-of-{id}",
        "SecurityToken":"token-of-{id}","Expiration":"2999-01-01T00:00:00Z"}},"AssumedRoleUser":{{}}}}"#
    )
}
