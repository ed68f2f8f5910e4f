//! Small files that contain secrets or settings.

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use secrecy::SecretString;

use crate::error::CredentialsError;

/// In bytes. No key or profile file is larger; a mistyped path may name anything.
const MAX_SIZE: u64 = 1 << 20;

/// The text of the file at `path`. The error is `absent` if there is no such file.
pub(crate) async fn read(path: &Path) -> Result<String, CredentialsError> {
    let owned = path.to_owned();
    let read = tokio::task::spawn_blocking(move || read_bounded(&owned)).await;
    let text = read.unwrap_or_else(|_| Err(io::Error::other("stopping")));
    text.map_err(|error| {
        let text = format!("{} can't be read: {}", path.display(), reason(&error));
        let missing = error.kind() == io::ErrorKind::NotFound;
        if missing { CredentialsError::absent(text) } else { CredentialsError::unusable(text) }
    })
}

/// The secret in a file that contains nothing else. It is sent in a header.
pub(crate) async fn read_secret(path: &Path) -> Result<SecretString, CredentialsError> {
    let text = read(path).await?;
    let secret = text.trim();
    let fits = !secret.is_empty() && secret.bytes().all(|byte| byte.is_ascii_graphic());
    if fits {
        return Ok(secret.into());
    }
    let found = if secret.is_empty() { "is empty" } else { "holds more than one word of ASCII" };
    Err(CredentialsError::unusable(format!("{} {found}: expected the secret alone", path.display())))
}

fn read_bounded(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    // A pipe may never be opened for writing, and a device never ends.
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut bytes = Vec::new();
    file.by_ref().take(MAX_SIZE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_SIZE {
        return Err(io::Error::other("it is larger than 1 MiB"));
    }
    // The error of a failed conversion holds the bytes.
    String::from_utf8(bytes).map_err(|_| io::Error::other("it is not valid UTF-8"))
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}
