//! When a target is polled, how often, and what happens if it fails.

mod absences;
mod rhythm;
mod schedule;
mod supervisor;
mod target;

use std::time::Duration;

pub use schedule::Schedule;
pub use supervisor::{Supervised, Supervisor};
pub use target::{Memory, Target};

/// One target's rhythm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// How often the target is polled.
    pub interval: Duration,
    /// The limit for one whole poll, retries included.
    pub timeout: Duration,
    /// The age of the last good poll from which its series are withdrawn.
    pub stale_after: Duration,
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
