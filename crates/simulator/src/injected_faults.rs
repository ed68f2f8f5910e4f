//! Faults, each at its rate: what goes wrong between a client and the real service.

use std::sync::Arc;

use arc_swap::ArcSwap;
use hyper::StatusCode;
use parking_lot::Mutex;
use rand::RngExt as _;

use crate::operation::Operation;
use crate::reply::{Refusal, Reply};
use crate::rng::{Rng, seeded};

/// How often each fault is injected, from 0 (never) to 1 (always). Only requests that would succeed are affected, each
/// by one fault at most; the first in this order wins.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Faults {
    /// Flow control: HTTP 400 or 429, with or without word of when to come again.
    pub throttle: f64,
    /// HTTP 500, 502 or 503 with a JSON, HTML or empty body.
    pub server_error: f64,
    /// The connection is lost amid the body.
    pub reset: f64,
    /// HTTP 200 with a body of the right length whose JSON is cut off.
    pub truncate: f64,
    /// HTTP 200 with `success: false`.
    pub unsuccessful: f64,
}

/// The fault of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Throttle,
    ServerError,
    Reset,
    Truncate,
    Unsuccessful,
}

/// Chooses the faults.
#[derive(Debug)]
pub(crate) struct FaultInjector {
    rates: ArcSwap<Faults>,
    rng: Mutex<Rng>,
}

impl FaultInjector {
    pub(crate) fn new(rates: Faults, seed: u64) -> Self {
        Self { rates: ArcSwap::from_pointee(rates), rng: Mutex::new(seeded(&[seed, 0xFA17])) }
    }

    pub(crate) fn set(&self, rates: Faults) {
        self.rates.store(Arc::new(rates));
    }

    /// What `good` becomes, and the fault that made it so.
    pub(crate) fn inject(
        &self,
        good: Reply,
        operation: Operation,
        request_id: &str,
        host: &str,
    ) -> (Reply, Option<Fault>) {
        let mut rng = self.rng.lock();
        let Some(fault) = draw(&self.rates.load(), &mut rng) else {
            return (good, None);
        };
        let reply = match fault {
            Fault::Throttle => throttled(&mut rng, request_id, host),
            Fault::ServerError => server_error(&mut rng, request_id, host),
            Fault::Reset => Reply { broken_off: true, ..good },
            Fault::Truncate => truncated(good),
            Fault::Unsuccessful => unsuccessful(operation, request_id, host),
        };
        (reply, Some(fault))
    }
}

fn draw(rates: &Faults, rng: &mut Rng) -> Option<Fault> {
    let faults = [
        (rates.throttle, Fault::Throttle),
        (rates.server_error, Fault::ServerError),
        (rates.reset, Fault::Reset),
        (rates.truncate, Fault::Truncate),
        (rates.unsuccessful, Fault::Unsuccessful),
    ];
    faults.into_iter().find(|(rate, _)| rng.random::<f64>() < *rate).map(|(_, fault)| fault)
}

fn throttled(rng: &mut Rng, request_id: &str, host: &str) -> Reply {
    let form = rng.random_range(0..3);
    let status = if form == 0 { StatusCode::BAD_REQUEST } else { StatusCode::TOO_MANY_REQUESTS };
    let message = "Request was denied due to user flow control.";
    let reply = Refusal::gateway(status, "Throttling.User", message).reply(request_id, host);
    match form {
        0 => reply,
        // In milliseconds, where the standard header counts seconds.
        1 => reply.with_header("x-acs-retry-after", "500"),
        _ => reply.with_header("retry-after", "1"),
    }
}

fn server_error(rng: &mut Rng, request_id: &str, host: &str) -> Reply {
    let json = |status, code, message| Refusal::gateway(status, code, message).reply(request_id, host);
    match rng.random_range(0..4) {
        0 => json(
            StatusCode::INTERNAL_SERVER_ERROR,
            "InternalError",
            "The request processing has failed due to some unknown error.",
        ),
        1 => json(
            StatusCode::SERVICE_UNAVAILABLE,
            "ServiceUnavailable",
            "The request has failed due to a temporary failure of the server.",
        ),
        2 => Reply::text(
            StatusCode::BAD_GATEWAY,
            "text/html",
            "<html><head><title>502 Bad Gateway</title></head><body>Tengine</body></html>",
        ),
        _ => Reply::text(StatusCode::SERVICE_UNAVAILABLE, "text/plain", ""),
    }
}

fn truncated(good: Reply) -> Reply {
    let mut body = good.body;
    body.truncate(body.len() * 2 / 3);
    Reply { body, ..good }
}

fn unsuccessful(operation: Operation, request_id: &str, host: &str) -> Reply {
    let message = "service is busy, please retry later".to_owned();
    Refusal::Service { http_code: 500, code: "990001", message }.reply_to(Some(operation), request_id, host)
}
