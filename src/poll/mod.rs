//! Poll loops: schedule, deadline, restart after a panic.

mod jobs_round;
mod poll_loop;
mod poll_observer;
mod schedule;
mod task_supervisor;

use std::time::Duration;

pub use poll_loop::PollLoop;
pub use poll_observer::PollObserver;
pub use schedule::Schedule;
pub use task_supervisor::{Supervised, Supervisor};

use crate::store;

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
        store::expire_after(self.stale_after, self.interval)
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
