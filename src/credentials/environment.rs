//! The default chain's first link: an access key in the environment.

use std::sync::Arc;

use super::{
    Credentials, CredentialsError, Fetch, Fetching, Issued,
    context::{Context, names},
};

/// The environment's access key.
#[derive(Debug)]
pub(super) struct Environment(pub(super) Arc<Context>);

impl Environment {
    fn read(&self) -> Result<Issued, CredentialsError> {
        let given = |name| self.0.variable(name);
        let (id, secret) = (names::ACCESS_KEY_ID, names::ACCESS_KEY_SECRET);
        let half = |set, unset| CredentialsError::unusable(format!("{set} is set, but {unset} is not"));
        match (given(id), given(secret)) {
            (Some(id), Some(secret)) => Ok(Issued {
                credentials: Arc::new(Credentials {
                    access_key_id: id.to_owned(),
                    access_key_secret: secret.into(),
                    security_token: given(names::SECURITY_TOKEN).map(Into::into),
                }),
                expires: None,
                origin: format!("the environment ({}, …)", names::ACCESS_KEY_ID),
                provisional: false,
            }),
            (Some(_), None) => Err(half(id, secret)),
            (None, Some(_)) => Err(half(secret, id)),
            (None, None) => Err(CredentialsError::absent(format!("{id} and {secret} are not set"))),
        }
    }
}

impl Fetch for Environment {
    fn fetch(&self) -> Fetching<'_> {
        Box::pin(std::future::ready(self.read()))
    }
}
