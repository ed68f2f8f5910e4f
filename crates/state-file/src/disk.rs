//! The file in its directory: opening, locking, renaming.

use std::{
    ffi::OsString,
    fs::{self, File, Metadata, OpenOptions, TryLockError},
    io,
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use crate::{error::Problem, inspect::is_write_protected};

/// Nobody else needs to read the file.
const MODE: u32 = 0o600;

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

/// Renames a damaged file, and replaces the one that was renamed before.
pub(crate) fn set_aside(path: &Path) -> Result<(), Problem> {
    let mut name = OsString::from(path);
    name.push(".damaged");
    fs::rename(path, PathBuf::from(name)).map_err(Problem::NotRenamed)?;
    sync_directory(path)
}

/// Makes the names in the directory of `path` durable.
fn sync_directory(path: &Path) -> Result<(), Problem> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    match File::open(parent.unwrap_or(Path::new("."))).and_then(|directory| directory.sync_all()) {
        // Some file systems can't, and some directories may be searched and not be read.
        Err(error) if is_write_protected(&error) || error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        result => Ok(result?),
    }
}
