//! The file of Alibaba Cloud's command line, `~/.aliyun/config.json`.

use std::{path::PathBuf, sync::Arc, time::Duration};

use serde::Deserialize;

use crate::{
    ecs_ram_role::EcsRamRoleProvider,
    error::CredentialsError,
    oidc_role_arn::OidcRoleArnProvider,
    profile::{access_key, non_empty},
    provider::{CredentialsSource, Fetched, IssuedCredentials},
    provider_config::{EcsRamRole, Oidc, Profile, Session},
    provider_context::{ProviderContext, env},
    ram_role_arn::RamRoleArnProvider,
    secret_files::{self, PathOrigin},
};

/// The longest chain of profiles that name each other as `source_profile`.
const MAX_SOURCES: usize = 8;

const MODES: &str = "AK, StsToken, RamRoleArn, EcsRamRole, OIDC and ChainableRamRoleArn";

/// A profile of the CLI, read on each fetch.
#[derive(Debug)]
pub(crate) struct CliProfileProvider {
    context: Arc<ProviderContext>,
    profile: Profile,
}

#[derive(Deserialize)]
struct File {
    current: Option<String>,
    #[serde(default)]
    profiles: Vec<Entry>,
}

impl File {
    fn profile(&self, name: &str) -> Result<&Entry, CredentialsError> {
        let found = self.profiles.iter().find(|entry| entry.name.as_deref() == Some(name));
        found.ok_or_else(|| CredentialsError::unusable(format!("it has no profile {name:?}")))
    }
}

/// A profile as the CLI writes it: with every key, empty or 0 if it is not set.
#[derive(Deserialize, Clone, Default)]
#[serde(default)]
struct Entry {
    name: Option<String>,
    mode: Option<String>,
    access_key_id: Option<String>,
    access_key_secret: Option<String>,
    sts_token: Option<String>,
    ram_role_arn: Option<String>,
    ram_session_name: Option<String>,
    role_session_name: Option<String>,
    expired_seconds: Option<u64>,
    policy: Option<String>,
    external_id: Option<String>,
    sts_region: Option<String>,
    enable_vpc: Option<bool>,
    ram_role_name: Option<String>,
    oidc_provider_arn: Option<String>,
    oidc_token_file: Option<String>,
    source_profile: Option<String>,
}

impl CliProfileProvider {
    pub(crate) fn new(context: Arc<ProviderContext>, profile: &Profile) -> Self {
        Self { context, profile: profile.clone() }
    }

