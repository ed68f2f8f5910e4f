//! HTTP clients whose requests carry secrets: no redirects, no automatic retries, errors without URLs. [`Resolver`] bounds
//! name resolution, [`Proxies`] decides which requests use a proxy, and [`Backoff`] spaces retries.

mod backoff;
mod certificates;
mod error;
mod hosts_file;
mod loopback_addresses;
mod proxies;
mod resolver;
mod single_flight;

use std::sync::Arc;

pub use backoff::Backoff;
pub use certificates::certificate_warnings;
pub use error::{failure, root_cause};
pub use loopback_addresses::is_loopback;
pub use proxies::{InvalidProxy, Proxies, Route};
pub use resolver::{LookupError, Resolver};

use reqwest::{ClientBuilder, redirect, retry};

/// A client builder for requests that only their addressee may see. The caller sets timeouts, proxies and pooling.
pub fn builder(user_agent: &str, resolver: Arc<Resolver>) -> ClientBuilder {
    reqwest::Client::builder()
        .dns_resolver(resolver)
        .user_agent(user_agent)
        // A redirect would send the signature or the token to another host.
        .redirect(redirect::Policy::none())
        .referer(false)
        .retry(retry::never())
}
