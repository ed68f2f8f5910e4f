//! Checks the health of the local exporter, for container health checks and exec probes without an HTTP client.
//!
//! Tries plain HTTP first, then HTTPS: the caller knows only the address. The certificate is not verified, as a kubelet
//! does not verify it either.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use reqwest::StatusCode;
use tokio::time::Instant;

use crate::{application::USER_AGENT, web::ListenAddress};
use outbound_http::root_cause;

/// The limit for the whole check. A server that takes longer is unhealthy.
const TIMEOUT: Duration = Duration::from_secs(3);

/// What to check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probe {
    /// Whether the process serves.
    Healthy,
    /// Whether every target has been polled.
    Ready,
}

impl Probe {
    fn path(self) -> &'static str {
        match self {
            Self::Healthy => "/-/healthy",
            Self::Ready => "/-/ready",
        }
    }
}

/// Why the check did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum HealthError {
    /// The HTTP client can't be built.
    #[error("the HTTP client can't be built: {}", root_cause(.0))]
    HttpClient(#[source] reqwest::Error),
    /// The exporter answered with a status other than 200.
    #[error("{url} answers {status}")]
    Unhealthy {
        /// The requested URL.
        url: String,
        /// The status of the answer.
        status: StatusCode,
    },
    /// There is no answer.
    #[error("{url} doesn't answer{}", reason(url, source))]
    Unreachable {
        /// The requested URL.
        url: String,
        /// The failure of the request.
        source: reqwest::Error,
    },
}

fn reason(url: &str, source: &reqwest::Error) -> String {
    if source.is_timeout() {
        return format!(" within {} s", TIMEOUT.as_secs());
    }
    let hint = if url.starts_with("https:") && !source.is_connect() {
        "; where client certificates are required, give the exporter and this command --web.probe-address"
    } else {
        ""
    };
    format!(": {}{hint}", root_cause(source))
}

/// Checks the exporter that listens on `address` and serves paths below `prefix`; returns the URL that answered 200.
///
/// # Errors
///
/// The exporter cannot be reached within the timeout, or its answer is not 200.
pub async fn check(address: ListenAddress, prefix: &str, probe: Probe) -> Result<String, HealthError> {
    let client = outbound_http::builder(USER_AGENT, Arc::default())
        .no_proxy()
        .tls_danger_accept_invalid_certs(true)
        .build()
        .map_err(HealthError::HttpClient)?;
    let deadline = Instant::now() + TIMEOUT;
    let mut result = check_at(&client, reachable(address), prefix, probe, deadline).await;
    // A port of every address may be one of IPv6 only.
    if let (ListenAddress::Any(port), Err(HealthError::Unreachable { source, .. })) = (address, &result)
        && source.is_connect()
    {
        let loopback = (Ipv6Addr::LOCALHOST, port).into();
        let other = check_at(&client, loopback, prefix, probe, deadline).await;
        if !matches!(other, Err(HealthError::Unreachable { .. })) {
            result = other;
        }
    }
    result
}

async fn check_at(
    client: &reqwest::Client,
    address: SocketAddr,
    prefix: &str,
    probe: Probe,
    deadline: Instant,
) -> Result<String, HealthError> {
    let place = format!("{address}{prefix}{}", probe.path());
    match get(client, format!("http://{place}"), deadline).await {
        // Connected, but the answer was not HTTP: a TLS server rejects requests in clear text.
        Err(HealthError::Unreachable { source, .. }) if !source.is_connect() && !source.is_timeout() => {
            get(client, format!("https://{place}"), deadline).await
        }
        answer => answer,
    }
}

async fn get(client: &reqwest::Client, url: String, deadline: Instant) -> Result<String, HealthError> {
    let left = deadline.saturating_duration_since(Instant::now());
    match client.get(&url).timeout(left).send().await {
        Ok(reply) if reply.status() == StatusCode::OK => Ok(url),
        Ok(reply) => Err(HealthError::Unhealthy { url, status: reply.status() }),
        Err(source) => Err(HealthError::Unreachable { url, source }),
    }
}

/// The address of a local listener as seen from this machine.
fn reachable(address: ListenAddress) -> SocketAddr {
    let address = match address {
        ListenAddress::Any(port) => return (Ipv4Addr::LOCALHOST, port).into(),
        ListenAddress::Socket(address) => address,
    };
    let host = match address.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        given => given,
    };
    SocketAddr::new(host, address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_on_every_address_is_reached_by_loopback() {
        for (listens, reached) in [
            (":10978", "127.0.0.1:10978"),
            ("0.0.0.0:10978", "127.0.0.1:10978"),
            ("[::]:10978", "[::1]:10978"),
            ("10.0.0.1:80", "10.0.0.1:80"),
        ] {
            assert_eq!(reachable(listens.parse().unwrap()).to_string(), reached);
        }
    }
}
