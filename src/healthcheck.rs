//! Asks an exporter on this machine how it is, for those that have no other client: a container's health check, an
//! exec probe.
//!
//! Whether the exporter speaks TLS is found out, for who asks has only its address: plain HTTP first, then HTTPS.
//! The certificate is not verified, as a kubelet does not: what is asked is whether this machine's own port answers.

use std::{
    error::Error,
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use reqwest::{StatusCode, redirect::Policy};
use tokio::time::Instant;

use crate::endpoint::root_cause;

/// The limit for the whole probe. A server that answers later than this is not well.
const TIMEOUT: Duration = Duration::from_secs(3);

/// What is asked.
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

/// Why the answer isn't yes.
#[derive(Debug)]
pub enum HealthError {
    /// The HTTP client can't be made.
    HttpClient(reqwest::Error),
    /// The exporter says no.
    Unhealthy {
        /// What was asked.
        url: String,
        /// The answer.
        status: StatusCode,
    },
    /// There is no answer.
    Unreachable {
        /// What was asked.
        url: String,
        /// Why.
        source: reqwest::Error,
    },
}

impl fmt::Display for HealthError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HttpClient(source) => {
                write!(formatter, "the HTTP client can't be made: {}", root_cause(source))
            }
            Self::Unhealthy { url, status } => write!(formatter, "{url} answers {status}"),
            Self::Unreachable { url, source } if source.is_timeout() => {
                write!(formatter, "{url} doesn't answer within {} s", TIMEOUT.as_secs())
            }
            Self::Unreachable { url, source } => {
                write!(formatter, "{url} doesn't answer: {}", root_cause(source))?;
                if url.starts_with("https:") && !source.is_connect() {
                    formatter.write_str(
                        "; where client certificates are required, give the exporter and this command --web.probe-address",
                    )?;
                }
                Ok(())
            }
        }
    }
}

impl Error for HealthError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::HttpClient(source) | Self::Unreachable { source, .. } => Some(source),
            Self::Unhealthy { .. } => None,
        }
    }
}

/// Asks the exporter that listens on `address`; tells what said yes.
pub async fn check(address: SocketAddr, probe: Probe) -> Result<String, HealthError> {
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(Policy::none())
        .retry(reqwest::retry::never())
        .tls_danger_accept_invalid_certs(true)
        .build()
        .map_err(HealthError::HttpClient)?;
    let place = format!("{}{}", reachable(address), probe.path());
    let deadline = Instant::now() + TIMEOUT;
    match get(&client, format!("http://{place}"), deadline).await {
        // Connected, and what came wasn't HTTP: a server of TLS hangs up on a request in clear text.
        Err(HealthError::Unreachable { source, .. }) if !source.is_connect() && !source.is_timeout() => {
            get(&client, format!("https://{place}"), deadline).await
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

/// Where a listener of this machine is reached from this machine.
fn reachable(address: SocketAddr) -> SocketAddr {
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
            ("0.0.0.0:10978", "127.0.0.1:10978"),
            ("[::]:10978", "[::1]:10978"),
            ("10.0.0.1:80", "10.0.0.1:80"),
        ] {
            assert_eq!(reachable(listens.parse().unwrap()).to_string(), reached);
        }
    }
}
