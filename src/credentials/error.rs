//! Why there is no credential.

use std::fmt;

/// Why there is no credential; names what was looked for, never a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialsError {
    text: String,
    absent: bool,
    unreachable: bool,
}

impl CredentialsError {
    /// There is nothing to ask, or what is configured can't be used: waiting would not help.
    pub(super) fn absent(text: impl Into<String>) -> Self {
        Self { text: text.into(), absent: true, unreachable: false }
    }

    /// Who was asked did not answer, or refused: the next answer may be another.
    pub(super) fn failed(text: impl Into<String>) -> Self {
        Self { text: text.into(), absent: false, unreachable: false }
    }

    /// Nobody answered.
    pub(super) fn unreachable(text: impl Into<String>) -> Self {
        Self { text: text.into(), absent: false, unreachable: true }
    }

    /// Whether nobody answered, so that there may be nobody.
    pub(super) fn is_unreachable(&self) -> bool {
        self.unreachable
    }

    /// Whether the credential is missing by what is configured on this machine, rather than by what a service
    /// answered just now.
    pub fn is_absent(&self) -> bool {
        self.absent
    }

    /// The same, told of `what`.
    pub(super) fn of(self, what: &str) -> Self {
        Self { text: format!("{what}: {}", self.text), ..self }
    }
}

impl fmt::Display for CredentialsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl std::error::Error for CredentialsError {}
