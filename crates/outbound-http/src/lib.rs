//! HTTP clients whose requests carry secrets: no redirects, no automatic retries, errors without URLs.

use std::error::Error;

use reqwest::{ClientBuilder, redirect, retry};
use url::{Host, Url};

/// A client builder for requests that only their addressee may see. The caller sets time-outs, proxies and pooling.
pub fn builder(user_agent: &str) -> ClientBuilder {
    reqwest::Client::builder()
        .user_agent(user_agent)
        // A redirect would send the signature or the token to another host.
        .redirect(redirect::Policy::none())
        .referer(false)
        .retry(retry::never())
}

/// The innermost cause of `error`, which says what happened; the outer ones say what was attempted. An error without a
/// cause is its own cause, so `error` must not be one whose text contains a URL with a secret.
pub fn root_cause<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error
}

/// What went wrong with a request, to follow the name of the server. Never contains the URL, which may hold a secret.
pub fn failure(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "did not answer in time".to_owned();
    }
    let stage = if error.is_connect() { "can't be reached" } else { "broke the connection" };
    // The outermost error is the one that prints the URL.
    match error.source() {
        Some(source) => format!("{stage}: {}", root_cause(source)),
        None => stage.to_owned(),
    }
}

/// Whether `url` is of this machine: a loopback address, or `localhost`.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn localhost_and_loopback_addresses_are_this_machine() {
        let is_loopback = |url: &str| is_loopback(&Url::parse(url).unwrap());
        for url in ["http://localhost:1", "http://LOCALHOST", "https://127.9.9.9", "http://[::1]"] {
            assert!(is_loopback(url), "{url}");
        }
        for url in ["http://localhost.example.com", "http://10.0.0.1", "http://[::2]", "data:x"] {
            assert!(!is_loopback(url), "{url}");
        }
    }
}
