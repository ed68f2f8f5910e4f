//! Which path gives what.

use std::sync::Arc;

use bytes::Bytes;
use hyper::{
    Method, Request, Response, StatusCode,
    header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue},
};
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::{Reload, body::Pieces, page, status};
use crate::{clock::Clock, snapshot::Board, telemetry::Telemetry};

/// The text format that every scraper takes.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";
const PLAIN: &str = "text/plain; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json";

/// The paths that the metrics can't be served under.
pub const RESERVED: [&str; 5] = ["/", "/-/healthy", "/-/ready", RELOAD, "/api/v1/status"];

const RELOAD: &str = "/-/reload";

const LIFECYCLE_DISABLED: &str =
    "Reloading over HTTP is off: start the exporter with --web.enable-lifecycle\n";

const NEEDS_RESTART: &str = "Flags, such as --web.listen-address, take effect at a restart alone.\n";

/// Answers requests.
#[derive(Debug)]
pub struct Routes {
    /// What is served.
    pub board: Arc<Board>,
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

/// Makes a path's answer.
type Handler = fn(&Routes) -> Answer;

/// An answer before its headers.
struct Answer {
    status: StatusCode,
    content_type: &'static str,
    body: Pieces,
}

impl Answer {
    fn ok(content_type: &'static str, body: impl Into<Pieces>) -> Self {
        Self { status: StatusCode::OK, content_type, body: body.into() }
    }

    fn plain(status: StatusCode, text: &'static str) -> Self {
        Self { status, content_type: PLAIN, body: (Bytes::from_static(text.as_bytes()),).into() }
    }
}

impl Routes {
    /// Answers `request`, whose body is not read.
    pub(super) async fn answer<B>(&self, request: Request<B>) -> Response<Pieces> {
        let path = request.uri().path();
        if path == RELOAD {
            return self.answer_reload(request.method()).await;
        }
        let (handler, route) = self.route(path);
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        let answer = match route {
            Some(route) if reads => route(self),
            Some(_) => Answer::plain(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed\n"),
            None => Answer::plain(StatusCode::NOT_FOUND, "Not found\n"),
        };
        self.respond(handler, answer, request.method() == Method::HEAD, "GET, HEAD")
    }

    async fn answer_reload(&self, method: &Method) -> Response<Pieces> {
        let answer = match &self.reload {
            _ if method != Method::POST => {
                Answer::plain(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed\n")
            }
            None => Answer::plain(StatusCode::FORBIDDEN, LIFECYCLE_DISABLED),
            Some(reload) => match reload.ask().await {
                Ok(changes) => Answer::ok(PLAIN, (format!("Reloaded. {changes}\n{NEEDS_RESTART}"),)),
                Err(mistakes) => Answer {
                    status: StatusCode::INTERNAL_SERVER_ERROR,
                    content_type: PLAIN,
                    body: (format!("{mistakes}\n"),).into(),
                },
            },
        };
        self.respond("reload", answer, method == Method::HEAD, "POST")
    }

    fn respond(&self, handler: &str, answer: Answer, head: bool, allowed: &'static str) -> Response<Pieces> {
        self.telemetry.http_request(handler, answer.status.as_u16());
        let mut response = Response::new(Pieces::default());
        *response.status_mut() = answer.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
        headers.insert(CONTENT_LENGTH, HeaderValue::from(answer.body.len()));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
        if answer.content_type == HTML {
            headers.insert("content-security-policy", HeaderValue::from_static(page::SECURITY_POLICY));
        }
        if answer.status == StatusCode::METHOD_NOT_ALLOWED {
            headers.insert(ALLOW, HeaderValue::from_static(allowed));
        }
        if !head {
            *response.body_mut() = answer.body;
        }
        response
    }

    /// The handler's name as it is counted, and the handler.
    fn route(&self, path: &str) -> (&'static str, Option<Handler>) {
        match path {
            path if path == self.telemetry_path => ("metrics", Some(Self::metrics)),
            "/" => ("status_page", Some(Self::page)),
            "/api/v1/status" => ("status", Some(Self::status)),
            "/-/healthy" => ("healthy", Some(|_| Answer::plain(StatusCode::OK, "Healthy\n"))),
            "/-/ready" => ("ready", Some(Self::ready)),
            _ => ("not_found", None),
        }
    }

    fn metrics(&self) -> Answer {
        let mut pieces = self.board.snapshot().text();
        match self.telemetry.render() {
            Ok(live) => pieces.push(live.into()),
            // What the API told is worth serving without the exporter's own metrics.
            Err(problem) => error!(%problem, "the live metrics are left out"),
        }
        Answer::ok(TEXT_FORMAT, pieces)
    }

    fn page(&self) -> Answer {
        let snapshot = self.board.snapshot();
        let html = page::render(&snapshot, self.clock.since_epoch(), &self.telemetry_path);
        Answer::ok(HTML, (html,))
    }

    fn status(&self) -> Answer {
        match serde_json::to_vec(&status::of(&self.board.snapshot())) {
            Ok(json) => Answer::ok(JSON, (json,)),
            Err(problem) => {
                error!(%problem, "no status rendered");
                Answer::plain(StatusCode::INTERNAL_SERVER_ERROR, "The status can't be rendered\n")
            }
        }
    }

    fn ready(&self) -> Answer {
        if self.stopping.is_cancelled() {
            Answer::plain(StatusCode::SERVICE_UNAVAILABLE, "Stopping\n")
        } else if self.board.is_complete() {
            Answer::plain(StatusCode::OK, "Ready\n")
        } else {
            Answer::plain(StatusCode::SERVICE_UNAVAILABLE, "Not every target has been polled yet\n")
        }
    }
}
