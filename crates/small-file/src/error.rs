//! Why a file was not read.

use std::{io, time::Duration};

/// Why a file was not read. Never contains anything of the file.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system refused.
    #[error("{}", refusal(.0))]
    Io(#[from] io::Error),
    /// It is a directory, a device, a socket or a pipe.
    #[error("it is not a regular file")]
    NotAFile,
    /// It has more than this number of bytes.
    #[error("it is larger than {}", size(*.0))]
    TooLarge(u64),
    /// It was not read within this time.
    #[error("it could not be read within {0:?}")]
    TimedOut(Duration),
    /// An earlier attempt still hangs.
    #[error("an earlier attempt to read it still hangs")]
    Hanging,
    /// Too many reads hang or wait.
    #[error("too many other files are being read")]
    Busy,
    /// It was written to while it was read.
    #[error("it changes while it is read")]
    Changing,
    /// It is not valid UTF-8.
    #[error("it is not valid UTF-8")]
    NotUtf8,
}

impl ReadError {
    /// Whether there is no file.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Io(error) if error.kind() == io::ErrorKind::NotFound)
    }
}

/// What the system refused, with the remedy if there is one.
fn refusal(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => {
            let user = rustix::process::geteuid();
            format!("permission denied: make it readable for user {user}")
        }
        _ => error.to_string(),
    }
}

fn size(bytes: u64) -> String {
    if bytes.is_multiple_of(1 << 20) { format!("{} MiB", bytes >> 20) } else { format!("{bytes} bytes") }
}
