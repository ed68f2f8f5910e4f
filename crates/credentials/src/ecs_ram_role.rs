//! The RAM role of the ECS instance that this process runs on, from the metadata service.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    error::CredentialsError,
    issuer_response::{self, Lifetime, Response},
    provider::{CredentialsSource, Fetched, IssuedCredentials},
    provider_config::EcsRamRole,
    provider_context::{ProviderContext, env},
};

const ENDPOINT: &str = "http://100.100.100.200";
const TOKEN_PATH: &str = "/latest/api/token";
const ROLE_PATH: &str = "/latest/meta-data/ram/security-credentials/";

/// In seconds, the longest that the service allows. Each token is used for one fetch.
const TOKEN_TTL: &str = "21600";

/// An ECS instance's role.
#[derive(Debug)]
pub(crate) struct EcsRamRoleProvider {
    context: Arc<ProviderContext>,
    role: EcsRamRole,
    base: String,
    service: String,
}

impl EcsRamRoleProvider {
    pub(crate) fn new(context: Arc<ProviderContext>, role: EcsRamRole) -> Self {
        let configured =
            role.metadata_endpoint.as_ref().map(|url| url.as_str().trim_end_matches('/').to_owned());
        let base = configured.unwrap_or_else(|| ENDPOINT.to_owned());
        let service = format!("the ECS metadata service at {base}");
        Self { context, role, base, service }
    }

    /// Whether the role or the service is configured explicitly.
    pub(crate) fn is_explicit(&self) -> bool {
        self.role_name().is_some() || self.role.metadata_endpoint.is_some()
    }

    fn role_name(&self) -> Option<&str> {
        self.role.role_name.as_deref().or_else(|| self.context.variable(env::ECS_METADATA))
    }

    async fn get_credentials(&self) -> Result<IssuedCredentials, CredentialsError> {
        if self.context.is_enabled(env::ECS_METADATA_DISABLED) {
            let text = format!("disabled by {}", env::ECS_METADATA_DISABLED);
            return Err(CredentialsError::absent(text));
        }
        let token = self.token().await?;
        let role = match self.role_name() {
            Some(role) => role.to_owned(),
            None => self.discover(token.as_ref()).await?,
        };
        let response = self.get(&format!("{ROLE_PATH}{}", acs3::encode(&role)), token.as_ref()).await?;
        if response.status != 200 {
            let text = format!("{} answered HTTP {} for the role {role}", self.service, response.status);
            return Err(CredentialsError::failed(text));
        }
        let wire = issuer_response::flat(&response.body, &self.service)?;
        let origin = format!("the ECS instance's RAM role {role}");
        wire.issued(self.context.clock.since_epoch(), Lifetime::Limited, origin)
    }

    /// A session token (`IMDSv2`). None if the service issues none or does not answer, and requests without one are
    /// allowed: from a container, the answer may exceed the hop limit. Alibaba Cloud's SDKs fall back after any failure
    /// (credentials-go 1.4, 2025):
    /// <https://github.com/aliyun/credentials-go/blob/master/credentials/providers/ecs_ram_role.go>.
    async fn token(&self) -> Result<Option<SecretString>, CredentialsError> {
        let request = self.context.direct()?.put(format!("{}{TOKEN_PATH}", self.base));
        let request = request.header("x-aliyun-ecs-metadata-token-ttl-seconds", TOKEN_TTL);
        let response = match issuer_response::exchange(request, &self.service).await {
            Err(_) if self.allows_imds_v1() => return Ok(None),
            response => response?,
        };
        let text = String::from_utf8(response.body).unwrap_or_default();
        let token = text.trim();
        if response.status == 200 && !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Ok(Some(token.into()));
        }
        if self.allows_imds_v1() {
            return Ok(None);
        }
        Err(CredentialsError::failed(format!(
            "{} answered HTTP {} instead of a session token, and IMDSv1 is disabled",
            self.service, response.status
        )))
    }

    fn allows_imds_v1(&self) -> bool {
        let disabled = self.role.imds_v1_disabled;
        !disabled.unwrap_or_else(|| self.context.is_enabled(env::IMDSV1_DISABLED))
    }

    async fn discover(&self, token: Option<&SecretString>) -> Result<String, CredentialsError> {
        let response = self.get(ROLE_PATH, token).await?;
        let text = String::from_utf8(response.body).unwrap_or_default();
        let name = text.trim();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        match response.status {
            200 if !name.is_empty() && name.len() <= 128 && name.bytes().all(plain) => Ok(name.to_owned()),
            404 => Err(CredentialsError::absent(format!(
                "{} answered HTTP 404: no RAM role is attached to this instance, if it is one",
                self.service
            ))),
            status => Err(CredentialsError::failed(format!(
                "{} answered HTTP {status} instead of a role's name",
                self.service
            ))),
        }
    }

    /// Sends the request with the token, and repeats it without if the service rejects the token.
    async fn get(&self, path: &str, token: Option<&SecretString>) -> Result<Response, CredentialsError> {
        let http = self.context.direct()?;
        let request = || http.get(format!("{}{path}", self.base));
        if let Some(token) = token {
            let request = request().header("x-aliyun-ecs-metadata-token", token.expose_secret());
            let response = issuer_response::exchange(request, &self.service).await;
            let succeeded = response.as_ref().is_ok_and(|response| response.status == 200);
            if succeeded || !self.allows_imds_v1() {
                return response;
            }
        }
        issuer_response::exchange(request(), &self.service).await
    }
}

impl CredentialsSource for EcsRamRoleProvider {
    fn fetch(&self) -> Fetched<'_> {
        Box::pin(self.get_credentials())
    }
}

/// The metadata service as the default chain tries it: a machine without one is not an ECS instance.
#[derive(Debug)]
pub(crate) struct OptionalEcsRamRole {
    provider: EcsRamRoleProvider,
    /// Whether the service has answered once: then it exists.
    exists: AtomicBool,
}

impl OptionalEcsRamRole {
    pub(crate) fn new(provider: EcsRamRoleProvider) -> Self {
        Self { provider, exists: AtomicBool::new(false) }
    }

    async fn get_credentials(&self) -> Result<IssuedCredentials, CredentialsError> {
        let result = self.provider.get_credentials().await;
        if result.is_ok() {
            self.exists.store(true, Ordering::Relaxed);
        }
        let may_not_exist = !self.provider.is_explicit() && !self.exists.load(Ordering::Relaxed);
        result.map_err(|error| {
            let not_on_ecs = may_not_exist && error.is_unreachable();
            if not_on_ecs { CredentialsError::absent(error.to_string()) } else { error }
        })
    }
}

impl CredentialsSource for OptionalEcsRamRole {
    fn fetch(&self) -> Fetched<'_> {
        Box::pin(self.get_credentials())
    }
}
