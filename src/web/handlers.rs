//! Answers requests.

use std::sync::Arc;

use hyper::{
    HeaderMap, Request, Response, StatusCode, Uri,
    header::{
        ALLOW, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, HeaderValue, LOCATION, REFERRER_POLICY,
        RETRY_AFTER, VARY, X_FRAME_OPTIONS,
    },
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::{
    api_v1::{self, Exporter},
    body_renderer::{BodyRenderer, NoBody},
    json_cache::JsonSource,
    negotiate, page,
    page::PageData,
    reload_handle::ReloadHandle,
    response_body::{ResponseBody, SharedBody},
    response_content::{PLAIN, ResponseContent},
    route_prefix::Paths,
    router::{API_TARGETS, Route, TARGETS},
    superseded_bodies::BodyKey,
    target_path,
};
use crate::{
    clock::Clock,
    exposition::{Encoding, Format, PublishedSeries},
    snapshot::Publisher,
    store::Readiness,
    telemetry::Telemetry,
};

/// The text format that every scraper accepts.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json";

const LIFECYCLE_DISABLED: &str =
    "Reloading over HTTP is off: start the exporter with --web.enable-lifecycle\n";

const NEEDS_RESTART: &str = "Flags, such as --web.listen-address, take effect at a restart only.\n";

/// What requests are answered from.
#[derive(Debug)]
pub struct Handlers {
    /// The published data.
    pub publisher: Arc<Publisher>,
    /// Whether the exporter is ready.
    pub readiness: Readiness,
    /// The exporter's own metrics.
    pub telemetry: Telemetry,
    /// The paths that are served.
    pub paths: Paths,
    /// Reloads the configuration, if clients may ask for it.
    pub reload: Option<ReloadHandle>,
    /// Cancelled when the exporter stops.
    pub shutdown: CancellationToken,
    /// The time of day.
    pub clock: Clock,
}

impl Handlers {
    /// Answers `request`, whose body is not read.
    pub(super) async fn answer<B>(
        &self,
        request: &Request<B>,
        route: Route,
        renderer: BodyRenderer<'_>,
    ) -> Response<ResponseBody> {
        let answer = if route == Route::NotFound {
            ResponseContent::not_found()
        } else if route.allows(request.method()) {
            self.handle(route, request.uri(), request.headers(), renderer).await
        } else {
            ResponseContent::plain(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed\n")
                .with(ALLOW, route.methods())
        };
        self.respond(request, route, answer)
    }

    /// Refuses `request` with a plain text.
    pub(super) fn refuse<B>(
        &self,
        request: &Request<B>,
        route: Route,
        status: StatusCode,
        text: &'static str,
    ) -> Response<ResponseBody> {
        self.respond(request, route, ResponseContent::plain(status, text))
    }

    fn respond<B>(
        &self,
        request: &Request<B>,
        route: Route,
        answer: ResponseContent,
    ) -> Response<ResponseBody> {
        self.telemetry.http_request(route.name(), answer.status.as_u16());
        answer.into_response(request)
    }

    async fn handle(
        &self,
        route: Route,
        uri: &Uri,
        headers: &HeaderMap,
        renderer: BodyRenderer<'_>,
    ) -> ResponseContent {
        match route {
            Route::Metrics => self.metrics(headers, renderer).await,
            Route::Page => self.overview(renderer).await,
            Route::Target => self.target(uri, renderer).await,
            Route::Deployment => self.deployment(uri, renderer).await,
            Route::Status => self.status(renderer).await,
            Route::Deployments => self.deployments(uri, renderer).await,
            Route::Healthy => self.healthy(),
            Route::Ready => self.ready(),
            Route::ReloadHandle => self.reload().await,
            Route::Redirect => self.redirect(),
            Route::NotFound => ResponseContent::not_found(),
        }
    }

    async fn metrics(&self, headers: &HeaderMap, renderer: BodyRenderer<'_>) -> ResponseContent {
        let (format, encoding) = (negotiate::format(headers), negotiate::encoding(headers));
        let published = match self.publisher.body(format, encoding).await {
            Ok(published) => published,
            Err(error) => return failed(NoBody::Failed(error.to_string())),
        };
        let last = || published.last_piece(self.live(format, published.series()).into());
        let shared: Arc<dyn SharedBody> = published.clone();
        let content_type = match format {
            Format::Text => TEXT_FORMAT,
            Format::OpenMetrics => OPENMETRICS,
        };
        let answer = match renderer.shared_body(BodyKey::Metrics(format, encoding), shared, last).await {
            Ok(body) => ResponseContent::ok(content_type, body).with(VARY, "Accept, Accept-Encoding"),
            Err(reason) => return failed(reason),
        };
        match encoding {
            Encoding::Identity => answer,
            Encoding::Gzip => answer.with(CONTENT_ENCODING, "gzip"),
            Encoding::Zstd => answer.with(CONTENT_ENCODING, "zstd"),
        }
    }

    /// The exporter's own metrics and the end of the exposition.
    fn live(&self, format: Format, published: &PublishedSeries) -> String {
        let mut text = match format {
            Format::Text => self.telemetry.render(published).unwrap_or_else(|problem| {
                // The data of the API is useful without the exporter's own metrics.
                error!(%problem, "the exporter's own metrics are omitted");
                String::new()
            }),
            Format::OpenMetrics => self.telemetry.render_openmetrics(published),
        };
        text.push_str(format.end());
        text
    }

    async fn overview(&self, renderer: BodyRenderer<'_>) -> ResponseContent {
        let (snapshot, now) = (self.publisher.snapshot(), self.clock.since_epoch());
        let (publisher, paths) = (self.publisher.clone(), self.paths.clone());
        let telemetry = self.telemetry.clone();
        let render = move || {
            let data = PageData::new(&snapshot, publisher.store(), now, &paths);
            page::overview(&PageData {
                discovery: telemetry.discovery(),
                shard: telemetry.shard(),
                own_series: telemetry.own_series(),
                ..data
            })
        };
        html(renderer.own_page(render).await)
    }

    async fn target(&self, uri: &Uri, renderer: BodyRenderer<'_>) -> ResponseContent {
        let parameters = target_path::parameters(uri);
        let path = self.paths.strip(uri.path()).and_then(|path| path.strip_prefix(TARGETS));
        let id = path.and_then(|path| target_path::target(path, &parameters));
        let (snapshot, now) = (self.publisher.snapshot(), self.clock.since_epoch());
        let Some((id, status)) = id.and_then(|id| snapshot.target(&id).cloned().map(|status| (id, status)))
        else {
            return ResponseContent::not_found();
        };
        let get = |name: &str| parameters.get(name).cloned().unwrap_or_default();
        let query = page::PageQuery {
            search: get("q"),
            sort: get("sort"),
            descending: parameters.contains_key("desc"),
            page: get("page").parse().unwrap_or(0),
        };
        let (publisher, paths) = (self.publisher.clone(), self.paths.clone());
        let render = move || {
            let data = PageData::new(&snapshot, publisher.store(), now, &paths);
            page::target(&data, &id, &status, &query)
        };
        html(renderer.own_page(render).await)
    }

    async fn deployment(&self, uri: &Uri, renderer: BodyRenderer<'_>) -> ResponseContent {
        let path = self.paths.strip(uri.path()).and_then(|path| path.strip_prefix(TARGETS));
        let Some((group, id)) = path.and_then(target_path::deployment) else {
            return ResponseContent::not_found();
        };
        let (snapshot, now) = (self.publisher.snapshot(), self.clock.since_epoch());
        let Some(status) = page::serving(&snapshot, &group, &id) else { return ResponseContent::not_found() };
        let (publisher, paths) = (self.publisher.clone(), self.paths.clone());
        let render = move || {
            let data = PageData::new(&snapshot, publisher.store(), now, &paths);
            // It is in this data, which does not change.
            page::deployment(&data, &group, &status, &id).unwrap_or_default()
        };
        html(renderer.own_page(render).await)
    }

    async fn status(&self, renderer: BodyRenderer<'_>) -> ResponseContent {
        let (snapshot, now) = (self.publisher.snapshot(), self.clock.since_epoch());
        let source = JsonSource::Snapshot(Arc::downgrade(&snapshot));
        let (publisher, telemetry) = (self.publisher.clone(), self.telemetry.clone());
        let render = move || {
            let exporter = Exporter {
                shard: telemetry.shard(),
                discovery: telemetry.discovery(),
                own_series: telemetry.own_series(),
            };
            serde_json::to_vec(&api_v1::status(&snapshot, publisher.store(), exporter, now))
        };
        json(renderer.json_body(BodyKey::Status, source, render).await)
    }

    async fn deployments(&self, uri: &Uri, renderer: BodyRenderer<'_>) -> ResponseContent {
        let parameters = target_path::parameters(uri);
        let path = self.paths.strip(uri.path()).and_then(|path| path.strip_prefix(API_TARGETS));
        let path = path.and_then(|path| path.strip_suffix("/deployments"));
        let id = path.and_then(|path| target_path::target(path, &parameters));
        let snapshot = self.publisher.snapshot();
        let Some((id, status)) = id.and_then(|id| snapshot.target(&id).cloned().map(|status| (id, status)))
        else {
            return ResponseContent::not_found();
        };
        let (key, source) = (BodyKey::Deployments(id.clone()), JsonSource::Target(Arc::downgrade(&status)));
        let publisher = self.publisher.clone();
        let render = move || serde_json::to_vec(&api_v1::deployments(&id, &status, publisher.store()));
        json(renderer.json_body(key, source, render).await)
    }

    async fn reload(&self) -> ResponseContent {
        let Some(reload) = &self.reload else {
            return ResponseContent::plain(StatusCode::FORBIDDEN, LIFECYCLE_DISABLED);
        };
        match reload.ask().await {
            Ok(changes) => ResponseContent::ok(PLAIN, format!("Reloaded. {changes}\n{NEEDS_RESTART}")),
            Err(errors) => {
                ResponseContent::new(StatusCode::INTERNAL_SERVER_ERROR, PLAIN, format!("{errors}\n"))
            }
        }
    }

    /// Whether every target's poll finishes or times out.
    fn healthy(&self) -> ResponseContent {
        match self.publisher.store().stuck(Instant::now()).len() {
            0 => ResponseContent::plain(StatusCode::OK, "Healthy\n"),
            stuck => {
                let text = format!("Stuck polls, which neither finish nor time out: {stuck}\n");
                ResponseContent::new(StatusCode::SERVICE_UNAVAILABLE, PLAIN, text)
            }
        }
    }

    fn ready(&self) -> ResponseContent {
        if self.shutdown.is_cancelled() {
            ResponseContent::plain(StatusCode::SERVICE_UNAVAILABLE, "Stopping\n")
        } else if self.readiness.is_ready() {
            ResponseContent::plain(StatusCode::OK, "Ready\n")
        } else {
            ResponseContent::plain(StatusCode::SERVICE_UNAVAILABLE, "Not every target has been polled yet\n")
        }
    }

    fn redirect(&self) -> ResponseContent {
        match HeaderValue::try_from(self.paths.link("/")) {
            Ok(location) => {
                ResponseContent::plain(StatusCode::FOUND, "See Location\n").with_value(LOCATION, location)
            }
            Err(_) => ResponseContent::not_found(),
        }
    }
}

fn html(body: Result<ResponseBody, NoBody>) -> ResponseContent {
    match body {
        Ok(body) => ResponseContent::ok(HTML, body)
            .with(CONTENT_SECURITY_POLICY, page::SECURITY_POLICY)
            .with(X_FRAME_OPTIONS, "DENY")
            .with(REFERRER_POLICY, "no-referrer"),
        Err(reason) => failed(reason),
    }
}

fn json(body: Result<ResponseBody, NoBody>) -> ResponseContent {
    body.map_or_else(failed, |body| ResponseContent::ok(JSON, body))
}

fn failed(reason: NoBody) -> ResponseContent {
    match reason {
        NoBody::Overloaded => ResponseContent::plain(
            StatusCode::SERVICE_UNAVAILABLE,
            "Other responses hold too much memory: try again\n",
        )
        .with(RETRY_AFTER, "5"),
        NoBody::Failed(problem) => {
            error!(%problem, "cannot render a response");
            ResponseContent::plain(StatusCode::INTERNAL_SERVER_ERROR, "This response cannot be rendered\n")
        }
    }
}
