//! The limits of a client: requests in flight, and requests started per second.

use std::sync::Arc;

use tokio::{
    sync::{Mutex, OwnedSemaphorePermit, Semaphore, watch},
    time::{Instant, timeout_at},
};

use super::account_rate_limit::{LimitTimeout, RequestRates};

/// Which requests start first under a client's limits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Priority {
    /// In the order of arrival.
    #[default]
    Normal,
    /// Only while no normal request waits, and never on the last permit in flight, if there are several.
    Low,
}

/// Starts requests in the order of arrival, those of low priority last.
#[derive(Debug)]
pub(super) struct ClientLimits {
    permits: Arc<Semaphore>,
    /// The permits that requests of low priority may have.
    low_permits: Arc<Semaphore>,
    rates: RequestRates,
    /// The number of normal requests that wait.
    waiting: watch::Sender<usize>,
    /// Held by the request of low priority that is next; the others queue for it.
    next_low: Mutex<()>,
}

/// The permit of a request in flight.
#[derive(Debug)]
pub(super) struct Permit {
    _permit: OwnedSemaphorePermit,
    _low: Option<OwnedSemaphorePermit>,
}

impl ClientLimits {
    /// Limits for `concurrent` requests in flight, which start at `rates`.
    pub(super) fn new(concurrent: usize, rates: RequestRates) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(concurrent)),
            low_permits: Arc::new(Semaphore::new(concurrent.saturating_sub(1).max(1))),
            rates,
            waiting: watch::Sender::new(0),
            next_low: Mutex::default(),
        }
    }

    /// Waits until a request may start. It is in flight until the permit is dropped.
    ///
    /// # Errors
    ///
    /// If the request may not start before `deadline`.
    ///
    /// # Cancel safety
    ///
    /// A request that is cancelled while it waits has used neither limit.
    pub(super) async fn acquire(
        &self,
        priority: Priority,
        deadline: Instant,
    ) -> Result<Permit, LimitTimeout> {
        match priority {
            Priority::Normal => {
                let _waiting = Waiting::new(&self.waiting);
                let permit = self.start(deadline).await?;
                Ok(Permit { _permit: permit, _low: None })
            }
            Priority::Low => {
                let low = timeout_at(deadline, self.low_permits.clone().acquire_owned()).await;
                let low = low.ok().and_then(Result::ok).ok_or(LimitTimeout::Concurrency)?;
                let permit = self.start_when_idle(deadline).await?;
                Ok(Permit { _permit: permit, _low: Some(low) })
            }
        }
    }

    async fn start(&self, deadline: Instant) -> Result<OwnedSemaphorePermit, LimitTimeout> {
        let permit = timeout_at(deadline, self.permits.clone().acquire_owned()).await;
        // The semaphore is never closed.
        let permit = permit.ok().and_then(Result::ok).ok_or(LimitTimeout::Concurrency)?;
        self.rates.wait(deadline).await?;
        Ok(permit)
    }

    /// Starts while no normal request waits; makes room for any that arrives meanwhile.
    async fn start_when_idle(&self, deadline: Instant) -> Result<OwnedSemaphorePermit, LimitTimeout> {
        let _next = timeout_at(deadline, self.next_low.lock()).await.map_err(|_| LimitTimeout::Rate)?;
        let mut waiting = self.waiting.subscribe();
        loop {
            // The sender lives as long as `self`.
            let idle = timeout_at(deadline, waiting.wait_for(|waiting| *waiting == 0)).await;
            drop(idle.map_err(|_| LimitTimeout::Rate)?);
            let mut arrivals = self.waiting.subscribe();
            tokio::select! {
                biased;
                _ = arrivals.wait_for(|waiting| *waiting > 0) => {}
                started = self.start(deadline) => return started,
            }
        }
    }
}

/// A normal request that waits.
struct Waiting<'l>(&'l watch::Sender<usize>);

