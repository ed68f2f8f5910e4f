//! The way to an endpoint, without credentials: its name, its certificate, its clock.

use std::{error::Error as _, time::Duration};

use jiff::fmt::rfc2822;
use tokio::time::timeout;
use url::{Host, Url};

use super::Check;
use crate::clock::Clock;

const LIMIT: Duration = Duration::from_secs(10);

/// The gateway refuses requests that are further off.
const MAX_SKEW: u64 = 15 * 60;

/// So far off, something is wrong that will get worse.
const NOTABLE_SKEW: u64 = 60;

/// Resolves the endpoint's name.
pub(super) async fn dns(endpoint: &Url, proxied: bool) -> Check {
    let name = match endpoint.host() {
        Some(Host::Domain(name)) => name.to_owned(),
        _ => return Check::ok("dns", "the endpoint is an address"),
    };
    if proxied {
        return Check::skipped("dns", "a proxy resolves names");
    }
    let port = endpoint.port_or_known_default().unwrap_or(443);
    match timeout(LIMIT, tokio::net::lookup_host((name.as_str(), port))).await {
        Ok(Ok(found)) => {
            let mut addresses: Vec<String> = found.map(|address| address.ip().to_string()).collect();
            addresses.dedup();
            Check::ok("dns", format!("{name} is {}", addresses.join(", ")))
        }
        Ok(Err(error)) => {
            Check::failed("dns", format!("{name}: {error}"), "check `region`, `endpoint`, and the resolver")
        }
        Err(_) => Check::failed("dns", format!("{name}: no answer in time"), "check the resolver"),
    }
}

/// Connects, and reads the time of the reply, whatever it says.
pub(super) async fn endpoint(http: &reqwest::Client, endpoint: &Url, clock: Clock) -> (Check, Check) {
    let asked = http.head(endpoint.clone()).timeout(LIMIT).send().await;
    let response = match asked {
        Ok(response) => response,
        Err(error) => {
            let hint = "check the network, `endpoint`, proxies, and the certificates this machine trusts";
            let failed = Check::failed("tls", innermost(&error), hint);
            return (failed, Check::skipped("clock", "no reply"));
        }
    };
    let tls = match endpoint.scheme() {
        "https" => Check::ok("tls", "the certificate is trusted"),
        _ => Check::skipped("tls", "the endpoint is plain http"),
    };
    let date = response.headers().get("date").and_then(|date| date.to_str().ok());
    (tls, difference(date, clock.timestamp().as_second()))
}

fn difference(date: Option<&str>, here: i64) -> Check {
    let there = date.and_then(|date| rfc2822::parse(date).ok());
    let Some(there) = there.map(|date| date.timestamp().as_second()) else {
        return Check::skipped("clock", "the reply does not say the time");
    };
    let way = if here > there { "ahead of" } else { "behind" };
    let seconds = here.abs_diff(there);
    let detail = format!("{seconds} s {way} the cloud's");
    let hint = "set this machine's clock, by NTP";
    match seconds {
        0..=1 => Check::ok("clock", "the same as the cloud's"),
        _ if seconds > MAX_SKEW => {
            Check::failed("clock", format!("{detail}: signatures are refused beyond 15 minutes"), hint)
        }
        _ if seconds > NOTABLE_SKEW => Check::warning("clock", detail, hint),
        _ => Check::ok("clock", detail),
    }
}

/// The cause that says what happened, without the URL, which may hold a proxy's password.
fn innermost(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let mut text = "no connection".to_owned();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = inner.to_string();
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Status;

    const NOON: i64 = 1_794_916_800;

    #[test]
    fn a_clock_is_judged_by_how_far_it_is_off() {
        let date = "Tue, 17 Nov 2026 12:00:00 GMT";
        let of = |seconds: i64| difference(Some(date), NOON + seconds);
        assert_eq!(of(1).status, Status::Ok);
        assert_eq!((of(30).status, of(30).detail.as_str()), (Status::Ok, "30 s ahead of the cloud's"));
        assert_eq!((of(-90).status, of(-90).detail.as_str()), (Status::Warning, "90 s behind the cloud's"));
        assert_eq!(of(901).status, Status::Failed);
        assert_eq!(difference(None, NOON).status, Status::Skipped);
        assert_eq!(difference(Some("yesterday"), NOON).status, Status::Skipped);
    }
}
