//! A role for the bearer of an OIDC token, as on ACK with RRSA.

use std::{path::PathBuf, sync::Arc};

use secrecy::ExposeSecret as _;

use super::{
    CredentialsError, Fetch, Fetching, Issued, Oidc,
    context::{Context, names},
    files,
    sts::Sts,
};

/// An OIDC token's role. The token is read each time: whoever mounts it replaces it before it expires.
#[derive(Debug)]
pub(super) struct OidcRole {
    context: Arc<Context>,
    oidc: Oidc,
}

impl OidcRole {
    pub(super) fn new(context: Arc<Context>, oidc: Oidc) -> Self {
        Self { context, oidc }
    }

    async fn ask(&self) -> Result<Issued, CredentialsError> {
        let file = self.oidc.token_file.as_ref().and_then(|file| file.to_str());
        let token_file = self.given(file, names::OIDC_TOKEN_FILE);
        let role_arn = self.given(self.oidc.role_arn.as_deref(), names::ROLE_ARN);
        let provider_arn = self.given(self.oidc.provider_arn.as_deref(), names::OIDC_PROVIDER_ARN);
        let missing: Vec<_> =
            [token_file, role_arn, provider_arn].into_iter().filter_map(Result::err).collect();
        let (Ok(token_file), Ok(role_arn), Ok(provider_arn)) = (token_file, role_arn, provider_arn) else {
            return Err(CredentialsError::absent(format!("not set: {}", missing.join(", "))));
        };
        let token = files::secret(&PathBuf::from(token_file)).await?;
        let origin = format!("the OIDC token in {token_file}, as the role {role_arn}");
        let sts = Sts::new(&self.context, &self.oidc.session);
        sts.assume_role_with_oidc(role_arn, provider_arn, token.expose_secret(), origin).await
    }

    /// The configuration's value or the environment's; else the name of the variable that is missing.
    fn given<'a>(
        &'a self,
        configured: Option<&'a str>,
        variable: &'static str,
    ) -> Result<&'a str, &'static str> {
        configured.or_else(|| self.context.variable(variable)).ok_or(variable)
    }
}

impl Fetch for OidcRole {
    fn fetch(&self) -> Fetching<'_> {
        Box::pin(self.ask())
    }
}
