//! The resolved section `credentials`, with every secret left out.

use serde::Serialize;

use super::units::format_duration;
use crate::credentials::{
    AccessKey, EcsRamRole, Endpoints, Location, Oidc, Profile, RamRoleArn, Secret, Session, Source,
};

const REDACTED: &str = "<redacted>";

#[derive(Serialize, Default)]
pub(super) struct CredentialsEntry<'a> {
    r#type: &'static str,
    #[serde(flatten)]
    key: Option<Key<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Box<Self>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role_arn: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_id: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    oidc_provider_arn: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    oidc_token_file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    imds_v1_disabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sts_endpoint: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata_endpoint: Option<&'a str>,
}

/// The parts of an access key, each as itself or as its file.
#[derive(Serialize)]
struct Key<'a> {
    #[serde(flatten)]
    parts: std::collections::BTreeMap<String, std::borrow::Cow<'a, str>>,
}

impl<'a> From<&'a Source> for CredentialsEntry<'a> {
    fn from(source: &'a Source) -> Self {
        match source {
            Source::Default(endpoints) => {
                Self { r#type: "default", ..Self::default() }.with_endpoints(endpoints)
            }
            Source::AccessKey(key) => {
                Self { r#type: "access_key", key: Some(Key::from(key)), ..Self::default() }
            }
            Source::RamRoleArn(role) => Self::role(role),
            Source::Oidc(Oidc { role_arn, provider_arn, token_file, session }) => Self {
                r#type: "oidc",
                role_arn: role_arn.as_deref(),
                oidc_provider_arn: provider_arn.as_deref(),
                oidc_token_file: token_file.as_ref().map(|file| file.display().to_string()),
                ..Self::default()
            }
            .with_session(session),
            Source::EcsRamRole(EcsRamRole { role_name, metadata_endpoint, imds_v1_disabled }) => Self {
                r#type: "ecs_ram_role",
                role_name: role_name.as_deref(),
                imds_v1_disabled: *imds_v1_disabled,
                metadata_endpoint: metadata_endpoint.as_ref().map(|url| url.as_str().trim_end_matches('/')),
                ..Self::default()
            },
            Source::Uri(uri) => {
                Self { r#type: "uri", uri: uri.as_ref().map(redacted_uri), ..Self::default() }
            }
            Source::Profile(Profile { name, file, endpoints }) => Self {
                r#type: "profile",
                name: name.as_deref(),
                file: file.as_ref().map(|file| file.display().to_string()),
                ..Self::default()
            }
            .with_endpoints(endpoints),
        }
    }
}

impl<'a> CredentialsEntry<'a> {
    fn role(role: &'a RamRoleArn) -> Self {
        let entry = Self {
            r#type: "ram_role_arn",
            source: Some(Box::new(Self::from(&role.source))),
            role_arn: role.role_arn.as_deref(),
            external_id: role.external_id.as_ref().map(|_| REDACTED),
            ..Self::default()
        };
        entry.with_session(&role.session)
    }

    fn with_endpoints(self, endpoints: &'a Endpoints) -> Self {
        let text = |url: &'a Option<url::Url>| url.as_ref().map(|url| url.as_str().trim_end_matches('/'));
        Self { sts_endpoint: text(&endpoints.sts), metadata_endpoint: text(&endpoints.metadata), ..self }
    }

    fn with_session(self, session: &'a Session) -> Self {
        let sts_endpoint = session.sts_endpoint.as_ref();
        Self {
            session_name: session.name.as_deref(),
            duration: session.duration.map(format_duration),
            policy: session.policy.as_deref(),
            sts_endpoint: sts_endpoint.map(|url| url.as_str().trim_end_matches('/')),
            ..self
        }
    }
}

/// The path and the query may hold a secret.
fn redacted_uri(uri: &Location) -> String {
    format!("{uri}/{REDACTED}")
}

impl<'a> From<&'a AccessKey> for Key<'a> {
    fn from(key: &'a AccessKey) -> Self {
        let part = |name: &str, secret: &'a Secret| match secret {
            Secret::Given(_) => (name.to_owned(), REDACTED.into()),
            Secret::File(path) => (format!("{name}_file"), path.to_string_lossy()),
        };
        let token = key.token.as_ref().map(|token| part("security_token", token));
        let parts = [part("access_key_id", &key.id), part("access_key_secret", &key.secret)];
        Self { parts: parts.into_iter().chain(token).collect() }
    }
}
