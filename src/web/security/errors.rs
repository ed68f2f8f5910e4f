//! Errors of the web configuration file. They name keys and types, never values: any value may be a secret.

use std::{
    fmt,
    path::{Path, PathBuf},
};

/// Everything that is wrong with a web configuration file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.lines())]
pub struct WebConfigError {
    path: PathBuf,
    messages: Vec<String>,
}

impl WebConfigError {
    pub(super) fn new(path: &Path, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), messages: vec![message.into()] }
    }

    fn lines(&self) -> String {
        let lines = self.messages.iter().map(|message| format!("{}: {message}", self.path.display()));
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// Collects errors, so that all of them are reported at once.
#[derive(Debug, Default)]
pub(super) struct Diagnostics(Vec<String>);

impl Diagnostics {
    /// Records an error at `key`, the path of a setting.
    pub(super) fn report(&mut self, key: &str, message: impl fmt::Display) {
        self.0.push(if key.is_empty() { message.to_string() } else { format!("{key}: {message}") });
    }

    /// Records an error in place of a value.
    pub(super) fn fail<T>(&mut self, key: &str, message: impl fmt::Display) -> Option<T> {
        self.report(key, message);
        None
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `value` if there were no errors, otherwise all errors of the file at `path`.
    pub(super) fn into_result<T>(self, path: &Path, value: T) -> Result<T, WebConfigError> {
        if self.0.is_empty() {
            Ok(value)
        } else {
            Err(WebConfigError { path: path.to_owned(), messages: self.0 })
        }
    }
}
