//! A client of Alibaba Cloud's API: signing, limits, retries, pagination and errors, for any operation.

use std::time::Duration;

mod account_rate_limit;
mod client;
mod client_limits;
mod decoder;
mod error;
mod error_classification;
mod error_response;
mod http_clients;
mod http_exchange;
mod invalid_values;
mod listing_context;
mod listing_progress;
mod listing_size;
mod operation;
mod pagination;
mod rate_limiter;
mod redaction;
mod request;
mod response_envelope;
mod retry;

#[cfg(test)]
pub(crate) mod tests;

pub use account_rate_limit::{AccountRateLimits, default_account_rate};

pub use client::{Client, Region, Workspace};
pub use client_limits::Priority;
pub use decoder::{DecodeError, Decoded, Decoder};
pub use error::ApiError;
pub use error_classification::{RETRY_REASONS, Retry};
pub use http_clients::HttpClients;
pub use http_exchange::Endpoint;
pub use invalid_values::{InvalidField, InvalidValues};
pub use listing_progress::ListingProgress;
pub use operation::{Operation, Pagination, Product};
pub use pagination::Listing;
pub use rate_limiter::{RateLimiter, RateTurn};
pub(crate) use response_envelope::Page;

/// Settings of clients. The limits apply to each client, unless they say otherwise.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Objects on one page of a listing, 1 to 100.
    pub page_size: u32,
    /// Requests in flight.
    pub max_concurrent_requests: usize,
    /// Requests started per second.
    pub requests_per_second: f64,
    /// Requests started per second to `ververica`, by all clients with the same region and credentials.
    pub account_requests_per_second: f64,
    /// Requests started per second to `foasconsole`, by all clients with the same region and credentials.
    pub console_requests_per_second: f64,
    /// Timeout of one request, from connecting to the last byte of the body.
    pub request_timeout: Duration,
    /// Retries of one request.
    pub max_retries: u32,
    /// The largest accepted body, in bytes.
    pub max_response_size: usize,
    /// The largest accepted listing: the bytes of all its pages.
    pub max_listing_size: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            page_size: 100,
            max_concurrent_requests: 4,
            requests_per_second: 10.0,
            account_requests_per_second: 50.0,
            console_requests_per_second: 2.0,
            request_timeout: Duration::from_secs(10),
            max_retries: 4,
            max_response_size: 64 * 1024 * 1024,
            max_listing_size: 1024 * 1024 * 1024,
        }
    }
}

/// Reads `body` as an error; for fuzzers.
pub(crate) fn fuzz_error(body: &[u8]) {
    drop(ApiError::from_reply(400, &reqwest::header::HeaderMap::new(), body).to_string());
}
