//! Several providers, of which the first that has a credential gives it.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use tracing::{info, warn};

use super::{
    CredentialsError, EcsRamRole, Endpoints, Fetch, Fetching, Issued, Oidc, Profile, Session,
    cli_profile::CliProfile,
    context::Context,
    ecs_ram_role::{InstanceRole, PerhapsInstanceRole},
    environment::Environment,
    ini_profile::IniProfile,
    oidc::OidcRole,
    uri::FromUri,
};

type Link = (&'static str, Arc<dyn Fetch>);

/// A chain of providers.
#[derive(Debug)]
pub(super) struct Chain {
    links: Vec<Link>,
    memory: Mutex<Memory>,
}

#[derive(Debug, Default)]
struct Memory {
    /// The link that worked last.
    last: Option<usize>,
    /// What was told already.
    told: HashSet<String>,
}

/// Different messages remembered: each is of one link, and names no more than files and codes.
const MAX_TOLD: usize = 64;

impl Chain {
    /// The default chain, in the order of Alibaba Cloud's SDKs.
    pub(super) fn new(context: &Arc<Context>, endpoints: &Endpoints) -> Self {
        let profile = Profile { endpoints: endpoints.clone(), ..Profile::default() };
        let session = Session { sts_endpoint: endpoints.sts.clone(), ..Session::default() };
        let oidc = Oidc { session, ..Oidc::default() };
        let role = EcsRamRole { metadata_endpoint: endpoints.metadata.clone(), ..EcsRamRole::default() };
        let instance = PerhapsInstanceRole(InstanceRole::new(context.clone(), role));
        Self::of(vec![
            ("the environment", Arc::new(Environment(context.clone()))),
            ("an OIDC token (RRSA)", Arc::new(OidcRole::new(context.clone(), oidc))),
            ("the CLI's configuration", Arc::new(CliProfile::new(context.clone(), &profile))),
            ("the credentials file", Arc::new(IniProfile::new(context.clone(), &profile))),
            ("the ECS instance's RAM role", Arc::new(instance)),
            ("the credentials URI", Arc::new(FromUri::new(context.clone(), None))),
        ])
    }

    /// A chain of these.
    pub(super) fn of(links: Vec<Link>) -> Self {
        Self { links, memory: Mutex::default() }
    }

    async fn ask(&self) -> Result<Issued, CredentialsError> {
        let last = self.remembered();
        if let Some((index, (name, link))) = last.and_then(|index| Some((index, self.links.get(index)?))) {
            match link.fetch().await {
                Ok(issued) => return Ok(issued),
                // What it gave must not be followed by another identity's because it is down for a while.
                Err(error) if !error.is_missing() => return Err(error.of(name)),
                Err(_) => self.forget(index),
            }
        }
        let mut errors: Vec<(&str, CredentialsError)> = Vec::new();
        for (index, (name, link)) in self.links.iter().enumerate() {
            match link.fetch().await {
                Ok(issued) => {
                    let provisional = errors.iter().any(|(_, error)| !error.is_missing());
                    self.tell(&issued.origin, &errors);
                    if !provisional {
                        self.remember(index);
                    }
                    return Ok(Issued { provisional, ..issued });
                }
                Err(error) => errors.push((*name, error)),
            }
        }
        Err(nothing(&errors))
    }

    fn remembered(&self) -> Option<usize> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).last
    }

    fn forget(&self, index: usize) {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        if memory.last == Some(index) {
            memory.last = None;
        }
    }

    fn remember(&self, index: usize) {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).last = Some(index);
    }

    /// Tells which link worked, and of those before it that were meant to and did not.
    fn tell(&self, origin: &str, before: &[(&str, CredentialsError)]) {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        if memory.told.len() >= MAX_TOLD {
            memory.told.clear();
        }
        for (name, error) in before {
            let message = format!("{name}: {error}");
            if !error.is_absent() && memory.told.insert(message) {
                warn!(link = name, %error, "credentials that can't be used are skipped");
            }
        }
        if memory.told.insert(origin.to_owned()) {
            info!(from = origin, "credentials found");
        }
    }
}

/// Nothing was found: all that was looked for, a line each.
fn nothing(errors: &[(&str, CredentialsError)]) -> CredentialsError {
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

impl Fetch for Chain {
    fn fetch(&self) -> Fetching<'_> {
        Box::pin(self.ask())
    }
}
