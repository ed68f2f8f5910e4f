//! Opening and reading, which may block for ever.

use std::{
    fs::{File, Metadata, OpenOptions},
    io::{self, Read as _},
    os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::Path,
    thread,
    time::Duration,
};

use rustix::fs::OFlags;
use tokio::time::Instant;

use crate::{Limits, ReadError};

/// The pause before an empty pipe is read again.
const PIPE_PAUSE: Duration = Duration::from_millis(10);

/// The number of attempts to read a file that changes while it is read.
const MAX_ATTEMPTS: u32 = 3;

/// The contents of a file.
#[derive(Debug, Clone)]
pub struct Contents {
    /// All of its bytes.
    pub bytes: Vec<u8>,
    /// The file's state, which was the same before and after reading.
    pub stamp: Stamp,
}

/// The state of a file. It differs after each change of the file, and after each change of where the path leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    /// In seconds and nanoseconds. The time of the last change of the inode can't be set back.
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

pub(crate) fn stamp(path: &Path) -> Option<Stamp> {
    path.metadata().ok().map(|metadata| Stamp::of(&metadata))
}

pub(crate) fn read(path: &Path, limits: Limits, deadline: Instant) -> Result<Contents, ReadError> {
    // Opening a device may have side effects, and opening a pipe wakes its writer.
    check_type(&path.metadata()?, limits)?;
    for _ in 0..MAX_ATTEMPTS {
        let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
        let mut file = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)?;
        let before = file.metadata()?;
        check_type(&before, limits)?;
        let bytes = read_bounded(&mut file, limits, deadline)?;
        let stamp = Stamp::of(&before);
        if before.file_type().is_fifo() || Stamp::of(&file.metadata()?) == stamp {
            return Ok(Contents { bytes, stamp });
        }
    }
    Err(ReadError::Changing)
}

fn check_type(metadata: &Metadata, limits: Limits) -> Result<(), ReadError> {
    let file_type = metadata.file_type();
    let fits = file_type.is_file() || limits.pipes && file_type.is_fifo();
    if fits { Ok(()) } else { Err(ReadError::NotAFile) }
}

fn read_bounded(file: &mut File, limits: Limits, deadline: Instant) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    loop {
        let rest = (limits.max_size + 1).saturating_sub(bytes.len() as u64);
        match file.take(rest).read_to_end(&mut bytes) {
            Ok(_) if bytes.len() as u64 > limits.max_size => {
                return Err(ReadError::TooLarge(limits.max_size));
            }
            Ok(_) => return Ok(bytes),
            // Of a pipe alone.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(PIPE_PAUSE),
            Err(error) => return Err(error.into()),
        }
        if Instant::now() >= deadline {
            return Err(ReadError::TimedOut(limits.timeout));
        }
    }
}
