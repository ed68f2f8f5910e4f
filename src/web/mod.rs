//! The HTTP server. Requests are served from memory and never wait for the cloud.

mod answer;
mod api_v1;
mod body;
mod client;
mod conn;
mod json_cache;
mod limits;
mod listen;
mod log_limit;
mod middleware;
mod negotiate;
mod page;
mod paths;
mod recent_failures;
mod reload;
mod request_check;
mod response_memory;
mod route;
mod routes;
mod security;
mod server;
mod shared_bodies;
mod state_status;
mod target_path;

pub use listen::{BindError, ListenAddress, Listeners};
pub use paths::{Paths, normalize as normalize_prefix};
pub use reload::{Reload, Reloaded};
pub use route::is_reserved;
pub use routes::Routes;
pub use security::{Reloader as SecurityStore, Security, WebConfigError};
pub use server::serve;

/// Negotiates by these bytes; for fuzzers.
pub(crate) fn fuzz_negotiation(bytes: &[u8]) {
    use hyper::header::{ACCEPT, ACCEPT_ENCODING, HeaderMap, HeaderValue};
    // What HTTP forbids in a header never gets as far as this.
    let Ok(value) = HeaderValue::from_bytes(bytes) else { return };
    let headers = HeaderMap::from_iter([(ACCEPT, value.clone()), (ACCEPT_ENCODING, value)]);
    let _ = (negotiate::format(&headers), negotiate::encoding(&headers));
}
