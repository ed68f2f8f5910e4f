//! Which path gives what.

use std::sync::Arc;

use bytes::Bytes;
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode, Uri,
    header::{
        ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
        HeaderName, HeaderValue, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
    },
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::{api_v1, body::Body, negotiate, page, reload::Reload, target_path};
use crate::{
    clock::Clock,
    exposition::{Encoding, Format},
    snapshot::Publisher,
    store::Readiness,
    telemetry::Telemetry,
};

/// The text format that every scraper takes.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PLAIN: &str = "text/plain; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json";

const LIFECYCLE_DISABLED: &str =
    "Reloading over HTTP is off: start the exporter with --web.enable-lifecycle\n";

const NEEDS_RESTART: &str = "Flags, such as --web.listen-address, take effect at a restart alone.\n";

/// What the paths of targets begin with.
const TARGETS: &str = "/targets/";
const API_TARGETS: &str = "/api/v1/targets/";

/// The paths that the metrics can't be served under, and the beginnings of such.
const RESERVED: [&str; 2] = ["/", "/-/reload"];
const RESERVED_PREFIXES: [&str; 3] = ["/-/", "/api/", "/targets/"];

/// Whether something else than the metrics is served under `path`.
pub fn is_reserved(path: &str) -> bool {
    RESERVED.contains(&path) || RESERVED_PREFIXES.iter().any(|prefix| path.starts_with(prefix))
}

/// Whether a path is what orchestrators ask to know whether the exporter runs.
pub(super) fn is_probe(path: &str) -> bool {
    matches!(path, "/-/healthy" | "/-/ready")
}

/// Answers requests.
#[derive(Debug)]
pub struct Routes {
    /// What is served.
    pub publisher: Arc<Publisher>,
    /// Whether the exporter is ready.
    pub readiness: Readiness,
    /// The live metrics.
    pub telemetry: Telemetry,
    /// The path of the metrics.
    pub telemetry_path: String,
    /// Reloads the configuration, if clients may ask for it.
    pub reload: Option<Reload>,
    /// Cancelled when the exporter stops.
    pub stopping: CancellationToken,
    /// The time of day.
    pub clock: Clock,
}

/// What a path stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Route {
    Metrics,
    Page,
    Target,
    Status,
    Deployments,
    Healthy,
    Ready,
    Reload,
    NotFound,
}

impl Route {
    /// The name under which requests are counted.
    fn name(self) -> &'static str {
        match self {
            Self::Metrics => "metrics",
            Self::Page => "status_page",
            Self::Target => "target_page",
            Self::Status => "status",
            Self::Deployments => "deployments",
            Self::Healthy => "healthy",
            Self::Ready => "ready",
            Self::Reload => "reload",
            Self::NotFound => "not_found",
        }
    }

    /// The methods that are answered, as `Allow` lists them.
    fn methods(self) -> &'static str {
        match self {
            Self::NotFound => "",
            Self::Reload => "POST",
            _ => "GET, HEAD",
        }
    }

    fn allows(self, method: &Method) -> bool {
        self.methods().split(", ").any(|allowed| allowed == method.as_str())
    }
}

/// An answer before its general headers.
struct Answer {
    status: StatusCode,
    headers: Vec<(HeaderName, &'static str)>,
    body: Body,
}

impl Answer {
    fn new(status: StatusCode, content_type: &'static str, body: impl Into<Body>) -> Self {
        Self { status, headers: vec![(CONTENT_TYPE, content_type)], body: body.into() }
    }

    fn ok(content_type: &'static str, body: impl Into<Body>) -> Self {
        Self::new(StatusCode::OK, content_type, body)
    }

    fn plain(status: StatusCode, text: &'static str) -> Self {
        Self::new(status, PLAIN, Bytes::from_static(text.as_bytes()))
    }

