//! Providers against services of the tests' own, and the cache on paused time.

mod cache;
mod providers;
pub(crate) mod service;

use std::{path::Path, sync::Arc};

use secrecy::ExposeSecret as _;

use super::*;
use crate::clock::Clock;

/// A context of these variables alone.
fn context(variables: &[(&str, &str)]) -> Arc<Context> {
    let find = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
    Context::new(find, Clock::System)
}

/// What a source gives: its key's id, secret and token, and where they are from.
async fn found(context: &Arc<Context>, source: &Source) -> Result<[String; 4], CredentialsError> {
    let issued = context.fetch(source).fetch().await?;
    let Credentials { access_key_id, access_key_secret, security_token } = &*issued.credentials;
    let token = security_token.as_ref().map(|token| token.expose_secret().to_owned());
    let secret = access_key_secret.expose_secret().to_owned();
    Ok([access_key_id.clone(), secret, token.unwrap_or_default(), issued.origin])
}

fn write(directory: &Path, name: &str, text: &str) {
    let path = directory.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

#[test]
fn what_holds_a_credential_prints_nothing_of_it() {
    let key = AccessKey {
        id: Secret::Given("the-id".into()),
        secret: Secret::Given("the-secret".into()),
        token: Some(Secret::Given("the-token".into())),
    };
    let role = RamRoleArn {
        source: Source::AccessKey(key.clone()),
        role_arn: Some("arn".into()),
        external_id: Some(Secret::Given("the-external-id".into())),
        session: Session::default(),
    };
    let context = context(&[("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "the-secret")]);
    let location = Location::new("http://u:the-password@h/the-path?the-query".parse().unwrap());
    let sources =
        [Source::AccessKey(key), Source::RamRoleArn(Box::new(role)), Source::Uri(Some(location.clone()))];
    let providers: Vec<_> =
        sources.iter().map(|source| (context.provider(source), context.fetch(source))).collect();
    let credentials = Credentials {
        access_key_id: "the-id".into(),
        access_key_secret: "the-secret".into(),
        security_token: Some("the-token".into()),
    };
    let shown = (&credentials, Static::new(credentials.clone()));
    let printed = format!("{context:?} {location} {sources:?} {providers:?} {shown:?}");
    assert!(!printed.contains("the-"), "{printed}");
    // What a panic says of a value is its Debug.
    let panic = std::panic::catch_unwind(|| panic!("{credentials:?}")).unwrap_err();
    let said = panic.downcast_ref::<String>().unwrap();
    assert!(said.contains("Credentials(with a security token)") && !said.contains("the-"), "{said}");
}
