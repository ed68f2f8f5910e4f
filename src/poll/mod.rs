//! Poll loops: schedule, deadline, restart after a panic.

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

/// Number of intervals after which data is withdrawn, if `stale_after` is shorter.
const EXPIRE_AFTER_INTERVALS: u32 = 3;

/// Poll settings of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// The poll interval.
    pub interval: Duration,
    /// Timeout of one poll, including retries.
    pub timeout: Duration,
    /// Age at which data is withdrawn, if it is longer than three intervals.
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
