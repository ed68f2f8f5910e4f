//! Opens and locks the file, and waits while another process has locked it.

use std::{
    fs::{File, Metadata, OpenOptions, TryLockError},
    io,
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::Path,
    time::Duration,
};

use tokio::time::Instant;

use crate::{error::Problem, inspect::is_write_protected};

/// Nobody else needs to read the file.
const MODE: u32 = 0o600;

/// The interval at which a locked file is tried.
const LOCK_INTERVAL: Duration = Duration::from_millis(200);

/// A file that this process has locked.
#[derive(Debug)]
pub(crate) struct LockedFile {
    pub(crate) file: File,
    identity: (u64, u64),
    /// Why it can't be written, if it can't.
    pub(crate) read_only: Option<io::Error>,
}

impl LockedFile {
    /// Opens and locks the file, and creates it if it does not exist.
    pub(crate) fn open(path: &Path) -> Result<Self, Problem> {
        let exists = match path.metadata() {
            // To open a pipe or a device may block, or have effects.
            Ok(metadata) if !metadata.is_file() => return Err(Problem::NotAFile),
            Ok(_) => true,
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(error.into()),
        };
        let mut options = OpenOptions::new();
        let writable = options.read(true).write(true).create(true).truncate(false).mode(MODE).open(path);
        let (file, read_only) = match writable {
            Ok(file) => (file, None),
            Err(error) if exists && is_write_protected(&error) => (File::open(path)?, Some(error)),
            Err(error) => return Err(error.into()),
        };
        lock(&file)?;
        if !exists {
            sync_directory(path)?;
        }
        let metadata = file.metadata()?;
        let locked = Self { file, identity: identity(&metadata), read_only };
        // Another process may have renamed it before it released its lock.
        if metadata.is_file() && locked.is_at(path) { Ok(locked) } else { Err(Problem::Locked) }
    }

    /// Whether `path` still leads to this file.
    pub(crate) fn is_at(&self, path: &Path) -> bool {
        path.metadata().is_ok_and(|metadata| identity(&metadata) == self.identity)
    }
}

/// Opens the file with `open`, and repeats that while another process has locked the file, until `timeout`. `pause` waits
/// between two attempts for the given time, and returns whether to stop.
pub(crate) fn retry_while_locked<T>(
    timeout: Duration,
    mut pause: impl FnMut(Duration) -> bool,
    mut open: impl FnMut() -> Result<T, Problem>,
) -> Result<T, Problem> {
    let deadline = Instant::now() + timeout;
    loop {
        let result = open();
        if !matches!(result, Err(Problem::Locked)) {
            return result;
        }
        let remaining = deadline.saturating_duration_since(Instant::now());
        if pause(remaining.min(LOCK_INTERVAL)) || remaining.is_zero() {
            return result;
        }
    }
}

fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

fn lock(file: &File) -> Result<(), Problem> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(Problem::Locked),
        // Some network file systems have no locks.
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(()),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

/// Makes the names in the directory of `path` durable.
pub(crate) fn sync_directory(path: &Path) -> Result<(), Problem> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    match File::open(parent.unwrap_or(Path::new("."))).and_then(|directory| directory.sync_all()) {
        // Some file systems can't, and some directories may be searched and not be read.
        Err(error) if is_write_protected(&error) || error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        result => Ok(result?),
    }
}
