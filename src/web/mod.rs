//! What the exporter answers over HTTP, from memory alone.

mod address;
mod body;
mod connection;
mod connections;
mod gate;
mod negotiate;
mod page;
mod reload;
mod routes;
mod security;
mod server;
mod status;

pub use reload::{Reload, Reloaded};
pub use routes::{Routes, is_reserved};
pub use security::{Security, Store as SecurityStore, WebConfigError};
pub use server::{Listeners, serve};

/// Negotiates by these bytes; for fuzzers.
pub(crate) fn fuzz_negotiation(bytes: &[u8]) {
    use hyper::header::{ACCEPT, ACCEPT_ENCODING, HeaderMap, HeaderValue};
    // What HTTP forbids in a header never gets as far as this.
    let Ok(value) = HeaderValue::from_bytes(bytes) else { return };
    let headers = HeaderMap::from_iter([(ACCEPT, value.clone()), (ACCEPT_ENCODING, value)]);
    let _ = (negotiate::format(&headers), negotiate::encoding(&headers));
}
