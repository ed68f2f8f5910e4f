//! The workspaces and discovery entries that use a credentials provider.

use std::fmt;

/// The workspaces and discovery entries that use a credentials provider.
#[derive(Debug, Default)]
pub(super) struct CredentialsUsers {
    /// The ids of workspaces.
    pub(super) workspaces: Vec<String>,
    /// The names of discovery entries.
    pub(super) entries: Vec<String>,
}

impl fmt::Display for CredentialsUsers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        if !self.workspaces.is_empty() {
            let plural = if self.workspaces.len() == 1 { "" } else { "s" };
            write!(formatter, "workspace{plural} {}", self.workspaces.join(", "))?;
            separator = ", ";
        }
        if !self.entries.is_empty() {
            write!(formatter, "{separator}discovery {}", self.entries.join(", "))?;
        }
        Ok(())
    }
}
