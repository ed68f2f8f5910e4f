//! Request checks, rate limit, authentication and response headers, applied before the handlers.

use std::sync::Arc;

use hyper::{
    Request, Response, StatusCode,
    header::{AUTHORIZATION, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE},
};

use super::{
    body_renderer::{BodyRenderer, Responses},
    connection::ConnectionState,
    handlers::Handlers,
    log_rate_limit::LogLimit,
    request_check,
    response_body::ResponseBody,
    router::Route,
    security::{Security, SecurityStore, Verdict},
};

/// Passes permitted requests on to the handlers.
#[derive(Debug)]
pub(super) struct Middleware {
    pub(super) handlers: Arc<Handlers>,
    pub(super) security: Arc<SecurityStore>,
    pub(super) responses: Arc<Responses>,
    /// Whether only probes are served, in clear text and without authentication.
    pub(super) only_probes: bool,
    /// Limits the log lines about rejected client certificates.
    pub(super) rejections: LogLimit,
}

impl Middleware {
    /// The TLS settings for a new connection, if TLS is enabled.
    pub(super) fn tls(&self) -> Option<Arc<rustls::ServerConfig>> {
        if self.only_probes {
            return None;
        }
        self.security.current().tls.as_ref().map(|tls| tls.config.clone())
    }

    /// Responds to `request`, or refuses it.
    ///
    /// Probes bypass authentication and the rate limit: an orchestrator has no password, and a 429 must not cause a
    /// restart. They reveal only that the exporter runs.
    pub(super) async fn respond<B>(
        &self,
        request: &Request<B>,
        connection: &Arc<ConnectionState>,
    ) -> Response<ResponseBody> {
        let renderer = BodyRenderer { connection, responses: &self.responses };
        if self.only_probes {
            let route = Route::of_probe(request.uri().path());
            return match request_check::refusal(request, None) {
                Some((status, text)) => self.handlers.refuse(request, route, status, text),
                None => self.handlers.answer(request, route, renderer).await,
            };
        }
        let security = self.security.current();
        let mut response = self.pass(request, &security, renderer).await;
        let status = response.status();
        let headers = response.headers_mut();
        match status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic"));
            }
            StatusCode::TOO_MANY_REQUESTS => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            _ => {}
        }
        for (name, value) in &security.headers {
            headers.insert(name, value.clone());
        }
        response
    }

    async fn pass<B>(
        &self,
        request: &Request<B>,
        security: &Security,
        renderer: BodyRenderer<'_>,
    ) -> Response<ResponseBody> {
        let route = Route::of(request.uri().path(), &self.handlers.paths);
        let refuse = |status, text| self.handlers.refuse(request, route, status, text);
        if let Some((status, text)) = request_check::refusal(request, self.handlers.paths.external_origin()) {
            return refuse(status, text);
        }
        if route.is_probe() {
            return self.handlers.answer(request, route, renderer).await;
        }
        if security.limit.as_ref().is_some_and(|limit| !limit.take()) {
            return refuse(StatusCode::TOO_MANY_REQUESTS, "Too many requests\n");
        }
        let network = renderer.connection.network();
        match security.users.verdict(request.headers().get(AUTHORIZATION), network).await {
            Verdict::Allowed => self.handlers.answer(request, route, renderer).await,
            Verdict::Denied => refuse(StatusCode::UNAUTHORIZED, "Unauthorized\n"),
            Verdict::Busy => {
                refuse(StatusCode::SERVICE_UNAVAILABLE, "Too many passwords are being checked\n")
            }
        }
    }
}
