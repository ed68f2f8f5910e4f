//! What stands before the routes: the rate limit, the passwords, the headers.

use std::sync::Arc;

use hyper::{
    Request, Response, StatusCode,
    header::{AUTHORIZATION, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE},
};

use super::{Routes, SecurityStore, body::Body, routes, security::Verdict};

/// Answers requests that may be answered.
#[derive(Debug)]
pub(super) struct Gate {
    pub(super) routes: Arc<Routes>,
    pub(super) security: Arc<SecurityStore>,
    /// Whether only probes are answered, in clear text and whoever asks.
    pub(super) only_probes: bool,
}

impl Gate {
    /// How TLS is to be spoken on a new connection, if it is.
    pub(super) fn tls(&self) -> Option<Arc<rustls::ServerConfig>> {
        if self.only_probes { None } else { self.security.current().tls.clone() }
    }

    /// Answers `request`, or says why not.
    ///
    /// Probes are answered without a password and beside the rate limit: whoever restarts the exporter can't know
    /// the one, and must not be misled by the other. They tell no more than that it runs.
    pub(super) async fn answer<B>(&self, request: &Request<B>) -> Response<Body> {
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
            match security.users.verdict(request.headers().get(AUTHORIZATION)).await {
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
