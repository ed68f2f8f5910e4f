//! Delays between attempts.

use std::time::Duration;

use rand::RngExt as _;

/// Exponential backoff with full jitter: each delay is random between 0 and a limit that doubles with each attempt.
///
/// Source: <https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/> (2015).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The limit of the first delay.
    pub base: Duration,
    /// The highest limit.
    pub max: Duration,
}

impl Backoff {
    /// The delay after attempt number `attempt`, from 0.
    pub fn delay(&self, attempt: u32) -> Duration {
        rand::rng().random_range(Duration::ZERO..=self.limit(attempt))
    }

    fn limit(&self, attempt: u32) -> Duration {
        self.base.saturating_mul(2_u32.saturating_pow(attempt)).min(self.max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_doubles_up_to_the_maximum() {
        let backoff = Backoff { base: Duration::from_millis(500), max: Duration::from_secs(20) };
        let limits = [0, 1, 2, 5, 6, 31, 32, u32::MAX].map(|attempt| backoff.limit(attempt).as_millis());
        assert_eq!(limits, [500, 1000, 2000, 16_000, 20_000, 20_000, 20_000, 20_000]);
    }

    #[test]
    fn delays_are_spread_below_the_limit() {
        let backoff = Backoff { base: Duration::from_secs(1), max: Duration::from_secs(60) };
        let delays: Vec<_> = (0..1000).map(|_| backoff.delay(3)).collect();
        assert!(delays.iter().all(|delay| *delay <= Duration::from_secs(8)));
        let early = delays.iter().filter(|delay| **delay < Duration::from_secs(4)).count();
        assert!((300..700).contains(&early), "{early} of 1000 delays are in the first half");
    }
}
