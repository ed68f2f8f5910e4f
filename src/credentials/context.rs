//! What providers share: the variables that Alibaba Cloud's SDKs know, the clock, the HTTP clients.

use std::{
    collections::BTreeMap,
    fmt,
    path::PathBuf,
    sync::{Arc, OnceLock},
    time::Duration,
};

use super::{
    CredentialsError, ProvideCredentials, Secret, Source, Static, access_key, chain::Chain, cli_profile,
    ecs_ram_role::InstanceRole, ini_profile, oidc::OidcRole, ram_role_arn::AssumedRole,
    refreshing::Refreshing, source, uri::FromUri,
};
use crate::{clock::Clock, endpoint::root_cause};
use secrecy::ExposeSecret as _;

/// The names of the variables.
pub(super) mod names {
    pub(in crate::credentials) const ACCESS_KEY_ID: &str = "ALIBABA_CLOUD_ACCESS_KEY_ID";
    pub(in crate::credentials) const ACCESS_KEY_SECRET: &str = "ALIBABA_CLOUD_ACCESS_KEY_SECRET";
    pub(in crate::credentials) const SECURITY_TOKEN: &str = "ALIBABA_CLOUD_SECURITY_TOKEN";
    pub(in crate::credentials) const OIDC_TOKEN_FILE: &str = "ALIBABA_CLOUD_OIDC_TOKEN_FILE";
    pub(in crate::credentials) const ROLE_ARN: &str = "ALIBABA_CLOUD_ROLE_ARN";
    pub(in crate::credentials) const OIDC_PROVIDER_ARN: &str = "ALIBABA_CLOUD_OIDC_PROVIDER_ARN";
    pub(in crate::credentials) const ROLE_SESSION_NAME: &str = "ALIBABA_CLOUD_ROLE_SESSION_NAME";
    pub(in crate::credentials) const STS_REGION: &str = "ALIBABA_CLOUD_STS_REGION";
    pub(in crate::credentials) const VPC_ENDPOINT_ENABLED: &str = "ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED";
    pub(in crate::credentials) const PROFILE: &str = "ALIBABA_CLOUD_PROFILE";
    pub(in crate::credentials) const CONFIG_FILE: &str = "ALIBABA_CLOUD_CONFIG_FILE";
    pub(in crate::credentials) const CLI_PROFILE_DISABLED: &str = "ALIBABA_CLOUD_CLI_PROFILE_DISABLED";
    pub(in crate::credentials) const CREDENTIALS_FILE: &str = "ALIBABA_CLOUD_CREDENTIALS_FILE";
    pub(in crate::credentials) const ECS_METADATA: &str = "ALIBABA_CLOUD_ECS_METADATA";
    pub(in crate::credentials) const ECS_METADATA_DISABLED: &str = "ALIBABA_CLOUD_ECS_METADATA_DISABLED";
    pub(in crate::credentials) const IMDSV1_DISABLED: &str = "ALIBABA_CLOUD_IMDSV1_DISABLED";
    pub(in crate::credentials) const CREDENTIALS_URI: &str = "ALIBABA_CLOUD_CREDENTIALS_URI";
    pub(in crate::credentials) const HOME: &str = "HOME";
}

/// Every variable that is read here.
pub const VARIABLES: [&str; 18] = [
    names::ACCESS_KEY_ID,
    names::ACCESS_KEY_SECRET,
    names::SECURITY_TOKEN,
    names::OIDC_TOKEN_FILE,
    names::ROLE_ARN,
    names::OIDC_PROVIDER_ARN,
    names::ROLE_SESSION_NAME,
    names::STS_REGION,
    names::VPC_ENDPOINT_ENABLED,
    names::PROFILE,
    names::CONFIG_FILE,
    names::CLI_PROFILE_DISABLED,
    names::CREDENTIALS_FILE,
    names::ECS_METADATA,
    names::ECS_METADATA_DISABLED,
    names::IMDSV1_DISABLED,
    names::CREDENTIALS_URI,
    names::HOME,
];

/// The metadata service is one hop away: who doesn't answer in this time isn't there.
const METADATA_TIMEOUT: Duration = Duration::from_secs(1);

/// As Alibaba Cloud's SDKs have it for STS.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// What providers share.
pub struct Context {
    variables: BTreeMap<&'static str, String>,
    pub(super) clock: Clock,
    /// Each is made once it is needed: that reads the machine's authorities.
    http: OnceLock<reqwest::Client>,
    direct: OnceLock<reqwest::Client>,
}

/// Tells nothing of the variables: some hold secrets.
impl fmt::Debug for Context {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Context").finish_non_exhaustive()
    }
}

