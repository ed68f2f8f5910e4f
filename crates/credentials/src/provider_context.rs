//! What providers share: the environment variables, the clock, the HTTP clients.

use std::{
    collections::BTreeMap,
    fmt,
    path::PathBuf,
    sync::{Arc, OnceLock},
    time::Duration,
};

use clock::Clock;
use outbound_http::{Proxies, Resolver};

use crate::error::CredentialsError;

/// The names of the environment variables that Alibaba Cloud's SDKs read:
/// <https://www.alibabacloud.com/help/en/sdk/developer-reference/v2-manage-go-access-credentials>.
pub(crate) mod env {
    pub(crate) const ACCESS_KEY_ID: &str = "ALIBABA_CLOUD_ACCESS_KEY_ID";
    pub(crate) const ACCESS_KEY_SECRET: &str = "ALIBABA_CLOUD_ACCESS_KEY_SECRET";
    pub(crate) const SECURITY_TOKEN: &str = "ALIBABA_CLOUD_SECURITY_TOKEN";
    pub(crate) const OIDC_TOKEN_FILE: &str = "ALIBABA_CLOUD_OIDC_TOKEN_FILE";
    pub(crate) const ROLE_ARN: &str = "ALIBABA_CLOUD_ROLE_ARN";
    pub(crate) const OIDC_PROVIDER_ARN: &str = "ALIBABA_CLOUD_OIDC_PROVIDER_ARN";
    pub(crate) const ROLE_SESSION_NAME: &str = "ALIBABA_CLOUD_ROLE_SESSION_NAME";
    pub(crate) const STS_REGION: &str = "ALIBABA_CLOUD_STS_REGION";
    pub(crate) const VPC_ENDPOINT_ENABLED: &str = "ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED";
    pub(crate) const PROFILE: &str = "ALIBABA_CLOUD_PROFILE";
    pub(crate) const CONFIG_FILE: &str = "ALIBABA_CLOUD_CONFIG_FILE";
    pub(crate) const CLI_PROFILE_DISABLED: &str = "ALIBABA_CLOUD_CLI_PROFILE_DISABLED";
    pub(crate) const CREDENTIALS_FILE: &str = "ALIBABA_CLOUD_CREDENTIALS_FILE";
    pub(crate) const ECS_METADATA: &str = "ALIBABA_CLOUD_ECS_METADATA";
    pub(crate) const ECS_METADATA_DISABLED: &str = "ALIBABA_CLOUD_ECS_METADATA_DISABLED";
    pub(crate) const IMDSV1_DISABLED: &str = "ALIBABA_CLOUD_IMDSV1_DISABLED";
    pub(crate) const CREDENTIALS_URI: &str = "ALIBABA_CLOUD_CREDENTIALS_URI";
    pub(crate) const HOME: &str = "HOME";
}

/// Every environment variable that is read.
pub const VARIABLES: [&str; 18] = [
    env::ACCESS_KEY_ID,
    env::ACCESS_KEY_SECRET,
    env::SECURITY_TOKEN,
    env::OIDC_TOKEN_FILE,
    env::ROLE_ARN,
    env::OIDC_PROVIDER_ARN,
    env::ROLE_SESSION_NAME,
    env::STS_REGION,
    env::VPC_ENDPOINT_ENABLED,
    env::PROFILE,
    env::CONFIG_FILE,
    env::CLI_PROFILE_DISABLED,
    env::CREDENTIALS_FILE,
    env::ECS_METADATA,
    env::ECS_METADATA_DISABLED,
    env::IMDSV1_DISABLED,
    env::CREDENTIALS_URI,
    env::HOME,
];

/// The metadata service is one network hop away: if it does not answer in this time, it does not exist.
const METADATA_TIMEOUT: Duration = Duration::from_secs(1);

/// The limit for connecting to STS: that of Alibaba Cloud's SDKs (credentials-go 1.4, 2025).
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The program that requests credentials.
#[derive(Debug, Clone, Copy)]
pub struct Application {
    /// The name: the default session name in the audit log of the cloud.
    pub name: &'static str,
    /// The version, for the user agent.
    pub version: &'static str,
}

/// What providers share.
pub struct ProviderContext {
    application: Application,
    variables: BTreeMap<&'static str, String>,
    pub(crate) clock: Clock,
    /// Each client is built when it is first needed, because that reads the certificate authorities of the machine.
    proxies: Proxies,
    resolver: Arc<Resolver>,
    http: OnceLock<reqwest::Client>,
    direct: OnceLock<reqwest::Client>,
}

/// Shows no variable, because some contain secrets.
impl fmt::Debug for ProviderContext {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ProviderContext").finish_non_exhaustive()
    }
}

impl ProviderContext {
    /// A context in which `variable` reads the environment.
    pub fn new<'e>(
        application: Application,
        variable: impl Fn(&str) -> Option<&'e str>,
        clock: Clock,
    ) -> Arc<Self> {
        let read = |name| Some((name, variable(name)?.to_owned()));
        let variables = VARIABLES.into_iter().filter_map(read).collect();
        // The application rejects invalid variables at its start.
        let proxies = Proxies::from_env(variable).unwrap_or_default();
        Arc::new(Self {
            application,
            variables,
            clock,
            proxies,
            resolver: Arc::default(),
            http: OnceLock::new(),
            direct: OnceLock::new(),
        })
    }

    /// The session name for roles, if nothing else is configured.
    pub(crate) fn session_name(&self) -> &'static str {
        self.application.name
    }

    /// The client for STS, which uses the proxy that the environment names.
    pub(crate) fn http(&self) -> Result<&reqwest::Client, CredentialsError> {
        get_or_build(&self.http, || self.proxies.apply(self.client()).connect_timeout(CONNECT_TIMEOUT))
    }

    /// The client for the metadata service and the credentials URI. It uses no proxy: what they answer is secret, and
    /// the proxy's own metadata service would answer for the proxy.
    pub(crate) fn direct(&self) -> Result<&reqwest::Client, CredentialsError> {
        get_or_build(&self.direct, || {
            self.client().no_proxy().connect_timeout(METADATA_TIMEOUT).timeout(METADATA_TIMEOUT)
        })
    }

    fn client(&self) -> reqwest::ClientBuilder {
        let Application { name, version } = self.application;
        // Used once an hour: a connection kept that long is usually dead.
        outbound_http::builder(&format!("{name}/{version}"), self.resolver.clone()).pool_max_idle_per_host(0)
    }

    /// The value of a variable without surrounding blanks. An empty one counts as not set.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// Whether a variable is `true`.
    pub(crate) fn is_enabled(&self, name: &str) -> bool {
        self.variable(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// A file in the home directory.
    pub(crate) fn in_home(&self, path: &str) -> Result<PathBuf, CredentialsError> {
        let home = self.variable(env::HOME);
        home.map(|home| PathBuf::from(home).join(path))
            .ok_or_else(|| CredentialsError::absent(format!("HOME is not set, so that there is no ~/{path}")))
    }
}

fn get_or_build(
    cell: &OnceLock<reqwest::Client>,
    builder: impl FnOnce() -> reqwest::ClientBuilder,
) -> Result<&reqwest::Client, CredentialsError> {
    if let Some(client) = cell.get() {
        return Ok(client);
    }
    let client = builder().build().map_err(|error| {
        CredentialsError::failed(format!(
            "can't build the HTTP client: {}",
            outbound_http::root_cause(&error)
        ))
    })?;
    Ok(cell.get_or_init(|| client))
}
