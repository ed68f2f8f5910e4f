//! The first provider of the default chain: an access key in the environment.

use std::{future::ready, sync::Arc};

use crate::{
    credentials::Credentials,
    error::CredentialsError,
    provider::{CredentialsSource, Fetched, IssuedCredentials},
    provider_context::{ProviderContext, env},
};

/// The access key in the environment.
#[derive(Debug)]
pub(crate) struct EnvironmentProvider(pub(crate) Arc<ProviderContext>);

impl EnvironmentProvider {
    fn read(&self) -> Result<IssuedCredentials, CredentialsError> {
        let variable = |name| self.0.variable(name);
        let (id, secret) = (env::ACCESS_KEY_ID, env::ACCESS_KEY_SECRET);
        let half = |set, unset| CredentialsError::unusable(format!("{set} is set, but {unset} is not"));
        match (variable(id), variable(secret)) {
            (Some(id), Some(secret)) => {
                let credentials = Credentials {
                    access_key_id: id.to_owned(),
                    access_key_secret: secret.into(),
                    security_token: variable(env::SECURITY_TOKEN).map(Into::into),
                };
                let origin = format!("the environment ({}, …)", env::ACCESS_KEY_ID);
                Ok(IssuedCredentials::permanent(credentials, origin))
            }
            (Some(_), None) => Err(half(id, secret)),
            (None, Some(_)) => Err(half(secret, id)),
            (None, None) => Err(CredentialsError::absent(format!("{id} and {secret} are not set"))),
        }
    }
}

impl CredentialsSource for EnvironmentProvider {
    fn fetch(&self) -> Fetched<'_> {
        Box::pin(ready(self.read()))
    }
}
