//! Rate limit, authentication and response headers, applied before the routes.

use std::{net::IpAddr, sync::Arc};

use hyper::{
    Request, Response, StatusCode,
    header::{AUTHORIZATION, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE},
};

use super::{
    body::Body,
    routes::{self, Routes},
    security::{Reloader, Verdict},
};

/// Passes permitted requests on to the routes.
#[derive(Debug)]
pub(super) struct Middleware {
    pub(super) routes: Arc<Routes>,
    pub(super) security: Arc<Reloader>,
    /// Whether only probes are served, in clear text and without authentication.
    pub(super) only_probes: bool,
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
        let probe = routes::is_probe(request.uri().path());
        if self.only_probes {
            return if probe { self.routes.answer(request).await } else { self.routes.not_found(request) };
        }
        let security = self.security.current();
        let mut response = if probe {
            self.routes.answer(request).await
        } else if security.limit.as_ref().is_some_and(|limit| !limit.take()) {
            self.routes.refuse(request, StatusCode::TOO_MANY_REQUESTS, "Too many requests\n")
        } else {
            match security.users.verdict(request.headers().get(AUTHORIZATION), network).await {
                Verdict::Allowed => self.routes.answer(request).await,
                Verdict::Denied => self.routes.refuse(request, StatusCode::UNAUTHORIZED, "Unauthorized\n"),
                Verdict::Busy => self.routes.refuse(
                    request,
                    StatusCode::SERVICE_UNAVAILABLE,
                    "Too many passwords are being checked\n",
                ),
            }
        };
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
}
