//! One HTTP exchange: a signed request, and its reply within the limits of its size.

use std::error::Error as _;

use outbound_http::root_cause;
use rand::RngExt as _;
use reqwest::{
    Client as HttpClient, StatusCode,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::{ApiError, Retry, Settings, request::ApiRequest};
use crate::{clock::Clock, credentials::Credentials, model::ErrorClass};

/// The endpoint of a product in a region.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Scheme and host, without a trailing slash.
    base: String,
    /// The `Host` header's value, as it is signed.
    host: String,
}

impl Endpoint {
    /// The endpoint at `url`, whose path is not used.
    pub fn new(url: &Url) -> Self {
        let host = match (url.host_str().unwrap_or_default(), url.port()) {
            (host, Some(port)) => format!("{host}:{port}"),
            (host, None) => host.to_owned(),
        };
        Self { base: format!("{}://{host}", url.scheme()), host }
    }
}

/// A complete reply.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

/// Exchanges requests and replies with one endpoint.
#[derive(Debug, Clone)]
pub(super) struct HttpExchange {
    /// The workspace's id; empty for requests that concern a whole region.
    workspace: String,
    endpoint: Endpoint,
    client: HttpClient,
    /// Maximum size of a body, in bytes.
    max_response_size: usize,
    /// Maximum size of all bodies of a listing, in bytes.
    max_listing_size: usize,
    clock: Clock,
}

impl HttpExchange {
    pub(super) fn new(
        workspace: String,
        endpoint: Endpoint,
        client: HttpClient,
        settings: &Settings,
        clock: Clock,
    ) -> Self {
        let &Settings { max_response_size, max_listing_size, .. } = settings;
        Self { workspace, endpoint, client, max_response_size, max_listing_size, clock }
    }

    /// The workspace's id; empty for requests that concern a whole region.
    pub(super) fn workspace(&self) -> &str {
        &self.workspace
    }

    /// The headers of `request`, signed with `credentials`.
    ///
    /// # Errors
    ///
    /// [`ErrorClass::Auth`] if a value, such as an access key ID, contains characters that HTTP forbids.
    pub(super) fn headers(
        &self,
        request: &ApiRequest,
        credentials: &Credentials,
    ) -> Result<HeaderMap, ApiError> {
        let date = self.clock.timestamp().to_string();
        let nonce = format!("{:032x}", rand::rng().random::<u128>());
        let workspace = [("workspace", &*self.workspace)];
        let call = acs3::Call {
            method: "GET",
            host: &self.endpoint.host,
            path: &request.path,
            query: &request.query,
            action: request.action,
            version: request.product.version(),
            date: &date,
            nonce: &nonce,
            headers: if self.workspace.is_empty() { &[] } else { &workspace },
        };
        let key = acs3::AccessKey {
            id: &credentials.access_key_id,
            secret: credentials.access_key_secret.expose_secret(),
            security_token: credentials.security_token.as_ref().map(SecretString::expose_secret),
        };
        let mut headers = call.signed_headers(key);
        headers.push(("accept", "application/json".into()));
        headers.into_iter().map(|(name, value)| header(name, &value)).collect()
    }

    /// Sends `request` with `headers`, and reads the body within the limits of its size.
    ///
    /// # Errors
    ///
    /// [`ErrorClass::Network`] or [`ErrorClass::Timeout`] if the connection fails, [`ErrorClass::InvalidResponse`] if the
    /// body is too large or its compression is damaged. A status other than 200 is no error here.
    pub(super) async fn send(&self, request: &ApiRequest, headers: HeaderMap) -> Result<Reply, ApiError> {
        let url = format!("{}{}?{}", self.endpoint.base, request.path, request.query);
        let response = self.client.get(url).headers(headers).send();
        let mut response = response.await.map_err(|error| network(&error))?;
        let status = response.status();
        let limit = self.max_response_size;
        let announced = response.content_length().unwrap_or_default();
        if announced > limit as u64 {
            return Err(too_large(limit).with_status(status.as_u16()));
        }
        let mut body = request.context.buffers.take(usize::try_from(announced).unwrap_or_default());
        while let Some(chunk) = response.chunk().await.map_err(|error| broken(&error, status))? {
            let size = body.len() + chunk.len();
            if size > limit {
                return Err(too_large(limit).with_status(status.as_u16()));
            }
            let listing = request.context.size.check(size, self.max_listing_size);
            listing.map_err(|error| error.with_status(status.as_u16()))?;
            body.extend_from_slice(&chunk);
        }
        request.context.size.add_page(body.len());
        let headers = std::mem::take(response.headers_mut());
        Ok(Reply { status, headers, body })
    }
}

fn header(name: &'static str, value: &str) -> Result<(HeaderName, HeaderValue), ApiError> {
    let mut value = HeaderValue::from_str(value).map_err(|_| {
        let detail =
            format!("the header `{name}` can't be sent: its value contains characters that HTTP forbids");
        ApiError::new(ErrorClass::Auth, Retry::Never, detail)
    })?;
    value.set_sensitive(matches!(name, "authorization" | "x-acs-security-token"));
    Ok((HeaderName::from_static(name), value))
}

/// No time is left until a deadline.
pub(super) fn timed_out(what: &str) -> ApiError {
    ApiError::new(ErrorClass::Timeout, Retry::Backoff, format!("no time left: {what}"))
}

fn too_large(limit: usize) -> ApiError {
    let detail = format!("the reply is larger than api.max_response_size ({limit} bytes)");
    ApiError::invalid(Retry::Never, detail)
}

/// A connection error, without the URL: that of a proxy may contain a password.
fn network(error: &reqwest::Error) -> ApiError {
    if error.is_timeout() {
        return timed_out("the connection");
    }
    let detail = error.source().map(|cause| root_cause(cause).to_string());
    let detail = detail.unwrap_or_default();
    let stage = if error.is_connect() { "no connection" } else { "the connection broke" };
    ApiError::new(ErrorClass::Network, Retry::Backoff, format!("{stage}: {detail}"))
}

/// An error while the body was received.
fn broken(error: &reqwest::Error, status: StatusCode) -> ApiError {
    let mut cause = error.source();
    while let Some(inner) = cause {
        // hyper reports errors of the connection; all others come from the decompression.
        if inner.downcast_ref::<hyper::Error>().is_some() {
            return network(error);
        }
        cause = inner.source();
    }
    ApiError::invalid(Retry::Backoff, "the reply's compression is damaged").with_status(status.as_u16())
}
