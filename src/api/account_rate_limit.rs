//! `api.account_requests_per_second`: the rate that the clients of all workspaces with the same region and credentials share.
//! A request starts when both this rate and the client's own rate permit it.

use std::sync::Arc;

use tokio::time::{Instant, timeout_at};

use super::{Settings, rate_limiter::RateLimiter};
use crate::credentials;

/// The rate if only `api.requests_per_second` is configured: a single workspace may use its own rate.
pub fn default_account_rate(requests_per_second: f64) -> f64 {
    Settings::default().account_requests_per_second.max(requests_per_second)
}

impl Settings {
    /// The settings of one of `shards` exporters: the rates that all exporters share are divided by their number.
    #[must_use]
    pub fn of_shard(&self, shards: u32) -> Self {
        let shards = f64::from(shards);
        Self {
            account_requests_per_second: self.account_requests_per_second / shards,
            console_requests_per_second: self.console_requests_per_second / shards,
            ..self.clone()
        }
    }
}

/// The rate limiters in use: one for each region and source of credentials.
#[derive(Debug, Clone, Default)]
pub struct AccountRateLimits(Vec<AccountRateLimit>);

/// The rate limiter of all requests with the same region and credentials.
#[derive(Debug, Clone)]
struct AccountRateLimit {
    region: String,
    credentials: Arc<credentials::ProviderConfig>,
    limiter: Arc<RateLimiter>,
}

impl AccountRateLimits {
    /// The rate limiter that all clients with this region and these credentials share. `region` is the endpoint if the
    /// region is unknown. A new limiter starts `per_second` requests per second.
    pub fn limiter(
        &mut self,
        region: &str,
        credentials: &Arc<credentials::ProviderConfig>,
        per_second: f64,
    ) -> Arc<RateLimiter> {
        let same = |known: &&AccountRateLimit| known.region == region && known.credentials == *credentials;
        if let Some(known) = self.0.iter().find(same) {
            return known.limiter.clone();
        }
        let limiter = Arc::new(RateLimiter::new(per_second));
        self.0.push(AccountRateLimit {
            region: region.to_owned(),
            credentials: credentials.clone(),
            limiter: limiter.clone(),
        });
        limiter
    }

    /// Removes limiters that no client uses.
    pub fn forget_unused(&mut self) {
        self.0.retain(|known| Arc::strong_count(&known.limiter) > 1);
    }
}

/// The rates at which the requests of a client start.
#[derive(Debug)]
pub(super) enum RequestRates {
    /// One of the client's own within one that clients share.
    OwnAndShared(RateLimiter, Arc<RateLimiter>),
    /// One that clients share.
    Shared(Arc<RateLimiter>),
}

impl RequestRates {
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
    use std::time::Duration;

    use super::*;

    fn later() -> Instant {
        Instant::now() + Duration::from_secs(3600)
    }

    /// When each of `requests` requests started, in milliseconds.
    fn starts(rates: RequestRates, requests: usize) -> tokio::task::JoinHandle<Vec<u128>> {
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
            .map(|own| starts(RequestRates::OwnAndShared(RateLimiter::new(own), shared.clone()), 30));
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
        let tasks = [(); 2].map(|()| starts(RequestRates::Shared(shared.clone()), 2));
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
        let rates = RequestRates::OwnAndShared(RateLimiter::new(0.2), shared.clone());
        assert!(RequestRates::Shared(shared).wait(later()).await.is_ok());
        let begin = Instant::now();
        let soon = Instant::now() + Duration::from_secs(1);
        assert_eq!(rates.wait(soon).await, Err(LimitTimeout::SharedRate));
        assert!(rates.wait(later()).await.is_ok());
        assert!(begin.elapsed() < Duration::from_millis(10_010), "{:?}", begin.elapsed());
        let soon = Instant::now() + Duration::from_secs(1);
        assert_eq!(rates.wait(soon).await, Err(LimitTimeout::Rate));
    }
}
