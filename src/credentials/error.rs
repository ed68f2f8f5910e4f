//! Why there is no credential.

use std::fmt;

/// Why there is no credential; names what was looked for, never a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialsError {
    text: String,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Nothing says that there should be one.
    Absent,
    /// What is configured can't be used.
    Unusable,
    /// Nobody answered.
    Unreachable,
    /// Who was asked refused, or answered something else.
    Failed,
}

impl CredentialsError {
    /// Nothing says that there should be one here.
    pub(super) fn absent(text: impl Into<String>) -> Self {
        Self { text: text.into(), kind: Kind::Absent }
    }

    /// What is configured here can't be used.
    pub(super) fn unusable(text: impl Into<String>) -> Self {
        Self { text: text.into(), kind: Kind::Unusable }
    }

    /// Nobody answered.
    pub(super) fn unreachable(text: impl Into<String>) -> Self {
        Self { text: text.into(), kind: Kind::Unreachable }
    }

    /// Who was asked refused, or answered something else: the next answer may be another.
    pub(super) fn failed(text: impl Into<String>) -> Self {
        Self { text: text.into(), kind: Kind::Failed }
    }

    /// Whether the credential is missing by what is configured on this machine, rather than by what a service
    /// answered just now: waiting would not help.
    pub fn is_missing(&self) -> bool {
        matches!(self.kind, Kind::Absent | Kind::Unusable)
    }

    /// Whether nothing says that there should be one.
    pub(super) fn is_absent(&self) -> bool {
        self.kind == Kind::Absent
    }

    /// Whether nobody answered, so that there may be nobody.
    pub(super) fn is_unreachable(&self) -> bool {
        self.kind == Kind::Unreachable
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