    fn with(mut self, name: HeaderName, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }
}

impl Routes {
    /// Answers `request`, whose body is not read.
    pub(super) async fn answer<B>(&self, request: &Request<B>) -> Response<Body> {
        let route = self.route(request.uri().path());
        let answer = if route == Route::NotFound {
            Answer::plain(StatusCode::NOT_FOUND, "Not found\n")
        } else if route.allows(request.method()) {
            self.handle(route, request.uri(), request.headers()).await
        } else {
            Answer::plain(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed\n").with(ALLOW, route.methods())
        };
        self.respond(request, route.name(), answer)
    }

    /// The answer to what does not exist here.
    pub(super) fn not_found<B>(&self, request: &Request<B>) -> Response<Body> {
        self.respond(request, Route::NotFound.name(), Answer::plain(StatusCode::NOT_FOUND, "Not found\n"))
    }

    /// An answer without asking the route.
    pub(super) fn refuse<B>(
        &self,
        request: &Request<B>,
        status: StatusCode,
        text: &'static str,
    ) -> Response<Body> {
        let name = self.route(request.uri().path()).name();
        self.respond(request, name, Answer::plain(status, text))
    }

    fn respond<B>(&self, request: &Request<B>, name: &str, answer: Answer) -> Response<Body> {
        self.telemetry.http_request(name, answer.status.as_u16());
        let mut response = Response::new(Body::default());
        *response.status_mut() = answer.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_LENGTH, HeaderValue::from(answer.body.len()));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        for (name, value) in answer.headers {
            headers.insert(name, HeaderValue::from_static(value));
        }
        if request.method() != Method::HEAD {
            *response.body_mut() = answer.body;
        }
        response
    }

    fn route(&self, path: &str) -> Route {
        match path {
            path if path == self.telemetry_path => Route::Metrics,
            "/" => Route::Page,
            "/api/v1/status" => Route::Status,
            "/-/healthy" => Route::Healthy,
            "/-/ready" => Route::Ready,
            "/-/reload" => Route::Reload,
            path if path.starts_with(TARGETS) => Route::Target,
            path if path.starts_with(API_TARGETS) => Route::Deployments,
            _ => Route::NotFound,
        }
    }

    async fn handle(&self, route: Route, uri: &Uri, headers: &HeaderMap) -> Answer {
        match route {
            Route::Metrics => self.metrics(headers).await,
            Route::Page => self.page().await,
            Route::Target => self.target(uri).await,
            Route::Status => self.status().await,
            Route::Deployments => self.deployments(uri).await,
            Route::Healthy => self.healthy(),
            Route::Ready => self.ready(),
            Route::Reload => self.reload().await,
            Route::NotFound => not_found(),
        }
    }

    async fn metrics(&self, headers: &HeaderMap) -> Answer {
        let (format, encoding) = (negotiate::format(headers), negotiate::encoding(headers));
        let body = match self.publisher.body(format, encoding).await {
            Ok(published) => {
                published.last_piece(self.live(format).into()).map(|last| Body::joined(published, last))
            }
            Err(problem) => Err(problem),
        };
        let content_type = match format {
            Format::Text => TEXT_FORMAT,
            Format::OpenMetrics => OPENMETRICS,
        };
        let answer = match body {
            Ok(body) => Answer::ok(content_type, body),
            Err(problem) => {
                error!(%problem, "no metrics rendered");
                return Answer::plain(StatusCode::INTERNAL_SERVER_ERROR, "The metrics can't be rendered\n");
            }
        };
        let answer = answer.with(VARY, "Accept, Accept-Encoding");
        match encoding {
            Encoding::Identity => answer,
            Encoding::Gzip => answer.with(CONTENT_ENCODING, "gzip"),
            Encoding::Zstd => answer.with(CONTENT_ENCODING, "zstd"),
        }
    }

    /// The live metrics and the exposition's end.
    fn live(&self, format: Format) -> String {
        let mut text = match format {
            Format::Text => self.telemetry.render().unwrap_or_else(|problem| {
                // What the API told is worth serving without the exporter's own metrics.
                error!(%problem, "the live metrics are left out");
                String::new()
            }),
            Format::OpenMetrics => self.telemetry.render_openmetrics(),
        };
        text.push_str(format.end());
        text
    }

    async fn page(&self) -> Answer {
        let (snapshot, now) = (self.publisher.snapshot(), self.clock.since_epoch());
        let telemetry_path = self.telemetry_path.clone();
        html(move || page::overview(&snapshot, now, &telemetry_path)).await
    }

