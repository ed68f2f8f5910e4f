//! A RAM role for the bearer of an OIDC token, as on ACK with RRSA.

use std::{path::PathBuf, sync::Arc};

use secrecy::ExposeSecret as _;

use crate::{
    assume_role::Sts,
    error::CredentialsError,
    provider::{CredentialsSource, Fetched, IssuedCredentials},
    provider_config::Oidc,
    provider_context::{ProviderContext, env},
    secret_files,
};

/// The role of an OIDC token. The token is read on each fetch: Kubernetes replaces it before it expires.
#[derive(Debug)]
pub(crate) struct OidcRoleArnProvider {
    context: Arc<ProviderContext>,
    oidc: Oidc,
}

impl OidcRoleArnProvider {
    pub(crate) fn new(context: Arc<ProviderContext>, oidc: Oidc) -> Self {
        Self { context, oidc }
    }

    async fn assume(&self) -> Result<IssuedCredentials, CredentialsError> {
        let file = self.oidc.oidc_token_file.as_ref().and_then(|file| file.to_str());
        let token_file = self.setting(file, env::OIDC_TOKEN_FILE);
        let role_arn = self.setting(self.oidc.role_arn.as_deref(), env::ROLE_ARN);
        let provider_arn = self.setting(self.oidc.oidc_provider_arn.as_deref(), env::OIDC_PROVIDER_ARN);
        let missing: Vec<_> =
            [token_file, role_arn, provider_arn].into_iter().filter_map(Result::err).collect();
        let (Ok(token_file), Ok(role_arn), Ok(provider_arn)) = (token_file, role_arn, provider_arn) else {
            let text = format!("not set: {}", missing.join(", "));
            // A role alone may be for other providers.
            let is_configured = token_file.is_ok() || provider_arn.is_ok();
            return Err(if is_configured {
                CredentialsError::unusable(text)
            } else {
                CredentialsError::absent(text)
            });
        };
        let (token, _) = secret_files::read_secret(&PathBuf::from(token_file)).await?;
        let origin = format!("the OIDC token in {token_file}, as the role {role_arn}");
        let sts = Sts::new(&self.context, &self.oidc.session);
        sts.assume_role_with_oidc(role_arn, provider_arn, token.expose_secret(), origin).await
    }

    /// The configured value or the environment's; else the name of the variable that is not set.
    fn setting<'a>(
        &'a self,
        configured: Option<&'a str>,
        variable: &'static str,
    ) -> Result<&'a str, &'static str> {
        configured.or_else(|| self.context.variable(variable)).ok_or(variable)
    }
}

impl CredentialsSource for OidcRoleArnProvider {
    fn fetch(&self) -> Fetched<'_> {
        Box::pin(self.assume())
    }

    fn files(&self) -> Vec<PathBuf> {
        let file = self.oidc.oidc_token_file.as_ref().and_then(|file| file.to_str());
        self.setting(file, env::OIDC_TOKEN_FILE).map(PathBuf::from).into_iter().collect()
    }
}
