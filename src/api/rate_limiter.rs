//! Rates at which requests start.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{Mutex, MutexGuard, OwnedMutexGuard},
    time::{Instant, sleep_until, timeout_at},
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
    async fn turn(&self) -> Turn<'_> {
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
struct Turn<'r> {
    next: MutexGuard<'r, Instant>,
    start: Instant,
    interval: Duration,
}

impl Turn<'_> {
    /// Uses the turn for a request that was due at `start`. Later requests are counted from then, so that timers that
    /// wake late do not slow the rate.
    fn take(mut self, start: Instant) {
        *self.next = start + self.interval;
    }
}

/// The rates of a client's requests.
#[derive(Debug)]
pub(super) enum Rates {
    /// One of the client's own within one that clients share.
    OwnAndShared(RateLimiter, Arc<RateLimiter>),
    /// One that clients share.
    Shared(Arc<RateLimiter>),
}

impl Rates {
    /// Waits until a request may start.
    pub(super) async fn wait(&self, deadline: Instant) -> Result<(), LimitTimeout> {
        match self {
            // The own turn is held during the wait, so that requests that waited for the shared rate keep the own rate too.
            Self::OwnAndShared(own, shared) => {
                let own = timeout_at(deadline, own.turn()).await.map_err(|_| LimitTimeout::Rate)?;
                let shared =
                    timeout_at(deadline, shared.turn()).await.map_err(|_| LimitTimeout::SharedRate)?;
                let start = own.start.max(shared.start);
                shared.take(start);
                own.take(start);
            }
            Self::Shared(shared) => {
                let turn = timeout_at(deadline, shared.turn()).await.map_err(|_| LimitTimeout::SharedRate)?;
                let start = turn.start;
                turn.take(start);
            }
        }
        Ok(())
    }
}

/// Which limit the wait timed out on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LimitTimeout {
    /// Requests in flight.
    Concurrency,
    /// Requests started per second by this client.
    Rate,
    /// Requests started per second by all clients that share the limit.
    SharedRate,
}

impl LimitTimeout {
    /// What the request waited for.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Concurrency => {
                "all api.max_concurrent_requests slots of the workspace were busy until the deadline"
            }
            Self::Rate => "the requests of the workspace are limited by api.requests_per_second",
            Self::SharedRate => {
                "the requests of the region's workspaces are limited by api.account_requests_per_second"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn later() -> Instant {
        Instant::now() + Duration::from_secs(3600)
    }

    /// When each of `requests` requests started, in milliseconds.
    fn starts(rates: Rates, requests: usize) -> tokio::task::JoinHandle<Vec<u128>> {
        let begin = Instant::now();
        tokio::spawn(async move {
            let mut starts = Vec::new();
            for _ in 0..requests {
                rates.wait(later()).await.unwrap();
                starts.push(begin.elapsed().as_millis());
            }
            starts
        })
    }

    #[tokio::test(start_paused = true)]
    async fn clients_of_a_shared_rate_take_turns_and_keep_their_own_rates() {
        let shared = Arc::new(RateLimiter::new(20.0));
        let tasks = [5.0, 100.0, 100.0]
            .map(|own| starts(Rates::OwnAndShared(RateLimiter::new(own), shared.clone()), 30));
        let mut all = Vec::new();
        for (task, shortest) in tasks.into_iter().zip([199, 9, 9]) {
            let starts = task.await.unwrap();
            assert!(starts.windows(2).all(|pair| pair[1] - pair[0] >= shortest), "{starts:?}");
            all.extend(starts);
        }
        all.sort_unstable();
        assert!(all.windows(20).all(|window| window[19] - window[0] >= 949), "20 a second at most: {all:?}");
        assert!(all[60] <= 3100, "no turn is lost while several clients wait: {all:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_without_a_rate_of_its_own_has_the_shared_one() {
        let shared = Arc::new(RateLimiter::new(2.0));
        let tasks = [(); 2].map(|()| starts(Rates::Shared(shared.clone()), 2));
        let mut all = Vec::new();
        for task in tasks {
            all.extend(task.await.unwrap());
        }
        all.sort_unstable();
        let due = [0, 500, 1000, 1500];
        assert!(all.iter().zip(due).all(|(start, due)| (due..due + 3).contains(start)), "{all:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_timeout_at_the_shared_rate_uses_no_turn_of_either() {
        let shared = Arc::new(RateLimiter::new(0.1));
        let rates = Rates::OwnAndShared(RateLimiter::new(0.2), shared.clone());
        assert!(Rates::Shared(shared).wait(later()).await.is_ok());
        let begin = Instant::now();
        let soon = Instant::now() + Duration::from_secs(1);
        assert_eq!(rates.wait(soon).await, Err(LimitTimeout::SharedRate));
        assert!(rates.wait(later()).await.is_ok());
        assert!(begin.elapsed() < Duration::from_millis(10_010), "{:?}", begin.elapsed());
        let soon = Instant::now() + Duration::from_secs(1);
        assert_eq!(rates.wait(soon).await, Err(LimitTimeout::Rate));
    }
}
