//! Standard output.

use std::io::{self, StdoutLock, Write as _};

use super::Failure;

/// Writes `text` to standard output, as [`write_with`] does.
pub(super) fn write_all(text: &str) -> Result<(), Failure> {
    write_with(|out| out.write_all(text.as_bytes()))
}

/// Lets `write` write to standard output, and flushes it.
///
/// A reader that stops reading, such as `head`, is not a failure.
pub(super) fn write_with(write: impl FnOnce(&mut StdoutLock<'_>) -> io::Result<()>) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::Runtime(format!("can't write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}
