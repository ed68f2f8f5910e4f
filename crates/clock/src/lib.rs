//! The wall clock. The only place that reads the time of day.
//!
//! Waits, deadlines and ages use [`tokio::time::Instant`], which tests can pause. The time of day is needed only for
//! signatures, expiry dates and timestamps. [`Clock::paused`] derives it from Tokio's time, so that both move together.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::{Duration, SystemTime},
};

use jiff::Timestamp;
use tokio::time::Instant;

/// The time of day.
#[derive(Debug, Clone, Copy, Default)]
pub enum Clock {
    /// The system's clock.
    #[default]
    System,
    /// A clock that was at `origin` when Tokio's was at `since`, and moves with it.
    Paused {
        /// The time of day at `since`, since the Unix epoch.
        origin: Duration,
        /// Tokio's time then.
        since: Instant,
        /// The seconds by which it has been set since.
        step: &'static AtomicI64,
    },
}

impl Clock {
    /// A clock for tests, which moves with Tokio's (paused) time from `origin` on.
    pub fn paused(origin: Duration) -> Self {
        Self::Paused { origin, since: Instant::now(), step: Box::leak(Box::default()) }
    }

    /// Sets a paused clock by `seconds`: forward, or back if they are negative. The system's clock stays as it is.
    pub fn set_by(&self, seconds: i64) {
        if let Self::Paused { step, .. } = self {
            step.fetch_add(seconds, Ordering::Relaxed);
        }
    }

    /// The time since the Unix epoch; zero if the clock is set to a time before it.
    pub fn since_epoch(&self) -> Duration {
        match self {
            #[expect(clippy::disallowed_methods, reason = "this is the one place")]
            Self::System => SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default(),
            Self::Paused { origin, since, step } => {
                let seconds = step.load(Ordering::Relaxed);
                let (now, step) = (*origin + since.elapsed(), Duration::from_secs(seconds.unsigned_abs()));
                if seconds < 0 { now.saturating_sub(step) } else { now + step }
            }
        }
    }

    /// The time of day to the second, as `x-acs-date` has it: `2026-11-22T08:47:05Z`.
    pub fn timestamp(&self) -> Timestamp {
        let seconds = i64::try_from(self.since_epoch().as_secs()).unwrap_or(i64::MAX);
        Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX)
    }
}
