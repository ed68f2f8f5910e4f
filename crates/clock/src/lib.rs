//! The wall clock: the one place where the time of day is read.
//!
//! Waits, deadlines and ages use [`tokio::time::Instant`], which tests pause; only what is told to the outside
//! (signatures, timestamps in metrics) needs the time of day. A [`Clock::paused`] derives it from Tokio's time,
//! so that both move together.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use tokio::time::Instant;

/// Tells the time of day.
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
    },
}

impl Clock {
    /// A clock that moves with Tokio's (paused) time, from `origin` on.
    pub fn paused(origin: Duration) -> Self {
        Self::Paused { origin, since: Instant::now() }
    }

    /// The time since the Unix epoch; zero if the system's clock stands before it.
    pub fn since_epoch(&self) -> Duration {
        match self {
            #[expect(clippy::disallowed_methods, reason = "this is the one place")]
            Self::System => SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default(),
            Self::Paused { origin, since } => *origin + since.elapsed(),
        }
    }

    /// The time of day to the second, as the API's `x-acs-date` wants it: `2026-11-22T08:47:05Z`.
    pub fn timestamp(&self) -> Timestamp {
        let seconds = i64::try_from(self.since_epoch().as_secs()).unwrap_or(i64::MAX);
        Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX)
    }
}
