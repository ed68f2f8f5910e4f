//! A workspace's limits: how many requests are under way, and how many start in a second.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{Mutex, OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep_until},
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
    pub(super) async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        // The semaphore is never closed.
        let permit = self.permits.clone().acquire_owned().await.ok()?;
        let mut next = self.next.lock().await;
        let start = (*next).max(Instant::now());
        sleep_until(start).await;
        // Counted from when the turn was due, so that timers that wake late don't slow the rate.
        *next = start + self.interval;
        Some(permit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn turns_are_spaced_by_the_rate_from_the_first_on() {
        let limiter = Limiter::new(100, 10.0);
        let begin = Instant::now();
        for turn in 0..25 {
            assert!(limiter.turn().await.is_some());
            let due = Duration::from_millis(100 * turn);
            assert!(begin.elapsed() >= due && begin.elapsed() < due + Duration::from_millis(2));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_are_under_way_than_permitted() {
        let limiter = Arc::new(Limiter::new(2, 1000.0));
        let held = (limiter.turn().await, limiter.turn().await);
        let third = tokio::time::timeout(Duration::from_secs(5), limiter.turn()).await;
        assert!(third.is_err());
        drop(held);
        assert!(limiter.turn().await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_waiter_that_gives_up_takes_no_turn() {
        let limiter = Arc::new(Limiter::new(10, 1.0));
        assert!(limiter.turn().await.is_some());
        let begin = Instant::now();
        for _ in 0..5 {
            let gave_up = tokio::time::timeout(Duration::from_millis(1), limiter.turn()).await;
            assert!(gave_up.is_err());
        }
        assert!(limiter.turn().await.is_some());
        assert!(begin.elapsed() < Duration::from_millis(1010));
    }
}
