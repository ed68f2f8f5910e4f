//! The error if no workspace and no discovery entry has credentials.

use std::fmt;

use crate::credentials::CredentialsError;

/// No workspace and no discovery entry has credentials.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.lines())]
pub struct MissingCredentials(Vec<(CredentialsError, CredentialsUsers)>);

impl MissingCredentials {
    /// Creates the error from the first result of each provider and its users. None if a provider has credentials, or
    /// if a service failed, which may recover.
    pub(super) fn new(results: Vec<(Result<(), CredentialsError>, CredentialsUsers)>) -> Option<Self> {
        let missing = |(result, users): (Result<(), CredentialsError>, CredentialsUsers)| {
            result.err().filter(CredentialsError::is_missing).map(|error| (error, users))
        };
        results
            .into_iter()
            .map(missing)
            .collect::<Option<Vec<_>>>()
            .filter(|errors| !errors.is_empty())
            .map(Self)
    }

    /// Writes one line for each provider: its users and its error.
    fn lines(&self) -> String {
        self.0.iter().map(|(error, users)| format!("{users}: {error}")).collect::<Vec<_>>().join("\n")
    }
}

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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        application::APPLICATION,
        clock::Clock,
        credentials::{AccessKey, ProviderConfig, ProviderContext, SecretSource},
    };

    async fn missing(path: &str) -> CredentialsError {
        let file = SecretSource::File(path.into());
        let key = AccessKey { id: file.clone(), secret: file, token: None };
        let context: Arc<ProviderContext> = ProviderContext::new(APPLICATION, |_| None, Clock::System);
        context.provider(&ProviderConfig::AccessKey(key)).credentials().await.unwrap_err()
    }

    #[tokio::test]
    async fn each_provider_is_listed_with_its_workspaces() {
        let (a, b) = (missing("/nowhere/a").await, missing("/nowhere/b").await);
        let users = |workspaces: &[&str], entries: &[&str]| {
            let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
            CredentialsUsers { workspaces: names(workspaces), entries: names(entries) }
        };
        let results =
            vec![(Err(a.clone()), users(&["w1", "w2"], &[])), (Err(b.clone()), users(&["w3"], &["r1"]))];
        assert_eq!(
            MissingCredentials::new(results).unwrap().to_string(),
            "workspaces w1, w2: /nowhere/a can't be read: there is no such file\n\
             workspace w3, discovery r1: /nowhere/b can't be read: there is no such file"
        );
        let one_has_some = vec![(Err(a), users(&["w1"], &[])), (Ok(()), users(&[], &["r1"]))];
        assert!(MissingCredentials::new(one_has_some).is_none());
        assert!(MissingCredentials::new(Vec::new()).is_none());
    }
}
