//! Checks of an endpoint that need no credentials: DNS, TLS and the clock.

use std::{error::Error as _, time::Duration};

use jiff::fmt::rfc2822;
use outbound_http::Route;
use tokio::time::timeout;
use url::{Host, Url};

use super::Check;
use outbound_http::root_cause;

use crate::{api::HttpClients, clock::Clock};

const TIMEOUT: Duration = Duration::from_secs(10);

/// Clock difference in seconds beyond which the API gateway rejects signatures (error `InvalidTimeStamp`).
const MAX_SKEW: u64 = 15 * 60;

/// Clock difference in seconds from which the check warns: a synchronized clock is closer.
const WARN_SKEW: u64 = 60;

/// Resolves the name of the endpoint, or of the proxy that requests to it use.
pub(super) async fn dns(clients: &HttpClients, endpoint: &Url) -> Check {
    let (host, proxy) = match clients.route(endpoint) {
        Route::Proxy { host } => (Host::parse(&host).ok(), "the proxy "),
        Route::Direct => (endpoint.host().map(|host| host.to_owned()), ""),
    };
    let Some(Host::Domain(name)) = host else {
        let what = if proxy.is_empty() { "the endpoint" } else { "the proxy" };
        return Check::ok("dns", format!("{what} is an address"));
    };
    match timeout(TIMEOUT, clients.resolver().lookup(&name)).await {
        Ok(Ok(found)) => {
            let addresses: Vec<String> = found.iter().map(ToString::to_string).collect();
            Check::ok("dns", format!("{proxy}{name} is {}", addresses.join(", ")))
        }
        Ok(Err(error)) => Check::failed(
            "dns",
            format!("{proxy}{error}"),
            "check `region`, `endpoint`, the proxy variables and the name servers",
        ),
        Err(_) => Check::failed("dns", format!("{proxy}{name}: timed out"), "check the name servers"),
    }
}

/// Connects with TLS, and compares the clocks by the `Date` header. The status of the response does not matter.
pub(super) async fn endpoint(http: &reqwest::Client, endpoint: &Url, clock: Clock) -> (Check, Check) {
    let asked = http.head(endpoint.clone()).timeout(TIMEOUT).send().await;
    let response = match asked {
        Ok(response) => response,
        Err(error) => {
            let hint = "check the network, `endpoint`, proxies, and the CA certificates of this machine";
            let failed = Check::failed("tls", innermost(&error), hint);
            return (failed, Check::skipped("clock", "no response"));
        }
    };
    let tls = match endpoint.scheme() {
        "https" => Check::ok("tls", "the certificate is trusted"),
        _ => Check::skipped("tls", "the endpoint uses http"),
    };
    let date = response.headers().get("date").and_then(|date| date.to_str().ok());
    (tls, difference(date, clock.timestamp().as_second()))
}

fn difference(date: Option<&str>, here: i64) -> Check {
    let there = date.and_then(|date| rfc2822::parse(date).ok());
    let Some(there) = there.map(|date| date.timestamp().as_second()) else {
        return Check::skipped("clock", "the response has no Date header");
    };
    let direction = if here > there { "ahead of" } else { "behind" };
    let seconds = here.abs_diff(there);
    let detail = format!("{seconds} s {direction} the API's clock");
    let hint = "synchronize the local clock, for example by NTP";
    match seconds {
        0..=1 => Check::ok("clock", "within 1 s of the API's clock"),
        _ if seconds > MAX_SKEW => {
            Check::failed("clock", format!("{detail}: the API rejects signatures beyond 15 minutes"), hint)
        }
        _ if seconds > WARN_SKEW => Check::warning("clock", detail, hint),
        _ => Check::ok("clock", detail),
    }
}

/// The root cause, without the URL, which may contain a proxy's password.
fn innermost(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "timed out".to_owned();
    }
    error.source().map_or_else(|| "no connection".to_owned(), |cause| root_cause(cause).to_string())
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
        assert_eq!((of(30).status, of(30).detail.as_str()), (Status::Ok, "30 s ahead of the API's clock"));
        assert_eq!(
            (of(-90).status, of(-90).detail.as_str()),
            (Status::Warning, "90 s behind the API's clock")
        );
        assert_eq!(of(901).status, Status::Failed);
        assert_eq!(difference(None, NOON).status, Status::Skipped);
        assert_eq!(difference(Some("yesterday"), NOON).status, Status::Skipped);
    }
}
