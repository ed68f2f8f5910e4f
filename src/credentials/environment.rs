//! The default chain's first link: the environment's variables.

use super::{Credentials, CredentialsError};

const ID: &str = "ALIBABA_CLOUD_ACCESS_KEY_ID";
const SECRET: &str = "ALIBABA_CLOUD_ACCESS_KEY_SECRET";
const TOKEN: &str = "ALIBABA_CLOUD_SECURITY_TOKEN";

/// The access key in the environment; an empty variable counts as none.
pub fn from_environment<'e>(
    variable: impl Fn(&str) -> Option<&'e str>,
) -> Result<Credentials, CredentialsError> {
    let given = |name| variable(name).map(str::trim).filter(|value| !value.is_empty());
    match (given(ID), given(SECRET)) {
        (Some(id), Some(secret)) => Ok(Credentials {
            access_key_id: id.into(),
            access_key_secret: secret.into(),
            security_token: given(TOKEN).map(Into::into),
        }),
        (Some(_), None) => Err(CredentialsError(format!("{ID} is set, but {SECRET} is not"))),
        (None, Some(_)) => Err(CredentialsError(format!("{SECRET} is set, but {ID} is not"))),
        (None, None) => Err(CredentialsError(format!(
            "no credentials found. Looked for:\n  \
             - the environment variables {ID} and {SECRET} (with {TOKEN} for a temporary key): not set\n  \
             - `credentials: {{type: access_key, access_key_id: …, access_key_secret: …}}` in the configuration: \
             not given"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn find(pairs: &[(&str, &'static str)]) -> Result<Credentials, CredentialsError> {
        from_environment(|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| *value))
    }

    #[test]
    fn a_key_is_found_with_and_without_a_token() {
        let found = find(&[(ID, "id"), (SECRET, " secret\n"), (TOKEN, "")]).unwrap();
        assert_eq!((found.access_key_id.as_str(), found.access_key_secret.expose_secret()), ("id", "secret"));
        assert!(found.security_token.is_none());
        let found = find(&[(ID, "id"), (SECRET, "secret"), (TOKEN, "token")]).unwrap();
        assert_eq!(found.security_token.unwrap().expose_secret(), "token");
    }

    #[test]
    fn half_a_key_is_named() {
        let error = find(&[(ID, "id")]).unwrap_err().to_string();
        assert_eq!(error, format!("{ID} is set, but {SECRET} is not"));
        let error = find(&[(ID, ""), (SECRET, "the-secret")]).unwrap_err().to_string();
        assert_eq!(error, format!("{SECRET} is set, but {ID} is not"));
    }

    #[test]
    fn nothing_found_lists_what_was_looked_for() {
        let error = find(&[]).unwrap_err().to_string();
        assert!([ID, SECRET, TOKEN, "access_key"].iter().all(|name| error.contains(name)), "{error}");
    }
}
