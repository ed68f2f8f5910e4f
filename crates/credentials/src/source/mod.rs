//! Where credentials come from, as configured. Reads and writes with serde; secrets are written as `<redacted>`.

use std::{path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize, Serializer};
use url::Url;

mod access_key;
mod fields;
mod secret;

pub use access_key::{AccessKey, SecretSource};
pub use fields::{Field, FieldKind, SOURCE_TYPES};
pub use secret::{CredentialsUri, Secret};

/// Where credentials come from.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Source {
    /// The default chain.
    Default(Endpoints),
    /// An access key in the configuration, or in files that it names.
    AccessKey(AccessKey),
    /// A RAM role that other credentials may assume.
    RamRoleArn(Box<RamRoleArn>),
    /// A RAM role for the bearer of an OIDC token, as on ACK with RRSA.
    Oidc(Oidc),
    /// The RAM role of the ECS instance that this process runs on.
    EcsRamRole(EcsRamRole),
    /// A service that issues credentials to whoever asks.
    Uri(Uri),
    /// A profile of the CLI's file or of the credentials file.
    Profile(Profile),
}

impl Default for Source {
    fn default() -> Self {
        Self::Default(Endpoints::default())
    }
}

/// Endpoints used instead of the cloud's.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
pub struct Endpoints {
    /// The endpoint of STS.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "origin")]
    pub sts_endpoint: Option<Url>,
    /// The endpoint of the ECS metadata service.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "origin")]
    pub metadata_endpoint: Option<Url>,
}

/// The session of a role.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
pub struct Session {
    /// The session's name in the cloud's audit log. Default: the environment's, or the application's name.
    #[serde(rename = "session_name", skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How long the credentials are to be valid, from 15 minutes to 12 hours. Default: 1 hour.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "duration")]
    pub duration: Option<Duration>,
    /// A policy in JSON that restricts the permissions of the role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// The region whose STS is called. Default: the environment's, or the central one. Only profiles have it.
    #[serde(skip)]
    pub sts_region: Option<String>,
    /// Whether STS is called inside the VPC. Default: as the environment says. Only profiles have it.
    #[serde(skip)]
    pub vpc: Option<bool>,
    /// The endpoint of STS.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "origin")]
    pub sts_endpoint: Option<Url>,
}

/// A role to assume.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
pub struct RamRoleArn {
    /// The source of the credentials that assume the role.
    #[serde(default)]
    pub source: Source,
    /// The role. Default: the environment's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    /// The external id that the role's trust policy requires, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<Secret>,
    /// The session.
    #[serde(flatten)]
    pub session: Session,
}

/// A role to assume with an OIDC token. The default of each part is the environment's.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
pub struct Oidc {
    /// The role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    /// The ARN of the OIDC provider in RAM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oidc_provider_arn: Option<String>,
    /// The file that contains the token. It is read on each fetch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oidc_token_file: Option<PathBuf>,
    /// The session.
    #[serde(flatten)]
    pub session: Session,
}

/// The RAM role of an ECS instance.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
pub struct EcsRamRole {
    /// The role's name. Default: the environment's, or the one that the metadata service returns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role_name: Option<String>,
    /// Whether requests without a session token are forbidden. Default: as the environment says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub imds_v1_disabled: Option<bool>,
    /// The endpoint of the ECS metadata service.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "origin")]
    pub metadata_endpoint: Option<Url>,
}

/// A service that issues credentials.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
pub struct Uri {
    /// Its URI. Default: the environment's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uri: Option<CredentialsUri>,
}

/// A profile of a file.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
pub struct Profile {
    /// Its name. Default: the environment's, or the file's default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The file: the CLI's format if it ends in `.json`. Default: the CLI's own file, then the credentials file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// Endpoints for profiles that call a service.
    #[serde(flatten)]
    pub endpoints: Endpoints,
}

/// Writes an endpoint without the slash that `Url` adds.
#[expect(clippy::ref_option, reason = "serde passes a reference to the field")]
fn origin<S: Serializer>(url: &Option<Url>, serializer: S) -> Result<S::Ok, S::Error> {
    url.as_ref().map(|url| url.as_str().trim_end_matches('/')).serialize(serializer)
}

/// Durations with units: `1h30m`.
mod duration {
    use std::time::Duration;

    use jiff::{
        SignedDuration,
        fmt::friendly::{Designator, Spacing, SpanParser, SpanPrinter},
    };
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

    #[expect(clippy::ref_option, reason = "serde passes a reference to the field")]
    pub(super) fn serialize<S: Serializer>(
        duration: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let printer = SpanPrinter::new().designator(Designator::Compact).spacing(Spacing::None);
        let text = |duration: &Duration| {
            SignedDuration::try_from(*duration).map(|duration| printer.duration_to_string(&duration))
        };
        duration.as_ref().map(text).transpose().map_err(serde::ser::Error::custom)?.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
        let duration = SpanParser::new().parse_duration(&text).ok();
        let duration = duration.and_then(|duration| Duration::try_from(duration).ok());
        duration.map(Some).ok_or_else(|| D::Error::custom("expected a duration such as 1h30m"))
    }
}
