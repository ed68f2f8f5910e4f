//! Why something was not saved.

use std::{io, path::Path, sync::Arc, time::Duration};

/// Why a batch was not saved. The file is overwritten with [`Owner::dump`](crate::Owner::dump) once that is possible,
/// except after [`SaveError::Closed`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SaveError {
    /// The disk did not answer in this time, or has not answered an earlier request yet.
    #[error("the disk did not respond within {0:?}")]
    Blocked(Duration),
    /// Too many batches wait, or too large ones.
    #[error("too many changes wait to be saved")]
    QueueFull,
    /// The file can't be used. The text names the file, the reason and the remedy.
    #[error("{0}")]
    Unusable(Arc<str>),
    /// The file was closed.
    #[error("the state file is closed")]
    Closed,
}

/// Why the file can't be used at the moment.
#[derive(Debug)]
pub(crate) enum Problem {
    /// Another process has locked it.
    Locked,
    /// It was written by a newer version of the owner, or of the storage format.
    NewerVersion,
    /// What it contains is not what was written.
    Damaged(String),
    /// It is damaged and can't be renamed.
    NotRenamed(io::Error),
    /// It is a directory, a device, a socket or a pipe.
    NotAFile,
    /// It can be read, and not written.
    NotWritable(io::Error),
    /// Another error of the system.
    Io(io::Error),
    /// The disk has not responded in this time.
    Blocked(Duration),
    /// The owner is gone.
    NoMemory,
    /// A fault of the owner or of this crate.
    Internal,
    /// The thread for file I/O could not be started.
    NoThread(io::Error),
}

impl Problem {
    /// One sentence that names the file, the reason and the remedy.
    pub(crate) fn sentence(&self, path: &Path) -> String {
        let path = path.display();
        match self {
            Self::Locked => format!(
                "The state file {path} is locked by another process: stop that process, or set another path."
            ),
            Self::NewerVersion => format!(
                "The state file {path} was written by a newer version: run that version, or set another path."
            ),
            Self::Damaged(reason) => format!(
                "The state file {path} was damaged ({reason}): it was renamed to {path}.damaged, and a new one started."
            ),
            Self::NotRenamed(error) => format!(
                "The state file {path} is damaged and can't be renamed ({error}): remove it, or make its directory writable."
            ),
            Self::NotAFile => {
                format!("The state file {path} is not a regular file: set the path of a file.")
            }
            Self::NotWritable(error) => format!(
                "The state file {path} can't be written ({error}): make the file and its directory writable."
            ),
            Self::Io(error) => format!("The state file {path} can't be used ({error}): {}.", remedy(error)),
            Self::Blocked(timeout) => format!(
                "The disk with the state file {path} has not responded for {timeout:?}: check the disk."
            ),
            Self::NoMemory => {
                format!("The program ended before the state file {path} could be written again.")
            }
            Self::Internal => format!(
                "The state file {path} is not written because of an internal error: see the log, and restart."
            ),
            Self::NoThread(error) => format!(
                "The state file {path} can't be used ({error}): raise the limit on threads and restart."
            ),
        }
    }
}

fn remedy(error: &io::Error) -> String {
    let remedy = match error.kind() {
        io::ErrorKind::NotFound => "create its directory",
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            return format!("make its directory writable for user {}", rustix::process::geteuid());
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "free space on its disk",
        io::ErrorKind::FileTooLarge => "raise the limit on file sizes",
        io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory => "set the path of a file",
        _ => "check the disk",
    };
    remedy.to_owned()
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<redb::Error> for Problem {
    fn from(error: redb::Error) -> Self {
        match error {
            redb::Error::DatabaseAlreadyOpen => Self::Locked,
            // A file that is too short, or does not begin as it should.
            redb::Error::Io(error)
                if matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof) =>
            {
                Self::Damaged("it is incomplete or has another format".to_owned())
            }
            redb::Error::Io(error) => Self::Io(error),
            redb::Error::PreviousIo | redb::Error::DatabaseClosed => {
                Self::Io(io::Error::other("an earlier operation failed"))
            }
            redb::Error::ValueTooLarge(_) => Self::Io(io::ErrorKind::FileTooLarge.into()),
            _ => Self::Damaged("its checksums are wrong".to_owned()),
        }
    }
}

macro_rules! from_redb {
    ($($error:ident),*) => {
        $(impl From<redb::$error> for Problem {
            fn from(error: redb::$error) -> Self {
                redb::Error::from(error).into()
            }
        })*
    };
}

from_redb!(StorageError, TableError, DatabaseError, TransactionError, CommitError, CompactionError);
