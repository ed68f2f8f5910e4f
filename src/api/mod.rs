//! The cloud's API: signing, sending, paging and decoding.

use std::time::Duration;

mod call;
mod client;
mod deployment;
mod envelope;
mod error;
mod get_deployments_by_label;
mod http;
mod invalid;
mod json;
mod limiter;
mod list_deployments;
mod listing;
mod resource_plan;

#[cfg(test)]
mod tests;

/// Reads `body` as a listing and as an error; for fuzzers.
pub(crate) fn fuzz_reply(body: &[u8]) {
    let wanted = crate::model::Wanted { labels: crate::model::LabelKeys::All, ..Default::default() };
    let page = envelope::Page::decode(body, &wanted);
    let refused = ApiError::from_reply(400, &reqwest::header::HeaderMap::new(), body);
    drop((page.map_err(|error| error.to_string()), refused.to_string()));
}

pub use client::{Client, Endpoint, Workspace};
pub use error::{ApiError, ErrorKind, Retry};
pub use http::HttpClients;
pub use invalid::{InvalidField, InvalidValues};
pub use listing::{ListRequest, Listing, Progress};

/// How the API is asked; the limits hold for each workspace.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Deployments on one page of a listing, 1 to 100.
    pub page_size: u32,
    /// Requests under way at once.
    pub max_concurrent_requests: usize,
    /// Requests started in a second.
    pub requests_per_second: f64,
    /// The limit for one request, from connecting to the body's last byte.
    pub request_timeout: Duration,
    /// How often one request is tried again.
    pub max_retries: u32,
    /// The largest body read, in bytes.
    pub max_response_size: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            page_size: 100,
            max_concurrent_requests: 4,
            requests_per_second: 10.0,
            request_timeout: Duration::from_secs(10),
            max_retries: 4,
            max_response_size: 64 * 1024 * 1024,
        }
    }
}
