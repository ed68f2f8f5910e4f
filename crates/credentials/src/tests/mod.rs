//! Providers with a stub of the services, and the background refresh on paused time.

mod chain;
mod files;
mod profiles;
mod provider_config;
mod providers;
mod refreshing;

use std::{path::Path, sync::Arc, time::Duration};

use clock::Clock;
use secrecy::ExposeSecret as _;

use super::*;
use crate::{provider::CredentialsSource, provider_factory::build};

const APPLICATION: Application = Application { name: "aliyun-flink-exporter", version: "0.1.0" };

/// A context with these variables only.
fn context(variables: &[(&str, &str)]) -> Arc<ProviderContext> {
    context_at(variables, Clock::System)
}

fn context_at(variables: &[(&str, &str)], clock: Clock) -> Arc<ProviderContext> {
    let find = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
    ProviderContext::new(APPLICATION, find, clock)
}

/// The credentials of a source: id, secret, token and origin.
async fn found(
    context: &Arc<ProviderContext>,
    source: &ProviderConfig,
) -> Result<[String; 4], CredentialsError> {
    let issued = build(context, source).fetch().await?;
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
fn debug_and_display_contain_no_secret() {
    let key = AccessKey {
        id: SecretSource::Inline("the-id".into()),
        secret: SecretSource::Inline("the-secret".into()),
        token: Some(SecretSource::Inline("the-token".into())),
    };
    let role = RamRoleArn {
        source: ProviderConfig::AccessKey(key.clone()),
        role_arn: Some("arn".into()),
        external_id: Some("the-external-id".into()),
        session: Session::default(),
    };
    let context = context(&[("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "the-secret")]);
    let uri = CredentialsUri::new("http://u:the-password@h/the-path?the-query".parse().unwrap());
    let sources = [
        ProviderConfig::AccessKey(key),
        ProviderConfig::RamRoleArn(Box::new(role)),
        ProviderConfig::Uri(Uri { uri: Some(uri.clone()) }),
    ];
    let providers: Vec<_> =
        sources.iter().map(|source| (context.provider(source), build(&context, source))).collect();
    let credentials = Credentials {
        access_key_id: "the-id".into(),
        access_key_secret: "the-secret".into(),
        security_token: Some("the-token".into()),
    };
    let shown = (&credentials, Static::new(credentials.clone()));
    let json = serde_json::to_string(&sources).unwrap();
    let printed = format!("{context:?} {uri} {sources:?} {providers:?} {shown:?} {json}");
    assert!(!printed.contains("the-"), "{printed}");
    // A panic message shows a value's Debug.
    let panic = std::panic::catch_unwind(|| panic!("{credentials:?}")).unwrap_err();
    let message = panic.downcast_ref::<String>().unwrap();
    assert!(message.contains("Credentials(with a security token)") && !message.contains("the-"), "{message}");
}
