//! Rate limit, authentication and response headers, applied before the routes.

use std::{net::IpAddr, sync::Arc};

use hyper::{
    Request, Response, StatusCode,
    header::{AUTHORIZATION, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE},
};

use super::{
    body::Body,
    log_limit::LogLimit,
    request_check,
    routes::{self, Routes},
    security::{Reloader, Security, Verdict},
};

/// Passes permitted requests on to the routes.
#[derive(Debug)]
pub(super) struct Middleware {
    pub(super) routes: Arc<Routes>,
    pub(super) security: Arc<Reloader>,
    /// Whether only probes are served, in clear text and without authentication.
    pub(super) only_probes: bool,
    /// Limits the log lines about rejected client certificates.
    pub(super) rejections: LogLimit,
}

impl Middleware {
    /// The TLS settings for a new connection, if TLS is enabled.
    pub(super) fn tls(&self) -> Option<Arc<rustls::ServerConfig>> {
        if self.only_probes {
            None
        } else {
            self.security.current().tls.as_ref().map(|tls| tls.config.clone())
        }
    }

    /// Responds to `request`, or refuses it.
    ///
    /// Probes bypass authentication and the rate limit: an orchestrator has no password, and a 429 must not cause a
    /// restart. They reveal only that the exporter runs.
    pub(super) async fn respond<B>(&self, request: &Request<B>, network: IpAddr) -> Response<Body> {
        if self.only_probes {
            return self.probe(request).await;
        }
        let security = self.security.current();
        let mut response = self.pass(request, &security, network).await;
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

    async fn probe<B>(&self, request: &Request<B>) -> Response<Body> {
        if let Some((status, text)) = request_check::refusal(request, None) {
            return self.routes.refuse(request, status, text);
        }
        let is_probe = routes::is_probe(request.uri().path());
        if is_probe { self.routes.answer(request).await } else { self.routes.not_found(request) }
    }

    async fn pass<B>(&self, request: &Request<B>, security: &Security, network: IpAddr) -> Response<Body> {
        let refuse = |status, text| self.routes.refuse(request, status, text);
        if let Some((status, text)) = request_check::refusal(request, None) {
            return refuse(status, text);
        }
        if routes::is_probe(request.uri().path()) {
            return self.routes.answer(request).await;
        }
        if security.limit.as_ref().is_some_and(|limit| !limit.take()) {
            return refuse(StatusCode::TOO_MANY_REQUESTS, "Too many requests\n");
        }
        match security.users.verdict(request.headers().get(AUTHORIZATION), network).await {
            Verdict::Allowed => self.routes.answer(request).await,
            Verdict::Denied => refuse(StatusCode::UNAUTHORIZED, "Unauthorized\n"),
            Verdict::Busy => {
                refuse(StatusCode::SERVICE_UNAVAILABLE, "Too many passwords are being checked\n")
            }
        }
    }
}
