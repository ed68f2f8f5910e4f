//! A chain of providers: the first one that has credentials is used.

use std::{collections::HashSet, path::PathBuf, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::time::Instant;
use tracing::{info, warn};

use crate::{
    error::CredentialsError,
    provider::{CredentialsSource, Fetched, IssuedCredentials},
};

/// How long a provider may be unusable before the next one is used: its file may just be written.
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);

/// The number of remembered log messages. Each is about one provider and contains only files and codes.
const MAX_LOGGED: usize = 64;

type NamedSource = (&'static str, Arc<dyn CredentialsSource>);

/// A chain of providers.
#[derive(Debug)]
pub(crate) struct Chain {
    providers: Vec<NamedSource>,
    state: Mutex<ChainState>,
}

#[derive(Debug, Default)]
struct ChainState {
    /// The provider that was used last.
    last: Option<usize>,
    /// Since when what is configured for it can't be used.
    unusable_since: Option<Instant>,
    /// The messages logged so far.
    logged: HashSet<String>,
}

impl Chain {
    pub(crate) fn new(providers: Vec<NamedSource>) -> Self {
        Self { providers, state: Mutex::default() }
    }

    async fn find(&self) -> Result<IssuedCredentials, CredentialsError> {
        if let Some((index, (name, provider))) = self.last_used() {
            match provider.fetch().await {
                Ok(issued) => {
                    self.state.lock().unusable_since = None;
                    return Ok(issued);
                }
                // Neither an outage nor a file that is being written may switch to another identity.
                Err(error) if !error.is_missing() || self.is_recent(&error) => return Err(error.of(name)),
                Err(_) => self.forget(index),
            }
        }
        let mut errors: Vec<(&str, CredentialsError)> = Vec::new();
        for (index, (name, provider)) in self.providers.iter().enumerate() {
            match provider.fetch().await {
                Ok(issued) => {
                    let is_fallback = errors.iter().any(|(_, error)| !error.is_absent());
                    self.log(&issued.origin, &errors);
                    if !is_fallback {
                        self.remember(index);
                    }
                    return Ok(IssuedCredentials { is_fallback, ..issued });
                }
                Err(error) => errors.push((*name, error)),
            }
        }
        Err(nothing_found(&errors))
    }

    fn last_used(&self) -> Option<(usize, &NamedSource)> {
        let index = self.state.lock().last?;
        Some((index, self.providers.get(index)?))
    }

    fn forget(&self, index: usize) {
        self.state.lock().last.take_if(|last| *last == index);
    }

    /// Whether what is configured has only just become unusable, as while a file is being written.
    fn is_recent(&self, error: &CredentialsError) -> bool {
        let mut state = self.state.lock();
        if error.is_absent() {
            return false;
        }
        state.unusable_since.get_or_insert_with(Instant::now).elapsed() < WRITE_TIMEOUT
    }

    fn remember(&self, index: usize) {
        let mut state = self.state.lock();
        state.last = Some(index);
        state.unusable_since = None;
    }

    /// Logs which provider is used, and those before it that are configured and failed.
    fn log(&self, origin: &str, failures: &[(&str, CredentialsError)]) {
        let mut state = self.state.lock();
        if state.logged.len() >= MAX_LOGGED {
            state.logged.clear();
        }
        for (name, error) in failures {
            let message = format!("{name}: {error}");
            if !error.is_absent() && state.logged.insert(message) {
                warn!(provider = name, %error, fallback = origin, "a configured credentials provider failed");
            }
        }
        if state.logged.insert(origin.to_owned()) {
            info!(from = origin, "credentials found");
        }
    }
}

/// The error of a chain without credentials: each provider with its error, one per line.
fn nothing_found(errors: &[(&str, CredentialsError)]) -> CredentialsError {
    let lines: Vec<_> = errors.iter().map(|(name, error)| format!("\n  - {name}: {error}")).collect();
    let text = format!(
        "no credentials found. Looked for:{}\n  `credentials` in the configuration can name a source of their own, \
         such as {{type: access_key, …}}",
        lines.concat()
    );
    if errors.iter().all(|(_, error)| error.is_missing()) {
        CredentialsError::unusable(text)
    } else {
        CredentialsError::failed(text)
    }
}

impl CredentialsSource for Chain {
    fn fetch(&self) -> Fetched<'_> {
        Box::pin(self.find())
    }

    fn files(&self) -> Vec<PathBuf> {
        self.providers.iter().flat_map(|(_, provider)| provider.files()).collect()
    }

    fn rejected(&self) {
        if let Some((_, (_, provider))) = self.last_used() {
            provider.rejected();
        }
    }
}
