//! Rates at which requests start.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{Mutex, MutexGuard, OwnedMutexGuard},
    time::{Instant, sleep_until},
};

/// Starts requests at a limited rate, in the order of arrival. Clients may share it.
#[derive(Debug)]
pub struct RateLimiter {
    interval: Duration,
    /// When the next request may start. Waiters queue at this lock, so one that gives up leaves no gap.
    next: Arc<Mutex<Instant>>,
}

impl RateLimiter {
    /// A limiter for `per_second` requests started per second, which must be greater than 0.
    pub fn new(per_second: f64) -> Self {
        Self {
            interval: Duration::from_secs_f64(1.0 / per_second),
            next: Arc::new(Mutex::new(Instant::now())),
        }
    }

    /// Waits until the next request may start. The others wait until the turn is taken or dropped.
    pub(super) async fn turn(&self) -> Turn<'_> {
        let next = self.next.lock().await;
        let start = (*next).max(Instant::now());
        sleep_until(start).await;
        Turn { next, start, interval: self.interval }
    }

    /// As [`RateLimiter::turn`], for a turn that is passed on.
    pub(super) async fn owned_turn(&self) -> RateTurn {
        let next = self.next.clone().lock_owned().await;
        sleep_until((*next).max(Instant::now())).await;
        RateTurn { next, interval: self.interval }
    }
}

/// The right to start the next request at the rate of a collector. No other request starts until it is used or dropped.
#[derive(Debug)]
pub struct RateTurn {
    next: OwnedMutexGuard<Instant>,
    interval: Duration,
}

impl RateTurn {
    /// Uses the turn for a request that starts now.
    pub(super) fn take(mut self) {
        *self.next = Instant::now() + self.interval;
    }
}

/// The right to start the next request.
#[derive(Debug)]
pub(super) struct Turn<'r> {
    next: MutexGuard<'r, Instant>,
    pub(super) start: Instant,
    interval: Duration,
}

impl Turn<'_> {
    /// Uses the turn for a request that was due at `start`. Later requests are counted from then, so that timers that
    /// wake late do not slow the rate.
    pub(super) fn take(mut self, start: Instant) {
        *self.next = start + self.interval;
    }
}
