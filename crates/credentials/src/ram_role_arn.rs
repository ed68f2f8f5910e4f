//! A RAM role that other credentials may assume.

use std::{path::PathBuf, sync::Arc};

use secrecy::ExposeSecret as _;

use crate::{
    assume_role::Sts,
    error::CredentialsError,
    provider::{CredentialsSource, Fetched, IssuedCredentials},
    provider_config::{Secret, Session},
    provider_context::{ProviderContext, env},
};

/// A role, and the source of the credentials that assume it.
#[derive(Debug)]
pub(crate) struct RamRoleArnProvider {
    pub(crate) context: Arc<ProviderContext>,
    pub(crate) source: Arc<dyn CredentialsSource>,
    pub(crate) role_arn: Option<String>,
    pub(crate) external_id: Option<Secret>,
    pub(crate) session: Session,
}

impl RamRoleArnProvider {
    async fn assume(&self) -> Result<IssuedCredentials, CredentialsError> {
        let role_arn = self.role_arn.as_deref().or_else(|| self.context.variable(env::ROLE_ARN));
        let role_arn = role_arn.ok_or_else(|| {
            CredentialsError::unusable(format!("no role is configured, and {} is not set", env::ROLE_ARN))
        })?;
        let of_role = |error: CredentialsError| error.of(&format!("for the role {role_arn}"));
        let caller = self.source.fetch().await.map_err(of_role)?;
        let origin = format!("the role {role_arn}, assumed with {}", caller.origin);
        let external_id = self.external_id.as_ref().map(|id| id.expose().expose_secret());
        let sts = Sts::new(&self.context, &self.session);
        sts.assume_role(role_arn, external_id, &caller.credentials, origin).await.map_err(of_role)
    }
}

impl CredentialsSource for RamRoleArnProvider {
    fn fetch(&self) -> Fetched<'_> {
        Box::pin(self.assume())
    }

    fn files(&self) -> Vec<PathBuf> {
        self.source.files()
    }
}
