//! The rate limit of requests: one token bucket for all clients, like that of the exporter-toolkit.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// Gives a token each `interval`, `burst` at once.
#[derive(Debug)]
pub(in crate::web) struct RateLimit {
    interval: Duration,
    burst: u32,
    /// When the bucket would have been empty, had nothing been kept back from overflowing.
    empty_at: Mutex<Option<Instant>>,
}

impl RateLimit {
    pub(super) fn new(interval: Duration, burst: u32) -> Self {
        Self { interval, burst, empty_at: Mutex::default() }
    }

    /// Takes a token, if there is one.
    pub(in crate::web) fn take(&self) -> bool {
        let now = Instant::now();
        let mut empty_at = self.empty_at.lock();
        let full = self.interval.saturating_mul(self.burst);
        let gathered = empty_at.map_or(full, |empty| now.saturating_duration_since(empty).min(full));
        if self.burst == 0 || gathered < self.interval {
            return false;
        }
        *empty_at = now.checked_sub(gathered.saturating_sub(self.interval));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_then_one_each_interval() {
        let limit = RateLimit::new(Duration::from_secs(1), 3);
        tokio::time::advance(Duration::from_secs(60)).await;
        let taken = || (0..10).filter(|_| limit.take()).count();
        assert_eq!(taken(), 3);
        tokio::time::advance(Duration::from_millis(900)).await;
        assert_eq!(taken(), 0);
        tokio::time::advance(Duration::from_millis(1200)).await;
        assert_eq!(taken(), 2);
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert_eq!(taken(), 3);
        assert!(!RateLimit::new(Duration::from_secs(1), 0).take(), "a burst of 0 lets nobody in");
    }
}
