//! Reads small files with a limit and a time-out, whatever their path leads to: configurations, certificates, keys.
//!
//! A path may lead to a pipe without a writer, a device that never ends, or a network mount that hangs. No caller
//! waits longer than its time-out, and nothing is read beyond the limit. A hanging system call can't be interrupted, so
//! each path has at most one thread: while that hangs, later calls for the same path fail at once.

mod error;
mod limits;
mod open;
mod read_threads;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::sync::Semaphore;

pub use error::ReadError;
pub use limits::Limits;
pub use open::{Contents, Stamp};

/// The number of calls that wait at the same time on the threads for blocking work.
const MAX_CONCURRENT: usize = 8;

static CONCURRENT: Semaphore = Semaphore::const_new(MAX_CONCURRENT);

/// Reads the file at `path`. Blocks the calling thread.
///
/// # Errors
///
/// If the file can't be read whole within the limits, or if it changes while it is read.
pub fn read(path: &Path, limits: Limits) -> Result<Contents, ReadError> {
    read_threads::run(path, limits.timeout, move |path, deadline| open::read(path, limits, deadline))
}

/// Reads the text in the file at `path`, without a byte order mark. Blocks the calling thread.
///
/// # Errors
///
/// As [`read`], and if the text is not valid UTF-8.
pub fn read_text(path: &Path, limits: Limits) -> Result<String, ReadError> {
    text(read(path, limits)?.bytes)
}

/// The states of the files at `paths`, which differ after each change; none for a file that does not exist or can't be
/// examined. Blocks the calling thread.
///
/// # Errors
///
/// If that takes longer than `timeout`. The files share the thread of the first.
pub fn stamps(paths: Vec<PathBuf>, timeout: Duration) -> Result<Vec<Option<Stamp>>, ReadError> {
    let Some(first) = paths.first().cloned() else { return Ok(Vec::new()) };
    read_threads::run(&first, timeout, move |_, _| Ok(paths.iter().map(|path| open::stamp(path)).collect()))
}

/// [`read`] without blocking.
///
/// # Errors
///
/// As [`read`].
pub async fn read_async(path: &Path, limits: Limits) -> Result<Contents, ReadError> {
    let path = path.to_owned();
    in_background(move || read(&path, limits)).await
}

/// [`stamps`] without blocking.
///
/// # Errors
///
/// As [`stamps`].
pub async fn stamps_async(paths: Vec<PathBuf>, timeout: Duration) -> Result<Vec<Option<Stamp>>, ReadError> {
    in_background(move || stamps(paths, timeout)).await
}

/// The text in `bytes`, without a byte order mark, which editors on Windows write.
///
/// # Errors
///
/// If it is not valid UTF-8. The error does not contain the bytes.
pub fn text(bytes: Vec<u8>) -> Result<String, ReadError> {
    let mut text = String::from_utf8(bytes).map_err(|_| ReadError::NotUtf8)?;
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    Ok(text)
}

async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ReadError> + Send + 'static,
) -> Result<T, ReadError> {
    // Never closed.
    let _permit = CONCURRENT.acquire().await;
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(ReadError::Busy))
}

#[cfg(test)]
mod tests;
