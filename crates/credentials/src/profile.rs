//! What the profiles of both files have in common.

use std::sync::Arc;

use crate::{
    credentials::Credentials,
    error::CredentialsError,
    provider::{CredentialsSource, IssuedCredentials, StaticKey},
};

/// A trimmed text of a profile; none if it is empty.
pub(crate) fn non_empty(text: Option<String>) -> Option<String> {
    text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// The access key in a profile.
pub(crate) fn access_key(
    id: Option<String>,
    secret: Option<String>,
    token: Option<String>,
    origin: &str,
) -> Result<Arc<dyn CredentialsSource>, CredentialsError> {
    let (Some(id), Some(secret)) = (non_empty(id), non_empty(secret)) else {
        return Err(CredentialsError::unusable("it lacks access_key_id or access_key_secret"));
    };
    let credentials = Credentials {
        access_key_id: id,
        access_key_secret: secret.into(),
        security_token: non_empty(token).map(Into::into),
    };
    Ok(Arc::new(StaticKey(IssuedCredentials::permanent(credentials, origin))))
}
