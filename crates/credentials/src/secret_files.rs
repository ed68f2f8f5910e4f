//! Small files that contain secrets or settings.

use std::path::{Path, PathBuf};

use secrecy::SecretString;
use small_file::{Contents, Limits, ReadError, Stamp};

use crate::error::CredentialsError;

/// Why a path is configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PathOrigin {
    /// It was configured explicitly: a missing file is an error.
    Explicit,
    /// It is the default: the file need not exist.
    Default,
}

/// Reads the text in the file at `path`. The error is `absent` if the file does not exist and need not exist.
pub(crate) async fn read(path: &Path, origin: PathOrigin) -> Result<String, CredentialsError> {
    let text = small_file::read_async(path, Limits::default()).await;
    text.and_then(|contents| small_file::text(contents.bytes))
        .map_err(|error| unreadable(path, origin, &error))
}

/// Reads the secret in a file that contains nothing else. It is sent in a header.
pub(crate) async fn read_secret(path: &Path) -> Result<(SecretString, Stamp), CredentialsError> {
    let contents = small_file::read_async(path, Limits::default()).await;
    let explicit = |error: ReadError| unreadable(path, PathOrigin::Explicit, &error);
    let Contents { bytes, stamp } = contents.map_err(explicit)?;
    let text = small_file::text(bytes).map_err(explicit)?;
    let secret = text.trim();
    let fits = !secret.is_empty() && secret.bytes().all(|byte| byte.is_ascii_graphic());
    if fits {
        return Ok((secret.into(), stamp));
    }
    let found = if secret.is_empty() { "is empty" } else { "contains more than one word of ASCII" };
    Err(CredentialsError::unusable(format!("{} {found}: expected only the secret", path.display())))
}

/// The states of files, which differ once a file has changed. None if a state can't be determined.
pub(crate) async fn stamps(paths: Vec<PathBuf>) -> Option<Vec<Option<Stamp>>> {
    small_file::stamps_async(paths, Limits::default().timeout).await.ok()
}

fn unreadable(path: &Path, origin: PathOrigin, error: &ReadError) -> CredentialsError {
    let is_missing = error.is_not_found();
    // A shell expands `~`, but not in quotes, and no shell reads an environment file.
    let hint = if is_missing && path.starts_with("~") { " (`~` is not expanded)" } else { "" };
    let text = format!("{} can't be read: {error}{hint}", path.display());
    if is_missing && origin == PathOrigin::Default {
        CredentialsError::absent(text)
    } else {
        CredentialsError::unusable(text)
    }
}
