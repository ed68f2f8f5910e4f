//! When a target is polled, how often, and what happens if a poll fails.

mod jobs_round;
mod observer;
mod poll_loop;
mod schedule;
mod supervisor;

use std::time::Duration;

pub use observer::PollObserver;
pub use poll_loop::PollLoop;
pub use schedule::Schedule;
pub use supervisor::{Supervised, Supervisor};

/// Intervals without a good poll after which data is withdrawn, if `stale_after` is shorter.
const EXPIRE_AFTER_INTERVALS: u32 = 3;

/// How one target is polled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// How often the target is polled.
    pub interval: Duration,
    /// The limit for one whole poll, retries included.
    pub timeout: Duration,
    /// The age of the last good poll from which its series are withdrawn; at least three intervals count.
    pub stale_after: Duration,
}

impl Settings {
    /// The age at which data is withdrawn: the greater of `stale_after` and three intervals.
    pub fn expire_after(&self) -> Duration {
        self.stale_after.max(self.interval.saturating_mul(EXPIRE_AFTER_INTERVALS))
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(60),
            timeout: Duration::from_secs(50),
            stale_after: Duration::from_secs(300),
        }
    }
}
