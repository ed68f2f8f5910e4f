//! The HTTP server. Requests are served from memory and never wait for the cloud.

mod api_v1;
mod body_renderer;
mod connection;
mod connection_limits;
mod handlers;
mod json_cache;
mod listen;
mod log_rate_limit;
mod middleware;
mod negotiate;
mod page;
mod recent_job_failures;
mod reload_handle;
mod request_check;
mod response_body;
mod response_content;
mod response_memory;
mod route_prefix;
mod router;
mod security;
mod server;
mod state_file_status;
mod superseded_bodies;
mod target_path;

pub use handlers::Handlers;
pub use listen::{BindError, ListenAddress, Listeners};
pub use reload_handle::{ReloadHandle, Reloaded};
pub use route_prefix::{Paths, normalize as normalize_prefix};
pub use router::is_reserved;
pub use security::{Security, SecurityStore, WebConfigError};
pub use server::serve;

/// Negotiates by these bytes; for fuzzers.
pub(crate) fn fuzz_negotiation(bytes: &[u8]) {
    use hyper::header::{ACCEPT, ACCEPT_ENCODING, HeaderMap, HeaderValue};
    // What HTTP forbids in a header never gets as far as this.
    let Ok(value) = HeaderValue::from_bytes(bytes) else { return };
    let headers = HeaderMap::from_iter([(ACCEPT, value.clone()), (ACCEPT_ENCODING, value)]);
    let _ = (negotiate::format(&headers), negotiate::encoding(&headers));
}