impl Context {
    /// A context in which `variable` reads the environment.
    pub fn new<'e>(variable: impl Fn(&str) -> Option<&'e str>, clock: Clock) -> Arc<Self> {
        let read = |name| Some((name, variable(name)?.to_owned()));
        let variables = VARIABLES.into_iter().filter_map(read).collect();
        Arc::new(Self { variables, clock, http: OnceLock::new(), direct: OnceLock::new() })
    }

    /// The client for STS: by a proxy where the environment names one.
    pub(super) fn http(&self) -> Result<&reqwest::Client, CredentialsError> {
        made(&self.http, || client().connect_timeout(CONNECT_TIMEOUT))
    }

    /// The client for the metadata service and the credentials URI, which are no proxy's business: what they answer is
    /// secret, and a proxy's own metadata service would answer for the proxy.
    pub(super) fn direct(&self) -> Result<&reqwest::Client, CredentialsError> {
        made(&self.direct, || client().no_proxy().connect_timeout(METADATA_TIMEOUT).timeout(METADATA_TIMEOUT))
    }

    /// The provider of `source`'s credentials.
    pub fn provider(self: &Arc<Self>, source: &Source) -> Arc<dyn ProvideCredentials> {
        if let Source::AccessKey(key) = source
            && let Some(credentials) = written(key)
        {
            return Arc::new(Static::new(credentials));
        }
        Arc::new(Refreshing::new(self.fetch(source), self.clock))
    }

    /// What asks `source`.
    pub(super) fn fetch(self: &Arc<Self>, source: &Source) -> Arc<dyn super::Fetch> {
        let context = self.clone();
        match source {
            Source::Default(endpoints) => Arc::new(Chain::new(&context, endpoints)),
            Source::AccessKey(key) => Arc::new(access_key::Configured::new(key.clone())),
            Source::RamRoleArn(role) => Arc::new(AssumedRole::new(context, role)),
            Source::Oidc(oidc) => Arc::new(OidcRole::new(context, oidc.clone())),
            Source::EcsRamRole(role) => Arc::new(InstanceRole::new(context, role.clone())),
            Source::Uri(uri) => Arc::new(FromUri::new(context, uri.clone())),
            Source::Profile(profile) => self.profile(profile),
        }
    }

    fn profile(self: &Arc<Self>, profile: &source::Profile) -> Arc<dyn super::Fetch> {
        let cli = || cli_profile::CliProfile::new(self.clone(), profile);
        let ini = || ini_profile::IniProfile::new(self.clone(), profile);
        match &profile.file {
            Some(file) if file.extension().is_some_and(|ending| ending == "json") => Arc::new(cli()),
            Some(_) => Arc::new(ini()),
            None => Arc::new(Chain::of(vec![
                ("the CLI's configuration", Arc::new(cli())),
                ("the credentials file", Arc::new(ini())),
            ])),
        }
    }

    /// A variable's value without blanks around it; an empty one counts as none.
    pub(super) fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// Whether a variable says `true`.
    pub(super) fn switched_on(&self, name: &str) -> bool {
        self.variable(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// A file in the user's own directory.
    pub(super) fn in_home(&self, path: &str) -> Result<PathBuf, CredentialsError> {
        let home = self.variable(names::HOME);
        home.map(|home| PathBuf::from(home).join(path))
            .ok_or_else(|| CredentialsError::absent(format!("HOME is not set, so that there is no ~/{path}")))
    }
}

fn made(
    cell: &OnceLock<reqwest::Client>,
    builder: impl FnOnce() -> reqwest::ClientBuilder,
) -> Result<&reqwest::Client, CredentialsError> {
    if let Some(client) = cell.get() {
        return Ok(client);
    }
    let client = builder().build().map_err(|error| {
        CredentialsError::failed(format!("the HTTP client can't be made: {}", root_cause(&error)))
    })?;
    Ok(cell.get_or_init(|| client))
}

fn client() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .user_agent(concat!("aliyun-flink-exporter/", env!("CARGO_PKG_VERSION")))
        // What is sent, and what is answered, is for no one else.
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        // Used once an hour: a connection kept that long is most often dead.
        .pool_max_idle_per_host(0)
}

/// The key, if all of it stands in the configuration.
fn written(key: &source::AccessKey) -> Option<super::Credentials> {
    let given = |secret: &Secret| match secret {
        Secret::Given(secret) => Some(secret.clone()),
        Secret::File(_) => None,
    };
    let security_token = match &key.token {
        Some(token) => Some(given(token)?),
        None => None,
    };
    Some(super::Credentials {
        access_key_id: given(&key.id)?.expose_secret().to_owned(),
        access_key_secret: given(&key.secret)?,
        security_token,
    })
}
