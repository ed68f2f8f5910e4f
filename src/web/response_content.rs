//! The content of a response, before the headers that all responses have.

use bytes::Bytes;
use hyper::{
    Method, Request, Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS},
};

use super::response_body::ResponseBody;

pub(super) const PLAIN: &str = "text/plain; charset=utf-8";

/// The content of a response.
pub(super) struct ResponseContent {
    pub(super) status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) body: ResponseBody,
}

impl ResponseContent {
    pub(super) fn new(status: StatusCode, content_type: &'static str, body: impl Into<ResponseBody>) -> Self {
        let headers = vec![(CONTENT_TYPE, HeaderValue::from_static(content_type))];
        Self { status, headers, body: body.into() }
    }

    pub(super) fn ok(content_type: &'static str, body: impl Into<ResponseBody>) -> Self {
        Self::new(StatusCode::OK, content_type, body)
    }

    pub(super) fn plain(status: StatusCode, text: &'static str) -> Self {
        Self::new(status, PLAIN, Bytes::from_static(text.as_bytes()))
    }

    pub(super) fn not_found() -> Self {
        Self::plain(StatusCode::NOT_FOUND, "Not found\n")
    }

    pub(super) fn with(self, name: HeaderName, value: &'static str) -> Self {
        self.with_value(name, HeaderValue::from_static(value))
    }

    pub(super) fn with_value(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The response to `request`; without a body if it is a `HEAD`.
    pub(super) fn into_response<B>(self, request: &Request<B>) -> Response<ResponseBody> {
        let mut response = Response::new(ResponseBody::default());
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_LENGTH, HeaderValue::from(self.body.len()));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.extend(self.headers);
        if request.method() != Method::HEAD {
            *response.body_mut() = self.body;
        }
        response
    }
}
