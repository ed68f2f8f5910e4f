//! Standard output.

use std::{
    io::{self, StdoutLock, Write as _},
    thread,
    time::Duration,
};

use tokio::{sync::oneshot, time::timeout};
use tracing::warn;

use super::CommandError;

/// How long a daemon waits for its standard output.
const WRITE_TIMEOUT: Duration = Duration::from_secs(1);

/// Writes `text` to standard output, as [`write_with`] does.
pub(super) fn write_all(text: &str) -> Result<(), CommandError> {
    write_with(|out| out.write_all(text.as_bytes()))
}

/// Lets `write` write to standard output, and flushes it.
///
/// A reader that stops reading, such as `head`, is not a failure.
pub(super) fn write_with(
    write: impl FnOnce(&mut StdoutLock<'_>) -> io::Result<()>,
) -> Result<(), CommandError> {
    let mut out = io::stdout().lock();
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(CommandError::Runtime(format!("can't write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// Writes the text of a daemon, which does not wait for a reader that never comes.
pub(super) async fn write_within_timeout(text: String) -> Result<(), CommandError> {
    let (sender, result) = oneshot::channel();
    let write = move || {
        // The daemon may have stopped waiting.
        let _ = sender.send(write_all(&text));
    };
    let started = thread::Builder::new().name("stdout".to_owned()).spawn(write);
    started.map_err(|error| CommandError::Runtime(format!("can't write to standard output: {error}")))?;
    if let Ok(Ok(result)) = timeout(WRITE_TIMEOUT, result).await {
        return result;
    }
    warn!("nothing reads standard output");
    Ok(())
}
