//! The role of the ECS instance that this process runs on, from the metadata service.

use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};

use super::{
    CredentialsError, EcsRamRole, Fetch, Fetching, Issued,
    context::{Context, names},
    reply::{self, Reply},
};

const ENDPOINT: &str = "http://100.100.100.200";
const TOKEN_PATH: &str = "/latest/api/token";
const ROLE_PATH: &str = "/latest/meta-data/ram/security-credentials/";

/// The longest that the service grants; each token serves one fetch.
const TOKEN_TTL: &str = "21600";

/// An ECS instance's role.
#[derive(Debug)]
pub(super) struct InstanceRole {
    context: Arc<Context>,
    role: EcsRamRole,
    base: String,
    whom: String,
}

impl InstanceRole {
    pub(super) fn new(context: Arc<Context>, role: EcsRamRole) -> Self {
        let given = role.metadata_endpoint.as_ref().map(|url| url.as_str().trim_end_matches('/').to_owned());
        let base = given.unwrap_or_else(|| ENDPOINT.to_owned());
        let whom = format!("the ECS metadata service at {base}");
        Self { context, role, base, whom }
    }

    /// Whether somebody says that this is an ECS instance, by naming the role or the service.
    pub(super) fn is_named(&self) -> bool {
        self.role_name().is_some() || self.role.metadata_endpoint.is_some()
    }

    fn role_name(&self) -> Option<&str> {
        self.role.role_name.as_deref().or_else(|| self.context.variable(names::ECS_METADATA))
    }

    async fn ask(&self) -> Result<Issued, CredentialsError> {
        if self.context.switched_on(names::ECS_METADATA_DISABLED) {
            let text = format!("switched off by {}", names::ECS_METADATA_DISABLED);
            return Err(CredentialsError::absent(text));
        }
        let token = self.token().await?;
        let role = match self.role_name() {
            Some(role) => role.to_owned(),
            None => self.discover(token.as_ref()).await?,
        };
        let reply = self.get(&format!("{ROLE_PATH}{}", acs3::encode(&role)), token.as_ref()).await?;
        if reply.status != 200 {
            let text = format!("{} answered HTTP {} for the role {role}", self.whom, reply.status);
            return Err(CredentialsError::failed(text));
        }
        let wire = reply::flat(&reply.body, &self.whom)?;
        wire.issued(self.context.clock.since_epoch(), format!("the ECS instance's RAM role {role}"))
    }

    /// A session's token (IMDS v2); none where the service has none to give and requests without one are allowed.
    async fn token(&self) -> Result<Option<SecretString>, CredentialsError> {
        let request = self.context.direct()?.put(format!("{}{TOKEN_PATH}", self.base));
        let request = request.header("x-aliyun-ecs-metadata-token-ttl-seconds", TOKEN_TTL);
        let reply = reply::exchange(request, &self.whom).await?;
        let text = String::from_utf8(reply.body).unwrap_or_default();
        let token = text.trim();
        if reply.status == 200 && !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Ok(Some(token.into()));
        }
        if self.may_do_without_token() {
            return Ok(None);
        }
        Err(CredentialsError::failed(format!(
            "{} answered HTTP {} instead of a session token, and IMDSv1 is switched off",
            self.whom, reply.status
        )))
    }

    fn may_do_without_token(&self) -> bool {
        let disabled = self.role.imds_v1_disabled;
        !disabled.unwrap_or_else(|| self.context.switched_on(names::IMDSV1_DISABLED))
    }

    async fn discover(&self, token: Option<&SecretString>) -> Result<String, CredentialsError> {
        let reply = self.get(ROLE_PATH, token).await?;
        let text = String::from_utf8(reply.body).unwrap_or_default();
        let name = text.trim();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        match reply.status {
            200 if !name.is_empty() && name.len() <= 128 && name.bytes().all(plain) => Ok(name.to_owned()),
            404 => Err(CredentialsError::absent(format!(
                "{} answered HTTP 404: no RAM role is attached to this instance, if it is one",
                self.whom
            ))),
            status => Err(CredentialsError::failed(format!(
                "{} answered HTTP {status} instead of a role's name",
                self.whom
            ))),
        }
    }

    /// Asks with the token; where it is refused, once more without, as Alibaba Cloud's SDKs do.
    async fn get(&self, path: &str, token: Option<&SecretString>) -> Result<Reply, CredentialsError> {
        let http = self.context.direct()?;
        let request = || http.get(format!("{}{path}", self.base));
        if let Some(token) = token {
            let request = request().header("x-aliyun-ecs-metadata-token", token.expose_secret());
            let reply = reply::exchange(request, &self.whom).await?;
            if reply.status == 200 || !self.may_do_without_token() {
                return Ok(reply);
            }
        }
        reply::exchange(request(), &self.whom).await
    }
}

impl Fetch for InstanceRole {
    fn fetch(&self) -> Fetching<'_> {
        Box::pin(self.ask())
    }
}

/// The metadata service as a guess: a machine without one is no ECS instance, which is no fault.
#[derive(Debug)]
pub(super) struct PerhapsInstanceRole(pub(super) InstanceRole);

impl Fetch for PerhapsInstanceRole {
    fn fetch(&self) -> Fetching<'_> {
        Box::pin(async {
            let asked = self.0.ask().await;
            asked.map_err(|error| {
                let guessed = !self.0.is_named() && error.is_unreachable();
                if guessed { CredentialsError::absent(error.to_string()) } else { error }
            })
        })
    }
}