    async fn target(&self, uri: &Uri) -> Answer {
        let parameters = target_path::parameters(uri);
        let id = uri.path().strip_prefix(TARGETS).and_then(|path| target_path::target(path, &parameters));
        let (snapshot, now) = (self.publisher.snapshot(), self.clock.since_epoch());
        let Some((id, status)) = id.and_then(|id| snapshot.target(&id).cloned().map(|status| (id, status)))
        else {
            return not_found();
        };
        let get = |name: &str| parameters.get(name).cloned().unwrap_or_default();
        let query = page::Query {
            search: get("q"),
            sort: get("sort"),
            descending: parameters.contains_key("desc"),
            page: get("page").parse().unwrap_or(0),
        };
        let telemetry_path = self.telemetry_path.clone();
        html(move || page::target(&id, &status, &query, now, &telemetry_path)).await
    }

    async fn status(&self) -> Answer {
        let snapshot = self.publisher.snapshot();
        json(move || serde_json::to_vec(&api_v1::status(&snapshot))).await
    }

    async fn deployments(&self, uri: &Uri) -> Answer {
        let parameters = target_path::parameters(uri);
        let path = uri.path().strip_prefix(API_TARGETS).and_then(|path| path.strip_suffix("/deployments"));
        let id = path.and_then(|path| target_path::target(path, &parameters));
        let snapshot = self.publisher.snapshot();
        let Some((id, status)) = id.and_then(|id| snapshot.target(&id).cloned().map(|status| (id, status)))
        else {
            return not_found();
        };
        json(move || serde_json::to_vec(&api_v1::deployments(&id, &status))).await
    }

    async fn reload(&self) -> Answer {
        let Some(reload) = &self.reload else {
            return Answer::plain(StatusCode::FORBIDDEN, LIFECYCLE_DISABLED);
        };
        match reload.ask().await {
            Ok(changes) => Answer::ok(PLAIN, format!("Reloaded. {changes}\n{NEEDS_RESTART}")),
            Err(mistakes) => Answer::new(StatusCode::INTERNAL_SERVER_ERROR, PLAIN, format!("{mistakes}\n")),
        }
    }

    /// Whether every target's poll finishes or times out.
    fn healthy(&self) -> Answer {
        match self.publisher.store().stuck(Instant::now()).len() {
            0 => Answer::plain(StatusCode::OK, "Healthy\n"),
            stuck => {
                let text = format!("Stuck polls, which neither finish nor time out: {stuck}\n");
                Answer::new(StatusCode::SERVICE_UNAVAILABLE, PLAIN, text)
            }
        }
    }

    fn ready(&self) -> Answer {
        if self.stopping.is_cancelled() {
            Answer::plain(StatusCode::SERVICE_UNAVAILABLE, "Stopping\n")
        } else if self.readiness.is_ready() {
            Answer::plain(StatusCode::OK, "Ready\n")
        } else {
            Answer::plain(StatusCode::SERVICE_UNAVAILABLE, "Not every target has been polled yet\n")
        }
    }
}

fn not_found() -> Answer {
    Answer::plain(StatusCode::NOT_FOUND, "Not found\n")
}

/// A page, rendered off the async threads: it may list a large fleet.
async fn html(render: impl FnOnce() -> String + Send + 'static) -> Answer {
    match tokio::task::spawn_blocking(render).await {
        Ok(html) => Answer::ok(HTML, html)
            .with(CONTENT_SECURITY_POLICY, page::SECURITY_POLICY)
            .with(X_FRAME_OPTIONS, "DENY")
            .with(REFERRER_POLICY, "no-referrer"),
        Err(problem) => failed(&problem),
    }
}

async fn json(render: impl FnOnce() -> serde_json::Result<Vec<u8>> + Send + 'static) -> Answer {
    match tokio::task::spawn_blocking(render).await {
        Ok(Ok(json)) => Answer::ok(JSON, json),
        Ok(Err(problem)) => failed(&problem),
        Err(problem) => failed(&problem),
    }
}

fn failed(problem: &impl std::fmt::Display) -> Answer {
    error!(%problem, "nothing rendered");
    Answer::plain(StatusCode::INTERNAL_SERVER_ERROR, "This can't be rendered\n")
}