impl<'l> Waiting<'l> {
    fn new(waiting: &'l watch::Sender<usize>) -> Self {
        waiting.send_modify(|waiting| *waiting += 1);
        Self(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|waiting| *waiting -= 1);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{super::rate_limiter::RateLimiter, Priority::*, *};

    fn limited(concurrent: usize, per_second: f64) -> ClientLimits {
        let unlimited = Arc::new(RateLimiter::new(1_000_000.0));
        ClientLimits::new(concurrent, RequestRates::OwnAndShared(RateLimiter::new(per_second), unlimited))
    }

    fn later() -> Instant {
        Instant::now() + Duration::from_secs(3600)
    }

    #[tokio::test(start_paused = true)]
    async fn requests_are_spaced_by_the_rate_from_the_first_on() {
        let limiter = limited(100, 10.0);
        let begin = Instant::now();
        for request in 0..25 {
            assert!(limiter.acquire(Normal, later()).await.is_ok());
            let due = Duration::from_millis(100 * request);
            assert!(begin.elapsed() >= due && begin.elapsed() < due + Duration::from_millis(2));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_requests_are_in_flight_than_permitted() {
        let limiter = Arc::new(limited(2, 1000.0));
        let held = (limiter.acquire(Normal, later()).await, limiter.acquire(Normal, later()).await);
        let third = tokio::time::timeout(Duration::from_secs(5), limiter.acquire(Normal, later())).await;
        assert!(third.is_err());
        drop(held);
        assert!(limiter.acquire(Normal, later()).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_waiter_that_gives_up_uses_no_slot() {
        let limiter = Arc::new(limited(10, 1.0));
        assert!(limiter.acquire(Normal, later()).await.is_ok());
        let begin = Instant::now();
        for priority in [Normal, Low, Normal, Low, Normal] {
            let gave_up =
                tokio::time::timeout(Duration::from_millis(1), limiter.acquire(priority, later())).await;
            assert!(gave_up.is_err());
        }
        assert!(limiter.acquire(Normal, later()).await.is_ok());
        assert!(begin.elapsed() < Duration::from_millis(1010));
    }

    #[tokio::test(start_paused = true)]
    async fn a_timeout_names_the_limit() {
        let limiter = limited(1, 0.1);
        let soon = || Instant::now() + Duration::from_secs(1);
        let held = limiter.acquire(Normal, soon()).await;
        assert_eq!(limiter.acquire(Normal, soon()).await.unwrap_err(), LimitTimeout::Concurrency);
        assert_eq!(limiter.acquire(Low, soon()).await.unwrap_err(), LimitTimeout::Concurrency);
        drop(held);
        assert_eq!(limiter.acquire(Normal, soon()).await.unwrap_err(), LimitTimeout::Rate);
        assert_eq!(limiter.acquire(Low, soon()).await.unwrap_err(), LimitTimeout::Rate);
    }

    #[tokio::test(start_paused = true)]
    async fn low_requests_start_after_every_normal_one_that_waits() {
        let limiter = Arc::new(limited(100, 10.0));
        let started = Arc::new(std::sync::Mutex::new(Vec::new()));
        let request = |name: &'static str, priority| {
            let (limiter, started) = (limiter.clone(), started.clone());
            tokio::spawn(async move {
                let permit = limiter.acquire(priority, later()).await;
                started.lock().unwrap().push(name);
                permit
            })
        };
        assert!(limiter.acquire(Normal, later()).await.is_ok());
        let begin = Instant::now();
        let mut tasks = vec![request("low 1", Low), request("low 2", Low)];
        // Some normal requests arrive after the low ones, others while those wait for the rate.
        tasks.extend([request("normal 1", Normal), request("normal 2", Normal)]);
        tokio::time::sleep(Duration::from_millis(150)).await;
        tasks.push(request("normal 3", Normal));
        for task in tasks {
            assert!(task.await.unwrap().is_ok());
        }
        let order = ["normal 1", "normal 2", "normal 3", "low 1", "low 2"];
        assert_eq!(*started.lock().unwrap(), order);
        assert!(begin.elapsed() < Duration::from_millis(510), "no slot is lost: {:?}", begin.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn low_requests_in_flight_leave_a_permit_for_normal_ones() {
        let limiter = Arc::new(limited(3, 1000.0));
        let low = (limiter.acquire(Low, later()).await, limiter.acquire(Low, later()).await);
        assert!(low.0.is_ok() && low.1.is_ok());
        let third = tokio::time::timeout(Duration::from_secs(5), limiter.acquire(Low, later())).await;
        assert!(third.is_err());
        assert!(limiter.acquire(Normal, later()).await.is_ok());
        let alone = limited(1, 1000.0);
        assert!(alone.acquire(Low, later()).await.is_ok(), "a single permit is shared");
    }

    #[tokio::test(start_paused = true)]
    async fn a_low_request_gives_a_released_permit_to_a_normal_one_that_arrived_later() {
        let limiter = Arc::new(limited(1, 1000.0));
        let held = limiter.acquire(Normal, later()).await;
        let order = Arc::new(std::sync::Mutex::new(Vec::new()));
        let mut tasks = Vec::new();
        for priority in [Low, Normal] {
            let (limiter, order) = (limiter.clone(), order.clone());
            tasks.push(tokio::spawn(async move {
                let _permit = limiter.acquire(priority, later()).await.unwrap();
                order.lock().unwrap().push(priority);
            }));
            tokio::task::yield_now().await;
        }
        drop(held);
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(*order.lock().unwrap(), [Normal, Low]);
    }
}
