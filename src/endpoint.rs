//! What an endpoint's address says, and what an error on the way there, for whoever sends something.

use std::error::Error;

use url::{Host, Url};

/// The innermost cause: it says what happened, where those above it say what was tried. An error without a cause is
/// its own, so nothing that shows a URL with a secret may be given.
pub fn root_cause<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error
}

/// Whether `url` is of this machine itself: by its address, or as `localhost`.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        None => false,
    }
}
