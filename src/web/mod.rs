//! The HTTP server. Requests are served from memory and never wait for the cloud.

mod api_v1;
mod body;
mod conn;
mod log_limit;
mod middleware;
mod negotiate;
mod page;
mod reload;
mod request_check;
mod routes;
mod security;
mod server;
mod target_path;

pub use reload::{Reload, Reloaded};
pub use routes::{Routes, is_reserved};
pub use security::{Reloader as SecurityStore, Security, WebConfigError};
pub use server::{Listeners, serve};

/// Negotiates by these bytes; for fuzzers.
pub(crate) fn fuzz_negotiation(bytes: &[u8]) {
    use hyper::header::{ACCEPT, ACCEPT_ENCODING, HeaderMap, HeaderValue};
    // What HTTP forbids in a header never gets as far as this.
    let Ok(value) = HeaderValue::from_bytes(bytes) else { return };
    let headers = HeaderMap::from_iter([(ACCEPT, value.clone()), (ACCEPT_ENCODING, value)]);
    let _ = (negotiate::format(&headers), negotiate::encoding(&headers));
}
