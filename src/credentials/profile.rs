//! What profiles of files have in common.

use std::sync::Arc;

use super::{Credentials, CredentialsError, Fetch, Issued, access_key::Known};

/// A text of a profile; an empty one counts as none.
pub(super) fn given(text: Option<String>) -> Option<String> {
    text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// The key that stands in a profile.
pub(super) fn key(
    id: Option<String>,
    secret: Option<String>,
    token: Option<String>,
    origin: &str,
) -> Result<Arc<dyn Fetch>, CredentialsError> {
    let (Some(id), Some(secret)) = (given(id), given(secret)) else {
        return Err(CredentialsError::unusable("it lacks access_key_id or access_key_secret"));
    };
    let credentials = Credentials {
        access_key_id: id,
        access_key_secret: secret.into(),
        security_token: given(token).map(Into::into),
    };
    let issued = Issued {
        credentials: Arc::new(credentials),
        expires: None,
        origin: origin.to_owned(),
        provisional: false,
    };
    Ok(Arc::new(Known(issued)))
}