    async fn read(&self) -> Result<IssuedCredentials, CredentialsError> {
        if self.is_disabled() {
            let text = format!("disabled by {}", env::CLI_PROFILE_DISABLED);
            return Err(CredentialsError::absent(text));
        }
        let (path, origin) = self.path()?;
        let text = secret_files::read(&path, origin).await?;
        let about = |error: CredentialsError| error.of(&path.display().to_string());
        let file: File = serde_json::from_str(&text).map_err(|error| {
            // The text of the parser's error may contain a value.
            let (line, column) = (error.line(), error.column());
            let text = format!("it is not a configuration file of the CLI (line {line}, column {column})");
            about(CredentialsError::unusable(text))
        })?;
        let requested = self.profile.name.as_deref().or_else(|| self.context.variable(env::PROFILE));
        let name = requested.or(file.current.as_deref()).filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| about(CredentialsError::unusable("it names no current profile")))?;
        if requested.is_some() && origin == PathOrigin::Default && file.profile(name).is_err() {
            // The credentials file may have the profile. If it does not, the error is reported there.
            return Err(about(CredentialsError::absent(format!("it has no profile {name:?}"))));
        }
        let found_in = format!("the CLI's profile {name:?} in {}", path.display());
        let source = self.source_of(&file, name, &found_in, 0).map_err(about)?;
        let issued = source.fetch().await.map_err(|error| error.of(&found_in))?;
        Ok(issued.found_in(&found_in))
    }

    fn path(&self) -> Result<(PathBuf, PathOrigin), CredentialsError> {
        match (&self.profile.file, self.context.variable(env::CONFIG_FILE)) {
            (Some(file), _) => Ok((file.clone(), PathOrigin::Explicit)),
            (None, Some(file)) => Ok((file.into(), PathOrigin::Explicit)),
            (None, None) => Ok((self.context.in_home(".aliyun/config.json")?, PathOrigin::Default)),
        }
    }

    fn is_disabled(&self) -> bool {
        self.profile.file.is_none() && self.context.is_enabled(env::CLI_PROFILE_DISABLED)
    }

    fn source_of(
        &self,
        file: &File,
        name: &str,
        origin: &str,
        depth: usize,
    ) -> Result<Arc<dyn CredentialsSource>, CredentialsError> {
        let entry = file.profile(name)?.clone();
        let about = |error: CredentialsError| error.of(&format!("the profile {name:?}"));
        match entry.mode.as_deref().unwrap_or_default() {
            "AK" => access_key(entry.access_key_id, entry.access_key_secret, None, origin).map_err(about),
            "StsToken" => access_key(entry.access_key_id, entry.access_key_secret, entry.sts_token, origin)
                .map_err(about),
            "RamRoleArn" => {
                let source =
                    access_key(entry.access_key_id.clone(), entry.access_key_secret.clone(), None, origin);
                Ok(self.role(entry, source.map_err(about)?))
            }
            "ChainableRamRoleArn" if depth < MAX_SOURCES => {
                let source = entry.source_profile.clone().unwrap_or_default();
                let source = self.source_of(file, &source, origin, depth + 1)?;
                Ok(self.role(entry, source))
            }
            "ChainableRamRoleArn" => {
                let text = format!("more than {MAX_SOURCES} profiles name each other as source_profile");
                Err(CredentialsError::unusable(text))
            }
            "EcsRamRole" => Ok(Arc::new(self.instance(entry))),
            "OIDC" => Ok(Arc::new(self.oidc(entry))),
            mode => {
                let text = format!("the mode {mode:?} is not supported here: {MODES} are");
                Err(about(CredentialsError::unusable(text)))
            }
        }
    }

    fn role(&self, entry: Entry, source: Arc<dyn CredentialsSource>) -> Arc<dyn CredentialsSource> {
        let session = self.session(&entry, entry.ram_session_name.clone());
        Arc::new(RamRoleArnProvider {
            context: self.context.clone(),
            source,
            role_arn: non_empty(entry.ram_role_arn),
            external_id: non_empty(entry.external_id).map(Into::into),
            session,
        })
    }

    fn instance(&self, entry: Entry) -> EcsRamRoleProvider {
        let role = EcsRamRole {
            role_name: non_empty(entry.ram_role_name),
            metadata_endpoint: self.profile.metadata_endpoint.clone(),
            imds_v1_disabled: None,
        };
        EcsRamRoleProvider::new(self.context.clone(), role)
    }

    fn oidc(&self, entry: Entry) -> OidcRoleArnProvider {
        let session = self.session(&entry, entry.role_session_name.clone());
        let oidc = Oidc {
            role_arn: non_empty(entry.ram_role_arn),
            oidc_provider_arn: non_empty(entry.oidc_provider_arn),
            oidc_token_file: non_empty(entry.oidc_token_file).map(Into::into),
            session,
        };
        OidcRoleArnProvider::new(self.context.clone(), oidc)
    }

    fn session(&self, entry: &Entry, name: Option<String>) -> Session {
        Session {
            name: non_empty(name),
            duration: entry.expired_seconds.filter(|seconds| *seconds > 0).map(Duration::from_secs),
            policy: non_empty(entry.policy.clone()),
            sts_region: non_empty(entry.sts_region.clone()),
            vpc: entry.enable_vpc,
            sts_endpoint: self.profile.sts_endpoint.clone(),
        }
    }
}

impl CredentialsSource for CliProfileProvider {
    fn fetch(&self) -> Fetched<'_> {
        Box::pin(self.read())
    }

    fn files(&self) -> Vec<PathBuf> {
        let path = self.path().ok().filter(|_| !self.is_disabled());
        path.map(|(path, _)| path).into_iter().collect()
    }
}
