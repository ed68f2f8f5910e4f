//! The file of Alibaba Cloud's command line, `~/.aliyun/config.json`.

use std::{path::PathBuf, sync::Arc, time::Duration};

use serde::Deserialize;

use super::{
    CredentialsError, EcsRamRole, Fetch, Fetching, Issued, Oidc, Profile, Secret, Session,
    context::{Context, names},
    ecs_ram_role::InstanceRole,
    files,
    oidc::OidcRole,
    profile::{given, key},
    ram_role_arn::AssumedRole,
};

/// Profiles that name each other as sources: more than any that is meant.
const MAX_SOURCES: usize = 8;

const MODES: &str = "AK, StsToken, RamRoleArn, EcsRamRole, OIDC and ChainableRamRoleArn";

/// A profile of the CLI's, read each time.
#[derive(Debug)]
pub(super) struct CliProfile {
    context: Arc<Context>,
    profile: Profile,
}

#[derive(Deserialize)]
struct File {
    current: Option<String>,
    #[serde(default)]
    profiles: Vec<Entry>,
}

/// A profile as the CLI writes it: every key, empty or 0 where it means nothing.
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

impl CliProfile {
    pub(super) fn new(context: Arc<Context>, profile: &Profile) -> Self {
        Self { context, profile: profile.clone() }
    }

    async fn ask(&self) -> Result<Issued, CredentialsError> {
        if self.profile.file.is_none() && self.context.switched_on(names::CLI_PROFILE_DISABLED) {
            let text = format!("switched off by {}", names::CLI_PROFILE_DISABLED);
            return Err(CredentialsError::absent(text));
        }
        let path = self.path()?;
        let text = files::read(&path).await?;
        let about = |error: CredentialsError| error.of(&path.display().to_string());
        let file: File = serde_json::from_str(&text).map_err(|error| {
            // The error's own words may hold a value.
            let (line, column) = (error.line(), error.column());
            let text = format!("it is no configuration of the CLI's (line {line}, column {column})");
            about(CredentialsError::unusable(text))
        })?;
        let name = self.profile.name.as_deref().or_else(|| self.context.variable(names::PROFILE));
        let name = name.or(file.current.as_deref()).filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| about(CredentialsError::unusable("it names no current profile")))?;
        let origin = format!("the CLI's profile {name:?} in {}", path.display());
        let fetch = self.of(&file, name, &origin, 0).map_err(about)?;
        let issued = fetch.fetch().await.map_err(|error| error.of(&origin))?;
        Ok(if issued.origin == origin { issued } else { told_with(issued, &origin) })
    }

    fn path(&self) -> Result<PathBuf, CredentialsError> {
        match (&self.profile.file, self.context.variable(names::CONFIG_FILE)) {
            (Some(file), _) => Ok(file.clone()),
            (None, Some(file)) => Ok(file.into()),
            (None, None) => self.context.in_home(".aliyun/config.json"),
        }
    }

    fn of(
        &self,
        file: &File,
        name: &str,
        origin: &str,
        depth: usize,
    ) -> Result<Arc<dyn Fetch>, CredentialsError> {
        let found = file.profiles.iter().find(|entry| entry.name.as_deref() == Some(name));
        let entry = found.ok_or_else(|| CredentialsError::absent(format!("it has no profile {name:?}")))?;
        let entry = entry.clone();
        let about = |error: CredentialsError| error.of(&format!("the profile {name:?}"));
        match entry.mode.as_deref().unwrap_or_default() {
            "AK" => key(entry.access_key_id, entry.access_key_secret, None, origin).map_err(about),
            "StsToken" => {
                key(entry.access_key_id, entry.access_key_secret, entry.sts_token, origin).map_err(about)
            }
            "RamRoleArn" => {
                let source = key(entry.access_key_id.clone(), entry.access_key_secret.clone(), None, origin);
                Ok(self.role(entry, source.map_err(about)?))
            }
            "ChainableRamRoleArn" if depth < MAX_SOURCES => {
                let source = entry.source_profile.clone().unwrap_or_default();
                let source = self.of(file, &source, origin, depth + 1)?;
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

    fn role(&self, entry: Entry, source: Arc<dyn Fetch>) -> Arc<dyn Fetch> {
        let session = self.session(&entry, entry.ram_session_name.clone());
        Arc::new(AssumedRole {
            context: self.context.clone(),
            source,
            role_arn: given(entry.ram_role_arn),
            external_id: given(entry.external_id).map(|id| Secret::Given(id.into())),
            session,
        })
    }

    fn instance(&self, entry: Entry) -> InstanceRole {
        let role = EcsRamRole {
            role_name: given(entry.ram_role_name),
            metadata_endpoint: self.profile.endpoints.metadata.clone(),
            imds_v1_disabled: None,
        };
        InstanceRole::new(self.context.clone(), role)
    }

    fn oidc(&self, entry: Entry) -> OidcRole {
        let session = self.session(&entry, entry.role_session_name.clone());
        let oidc = Oidc {
            role_arn: given(entry.ram_role_arn),
            provider_arn: given(entry.oidc_provider_arn),
            token_file: given(entry.oidc_token_file).map(Into::into),
            session,
        };
        OidcRole::new(self.context.clone(), oidc)
    }

    fn session(&self, entry: &Entry, name: Option<String>) -> Session {
        Session {
            name: given(name),
            duration: entry.expired_seconds.filter(|seconds| *seconds > 0).map(Duration::from_secs),
            policy: given(entry.policy.clone()),
            sts_region: given(entry.sts_region.clone()),
            vpc: entry.enable_vpc,
            sts_endpoint: self.profile.endpoints.sts.clone(),
        }
    }
}

fn told_with(issued: Issued, profile: &str) -> Issued {
    Issued { origin: format!("{profile}: {}", issued.origin), ..issued }
}

impl Fetch for CliProfile {
    fn fetch(&self) -> Fetching<'_> {
        Box::pin(self.ask())
    }
}
