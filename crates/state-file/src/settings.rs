//! Settings of a state file.

use std::{path::PathBuf, time::Duration};

use clock::Clock;

use crate::storage_backend::Wrap;

/// Settings of a state file.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The file. Its directory must exist.
    pub path: PathBuf,
    /// The version of the owner's keys and values. A file of a newer version is neither read nor written.
    pub format_version: u32,
    /// Gives the times of saves.
    pub clock: Clock,
    /// How long opening waits for another process to release the file.
    pub lock_timeout: Duration,
    /// How long [`Loading::wait`](crate::Loading::wait) waits for the disk, in addition to `lock_timeout`.
    pub load_timeout: Duration,
    /// How long [`StateFile::save`](crate::StateFile::save) waits.
    pub save_timeout: Duration,
    /// The interval at which a file that cannot be opened or written is retried.
    pub retry_interval: Duration,
    /// The maximum number of batches that wait to be saved.
    pub max_queued_batches: usize,
    /// The maximum size of the batches that wait to be saved, together, in bytes.
    pub max_queued_bytes: usize,
    pub(crate) wrap: Wrap,
}

impl Settings {
    /// The default settings for the file at `path`.
    pub fn new(path: impl Into<PathBuf>, format_version: u32, clock: Clock) -> Self {
        Self {
            path: path.into(),
            format_version,
            clock,
            lock_timeout: Duration::from_secs(30),
            load_timeout: Duration::from_secs(30),
            save_timeout: Duration::from_secs(5),
            retry_interval: Duration::from_secs(5),
            max_queued_batches: 1 << 16,
            max_queued_bytes: 64 << 20,
            wrap: Wrap::default(),
        }
    }
}
