//! Limits for one read.

use std::time::Duration;

/// Limits for one read.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// In bytes.
    pub max_size: u64,
    /// For everything from opening the file to its end.
    pub timeout: Duration,
    /// Whether a pipe is read to its end, such as `<(command)` in a shell. Otherwise only regular files are read.
    pub pipes: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_size: 1 << 20, timeout: Duration::from_secs(5), pipes: false }
    }
}
