//! A server of the tests' own, which answers each request as a closure says.

use std::{
    convert::Infallible,
    io,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt as _, Full, StreamBody, combinators::BoxBody};
use hyper::{
    Request, Response,
    body::{Frame, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use lenient_json::{Cursor, FromJson as _, Lenient, Scalar, lenient_object};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle, time::Instant};
use url::Url;

use crate::{
    api::{
        self, Client, DecodeError, Decoded, Decoder, Endpoint, ListingProgress, Operation, Pagination,
        Product, RateLimiter, Region, Settings, Workspace,
    },
    clock::Clock,
    credentials::{Credentials, ProvideCredentials, Static},
    exposition::PublishedSeries,
    telemetry::Telemetry,
};

pub(super) type Reply = Response<BoxBody<Bytes, io::Error>>;

/// The body of a throttled request.
pub(super) const THROTTLED: &str = r#"{"Code":"Throttling.User","Message":"slow down","RequestId":"R-1"}"#;

/// The page that a request asks for.
pub(super) fn page_index(request: &Request<Incoming>) -> u64 {
    let query = request.uri().query().unwrap_or_default();
    let parameters = acs3::verify::query_parameters(query);
    parameters.iter().find(|(key, _)| key == "pageIndex").map_or(1, |(_, value)| value.parse().unwrap())
}

pub(super) fn reply(status: u16, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Reply {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(Full::new(body.into()).map_err(|never| match never {}).boxed()).unwrap()
}

pub(super) fn json_reply(body: &Value) -> Reply {
    reply(200, &[("content-type", "application/json")], body.to_string())
}

/// A reply whose connection breaks after `body`.
pub(super) fn broken_reply(body: &'static str) -> Reply {
    let frames = [Ok(Frame::data(Bytes::from_static(body.as_bytes()))), Err(io::Error::other("broken"))];
    let body = StreamBody::new(stream::iter(frames));
    Response::builder().header("content-length", "100000").body(body.boxed()).unwrap()
}

/// A page with `ids`, of `total`.
pub(super) fn listing(ids: impl IntoIterator<Item = u64>, total: u64) -> Value {
    let data: Vec<_> = ids.into_iter().map(|id| json!({"id": format!("d{id}"), "name": "n"})).collect();
    json!({"success": true, "httpCode": 200, "pageSize": 10, "totalSize": total, "data": data})
}

/// The page `index` of `total` objects, 10 a page.
pub(super) fn page_of(index: u64, total: u64) -> Value {
    listing((index - 1) * 10..(index * 10).min(total), total)
}

/// A running stub, which is stopped when it is dropped.
pub(super) struct Stub {
    pub(super) url: Url,
    pub(super) telemetry: Telemetry,
    /// The path and query of each request, in the order of arrival.
    pub(super) requests: Arc<Mutex<Vec<String>>>,
    /// How many connections were opened.
    pub(super) connections: Arc<Mutex<usize>>,
    task: JoinHandle<()>,
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Stub {
    pub(super) async fn start<F>(
        answer: impl Fn(usize, Request<Incoming>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Reply> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let connections: Arc<Mutex<usize>> = Arc::default();
        let answer = Arc::new(answer);
        let (seen, opened) = (requests.clone(), connections.clone());
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                *opened.lock().unwrap() += 1;
                let (seen, answer) = (seen.clone(), answer.clone());
                let service = service_fn(move |request: Request<Incoming>| {
                    let number = {
                        let mut seen = seen.lock().unwrap();
                        seen.push(request.uri().to_string());
                        seen.len()
                    };
                    let answer = answer(number, request);
                    async move { Ok::<_, Infallible>(answer.await) }
                });
                tokio::spawn(async move {
                    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self { url, telemetry: Telemetry::new().unwrap(), requests, connections, task }
    }

    pub(super) fn client(&self, settings: Settings) -> Client {
        self.client_of(settings, credentials())
    }

    pub(super) fn client_of(&self, settings: Settings, credentials: Arc<dyn ProvideCredentials>) -> Client {
        let account_rate = Arc::new(RateLimiter::new(settings.account_requests_per_second));
        self.workspace_client(settings, credentials, account_rate)
    }

    /// A client that shares the rate of its account.
    pub(super) fn client_at(&self, settings: Settings, account_rate: Arc<RateLimiter>) -> Client {
        self.workspace_client(settings, credentials(), account_rate)
    }

    fn workspace_client(
        &self,
        settings: Settings,
        credentials: Arc<dyn ProvideCredentials>,
        account_rate: Arc<RateLimiter>,
    ) -> Client {
        let endpoint = Endpoint::new(&self.url);
        let workspace = Workspace { id: "w".into(), endpoint, credentials, account_rate };
        let (http, progress) = (self.http(&settings), Arc::new(ListingProgress::default()));
        Client::new(workspace, http, settings, self.telemetry.api("w"), progress, Clock::System)
    }

    /// The client of a product in a region.
    pub(super) fn region_client(&self, settings: Settings, rate: Arc<RateLimiter>) -> Client {
        let region = Region { endpoint: Endpoint::new(&self.url), credentials: credentials(), rate };
        let (http, progress) = (self.http(&settings), Arc::new(ListingProgress::default()));
        Client::for_region(region, http, settings, self.telemetry.api(""), progress, Clock::System)
    }

    fn http(&self, settings: &Settings) -> reqwest::Client {
        api::HttpClients::new(settings, &outbound_http::Proxies::default()).client_for(&self.url).unwrap()
    }

    pub(super) fn count(&self) -> usize {
        self.requests.lock().unwrap().len()
    }

    /// The requests counted under each code.
    pub(super) fn counted(&self) -> Vec<(String, u64)> {
        let text = self.telemetry.render(&PublishedSeries::default()).unwrap();
        let lines = text.lines().filter(|line| line.starts_with("aliyun_flink_exporter_api_requests_total{"));
        lines
            .map(|line| {
                let code = line.split("code=\"").nth(1).unwrap().split('"').next().unwrap();
                (code.to_owned(), line.rsplit(' ').next().unwrap().parse().unwrap())
            })
            .collect()
    }
}

fn credentials() -> Arc<dyn ProvideCredentials> {
    Arc::new(Static::new(Credentials {
        access_key_id: "the-access-key-id".into(),
        access_key_secret: "the-access-key-secret".into(),
        security_token: Some("the-security-token".into()),
    }))
}

/// Fast enough for tests, and patient enough for slow machines.
pub(super) fn settings() -> Settings {
    Settings {
        page_size: 10,
        requests_per_second: 10_000.0,
        account_requests_per_second: 10_000.0,
        ..Settings::default()
    }
}

lenient_object! {
    struct WireThing<'a> { id: Scalar<'a> = "id" }
}

/// An operation that lists ids: `$constants` are those of [`Operation`] that it does not share with the others.
macro_rules! list_of_ids {
    ($(#[$doc:meta])* $name:ident, $path:literal, $namespace:literal, $parameter:expr, { $($constants:item)* }) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub(super) struct $name;

        impl Operation for $name {
            type Item = String;

            const ACTION: &'static str = stringify!($name);
            const ITEMS: &'static str = "things";
            $($constants)*

            fn path(&self) -> String {
                $path.to_owned()
            }

            fn parameters(&self) -> Vec<(&'static str, String)> {
                let (key, value): (_, &str) = $parameter;
                vec![(key, value.to_owned())]
            }

            fn namespace(&self) -> &'static str {
                $namespace
            }

            fn key(item: &String) -> &str {
                item
            }

            fn decode(
                &self,
                decoder: Decoder,
                cursor: &mut Cursor<'_>,
            ) -> Result<Lenient<Decoded<String>>, DecodeError> {
                ids(decoder, cursor)
            }
        }
    };
}

list_of_ids! {
    /// Lists ids page by page.
    ListThings, "/api/v2/namespaces/ns/things", "ns", ("name", "a b"), {
        const PAGINATION: Pagination = Pagination::TotalSize;
    }
}

list_of_ids! {
    /// Reads four pages of a listing.
    ListSomeThings, "/api/v2/namespaces/ns/things", "ns", ("name", "a b"), {
        const PAGINATION: Pagination = Pagination::TotalSize;
        const MAX_PAGES: u64 = 4;
    }
}

list_of_ids! {
    /// Lists ids as the operations of the console do.
    DescribeThings, "/", "", ("Region", "cn-hangzhou"), {
        const PRODUCT: Product = Product::FoasConsole;
        const PAGINATION: Pagination = Pagination::TotalPages;
        const DATA: &'static str = "Things";
    }
}

fn ids(decoder: Decoder, cursor: &mut Cursor<'_>) -> Result<Lenient<Decoded<String>>, DecodeError> {
    decoder.array(cursor, |values, cursor| {
        let Lenient::Valid(thing) = Lenient::<WireThing<'_>>::from_json(cursor)? else {
            values.unidentified("data");
            return Ok(None);
        };
        Ok(values.begin_object("id", thing.id).map(str::to_owned))
    })
}

pub(super) fn soon() -> Instant {
    Instant::now() + std::time::Duration::from_secs(60)
}
