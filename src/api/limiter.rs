//! A workspace's limits: how many requests are under way, and how many start in a second.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{Mutex, OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep_until, timeout_at},
};

/// Hands out turns, in the order of asking.
#[derive(Debug)]
pub(super) struct Limiter {
    permits: Arc<Semaphore>,
    interval: Duration,
    /// When the next request may start. Waiters queue at this lock, so one that gives up leaves no hole.
    next: Mutex<Instant>,
}

impl Limiter {
    pub(super) fn new(concurrent: usize, per_second: f64) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(concurrent)),
            interval: Duration::from_secs_f64(1.0 / per_second),
            next: Mutex::new(Instant::now()),
        }
    }

    /// Waits for a turn, which lasts until the permit is dropped.
    pub(super) async fn turn(&self, deadline: Instant) -> Result<OwnedSemaphorePermit, Late> {
        let permit = timeout_at(deadline, self.permits.clone().acquire_owned()).await;
        // The semaphore is never closed.
        let permit = permit.map_err(|_| Late::Place)?.map_err(|_| Late::Place)?;
        let mut next = timeout_at(deadline, self.next.lock()).await.map_err(|_| Late::Rate)?;
        let start = (*next).max(Instant::now());
        timeout_at(deadline, sleep_until(start)).await.map_err(|_| Late::Rate)?;
        // Counted from when the turn was due, so that timers that wake late don't slow the rate.
        *next = start + self.interval;
        Ok(permit)
    }
}

/// What a turn was waited for in vain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Late {
    /// As many requests as may be were under way all the time.
    Place,
    /// As many requests as may start in a second did.
    Rate,
}

impl Late {
    /// Which limit it was.
    pub(super) fn told(self) -> &'static str {
        match self {
            Self::Place => {
                "as many requests of the workspace as api.max_concurrent_requests permits go unanswered"
            }
            Self::Rate => "the workspace's requests wait for their turn (api.requests_per_second)",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn later() -> Instant {
        Instant::now() + Duration::from_secs(3600)
    }

    #[tokio::test(start_paused = true)]
    async fn turns_are_spaced_by_the_rate_from_the_first_on() {
        let limiter = Limiter::new(100, 10.0);
        let begin = Instant::now();
        for turn in 0..25 {
            assert!(limiter.turn(later()).await.is_ok());
            let due = Duration::from_millis(100 * turn);
            assert!(begin.elapsed() >= due && begin.elapsed() < due + Duration::from_millis(2));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_are_under_way_than_permitted() {
        let limiter = Arc::new(Limiter::new(2, 1000.0));
        let held = (limiter.turn(later()).await, limiter.turn(later()).await);
        let third = tokio::time::timeout(Duration::from_secs(5), limiter.turn(later())).await;
        assert!(third.is_err());
        drop(held);
        assert!(limiter.turn(later()).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_waiter_that_gives_up_takes_no_turn() {
        let limiter = Arc::new(Limiter::new(10, 1.0));
        assert!(limiter.turn(later()).await.is_ok());
        let begin = Instant::now();
        for _ in 0..5 {
            let gave_up = tokio::time::timeout(Duration::from_millis(1), limiter.turn(later())).await;
            assert!(gave_up.is_err());
        }
        assert!(limiter.turn(later()).await.is_ok());
        assert!(begin.elapsed() < Duration::from_millis(1010));
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_waited_for_in_vain_is_told_apart() {
        let limiter = Limiter::new(1, 0.1);
        let soon = || Instant::now() + Duration::from_secs(1);
        let held = limiter.turn(soon()).await;
        assert_eq!(limiter.turn(soon()).await.unwrap_err(), Late::Place);
        drop(held);
        assert_eq!(limiter.turn(soon()).await.unwrap_err(), Late::Rate);
    }
}
