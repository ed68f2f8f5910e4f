//! Why a file was not read.

use std::{fmt, io, time::Duration};

/// Why a file was not read. Never contains anything of the file.
#[derive(Debug)]
pub enum ReadError {
    /// The system refused.
    Io(io::Error),
    /// It is a directory, a device, a socket or a pipe.
    NotAFile,
    /// It has more bytes than this.
    TooLarge(u64),
    /// It was not read in this time.
    TimedOut(Duration),
    /// An earlier attempt still hangs.
    Hanging,
    /// Too many reads hang or wait.
    Busy,
    /// It was written to while it was read.
    Changing,
    /// It is not a text.
    NotUtf8,
}

impl ReadError {
    /// Whether there is no file.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Io(error) if error.kind() == io::ErrorKind::NotFound)
    }
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => match error.kind() {
                io::ErrorKind::NotFound => formatter.write_str("there is no such file"),
                io::ErrorKind::PermissionDenied => {
                    let user = rustix::process::geteuid();
                    write!(formatter, "permission denied: make it readable for user {user}")
                }
                _ => write!(formatter, "{error}"),
            },
            Self::NotAFile => formatter.write_str("it is not a regular file"),
            Self::TooLarge(limit) if limit % (1 << 20) == 0 => {
                write!(formatter, "it is larger than {} MiB", limit >> 20)
            }
            Self::TooLarge(limit) => write!(formatter, "it is larger than {limit} bytes"),
            Self::TimedOut(timeout) => write!(formatter, "it could not be read within {timeout:?}"),
            Self::Hanging => formatter.write_str("an earlier attempt to read it still hangs"),
            Self::Busy => formatter.write_str("too many other files are being read"),
            Self::Changing => formatter.write_str("it changes while it is read"),
            Self::NotUtf8 => formatter.write_str("it is not valid UTF-8"),
        }
    }
}

impl std::error::Error for ReadError {}
