//! Why there are no credentials.

/// Why there are no credentials. Names files and variables, never their values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct CredentialsError {
    text: String,
    kind: ErrorKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ErrorKind {
    /// The provider is not configured.
    Absent,
    /// The configuration of the provider can't be used.
    Unusable,
    /// The service did not answer.
    Unreachable,
    /// The service refused, or its answer can't be used.
    Failed,
}

impl CredentialsError {
    /// The provider is not configured.
    pub(crate) fn absent(text: impl Into<String>) -> Self {
        Self { text: text.into(), kind: ErrorKind::Absent }
    }

    /// The configuration of the provider can't be used.
    pub(crate) fn unusable(text: impl Into<String>) -> Self {
        Self { text: text.into(), kind: ErrorKind::Unusable }
    }

    /// The service did not answer.
    pub(crate) fn unreachable(text: impl Into<String>) -> Self {
        Self { text: text.into(), kind: ErrorKind::Unreachable }
    }

    /// The service refused, or its answer can't be used. The next answer may differ.
    pub(crate) fn failed(text: impl Into<String>) -> Self {
        Self { text: text.into(), kind: ErrorKind::Failed }
    }

    /// Whether the cause is the configuration of this machine rather than the current state of a service.
    pub fn is_missing(&self) -> bool {
        matches!(self.kind, ErrorKind::Absent | ErrorKind::Unusable)
    }

    /// Whether the provider is not configured.
    pub(crate) fn is_absent(&self) -> bool {
        self.kind == ErrorKind::Absent
    }

    /// Whether the service did not answer, so that it may not exist.
    pub(crate) fn is_unreachable(&self) -> bool {
        self.kind == ErrorKind::Unreachable
    }

    /// The same error, about `subject`.
    pub(crate) fn of(self, subject: &str) -> Self {
        Self { text: format!("{subject}: {}", self.text), ..self }
    }
}
