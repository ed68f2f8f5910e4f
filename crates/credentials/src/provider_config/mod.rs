//! Configured sources of credentials. Serde serializes secrets as `<redacted>`.

use std::{fmt, path::PathBuf, time::Duration};

use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, IntoDeserializer as _, MapAccess, Visitor, value::MapAccessDeserializer},
};
use url::Url;

mod access_key;
mod role_session;
mod secret;
mod setting_formats;

use setting_formats::origin;

pub use access_key::{AccessKey, SecretSource};
pub use role_session::{Oidc, Session};
pub use secret::{CredentialsUri, Secret};

/// Where the access key comes from.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[schemars(rename = "credentials")]
pub enum ProviderConfig {
    /// The default chain.
    Default(Endpoints),
    /// An access key in the configuration, or in files that it names.
    AccessKey(#[schemars(with = "access_key::Fields")] AccessKey),
    /// A RAM role that other credentials may assume.
    RamRoleArn(#[schemars(with = "RamRoleArnSettings")] Box<RamRoleArn>),
    /// A RAM role for the bearer of an OIDC token, as on ACK with RRSA.
    Oidc(#[schemars(with = "role_session::OidcSettings")] Oidc),
    /// The RAM role of the ECS instance that this process runs on.
    EcsRamRole(EcsRamRole),
    /// A service that issues credentials without authentication.
    Uri(Uri),
    /// A profile of the CLI's file or of the credentials file.
    Profile(Profile),
}

/// The values of `type`.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SourceType {
    Default,
    AccessKey,
    RamRoleArn,
    Oidc,
    EcsRamRole,
    Uri,
    Profile,
}

impl SourceType {
    fn source<'de, D: Deserializer<'de>>(self, settings: D) -> Result<ProviderConfig, D::Error> {
        Ok(match self {
            Self::Default => ProviderConfig::Default(Deserialize::deserialize(settings)?),
            Self::AccessKey => ProviderConfig::AccessKey(Deserialize::deserialize(settings)?),
            Self::RamRoleArn => ProviderConfig::RamRoleArn(Deserialize::deserialize(settings)?),
            Self::Oidc => ProviderConfig::Oidc(Deserialize::deserialize(settings)?),
            Self::EcsRamRole => ProviderConfig::EcsRamRole(Deserialize::deserialize(settings)?),
            Self::Uri => ProviderConfig::Uri(Deserialize::deserialize(settings)?),
            Self::Profile => ProviderConfig::Profile(Deserialize::deserialize(settings)?),
        })
    }
}

/// Unlike serde's derived code, this keeps nothing if `type` comes first: a deserializer that reports several errors
/// sees each key as it is read.
impl<'de> Deserialize<'de> for ProviderConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(SourceVisitor)
    }
}

struct SourceVisitor;

impl<'de> Visitor<'de> for SourceVisitor {
    type Value = ProviderConfig;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a table of keys and values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ProviderConfig, A::Error> {
        let mut others = serde_json::Map::new();
        while let Some(key) = map.next_key::<String>()? {
            if key != "type" {
                others.insert(key, map.next_value()?);
                continue;
            }
            let source_type: SourceType = map.next_value()?;
            if others.is_empty() {
                return source_type.source(MapAccessDeserializer::new(map));
            }
            while let Some((key, value)) = map.next_entry()? {
                others.insert(key, value);
            }
            return source_type.source(others.into_deserializer()).map_err(de::Error::custom);
        }
        Err(de::Error::custom(
            "missing field `type`: expected one of default, access_key, ram_role_arn, oidc, ecs_ram_role, uri, profile",
        ))
    }
}

impl Default for ProviderConfig {
    fn default() -> Self {
        Self::Default(Endpoints::default())
    }
}

/// A role to assume.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(try_from = "RamRoleArnSettings")]
pub struct RamRoleArn {
    /// The source of the credentials that assume the role.
    pub source: ProviderConfig,
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

/// As it is written. Not flattened: serde would keep the values first, and an error would not know its key.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RamRoleArnSettings {
    /// The credentials that assume the role. Default: the default chain.
    source: Option<ProviderConfig>,
    /// The role, such as `acs:ram::1234567890123456:role/flink-reader`.
    #[serde(default, deserialize_with = "setting_formats::header_text")]
    #[schemars(required)]
    role_arn: Option<String>,
    /// The external id that the role's trust policy requires, if any.
    external_id: Option<Secret>,
    /// The session's name in the audit log: 2 to 64 letters, digits and `-`, `_`, `.`, `@`, `=`.
    #[serde(default, deserialize_with = "setting_formats::session_name")]
    session_name: Option<String>,
    /// How long the credentials are valid: 15m to 12h. Default: 1h.
    #[serde(default, deserialize_with = "setting_formats::session_duration")]
    #[schemars(with = "String")]
    duration: Option<Duration>,
    /// A policy in JSON that restricts the permissions of the role.
    policy: Option<String>,
    /// Endpoint of STS, such as `https://sts-vpc.cn-hangzhou.aliyuncs.com`.
    #[serde(default, deserialize_with = "setting_formats::sts_endpoint")]
    #[schemars(with = "String")]
    sts_endpoint: Option<Url>,
}

impl TryFrom<RamRoleArnSettings> for RamRoleArn {
    type Error = &'static str;

    fn try_from(settings: RamRoleArnSettings) -> Result<Self, Self::Error> {
        let RamRoleArnSettings {
            source,
            role_arn,
            external_id,
            session_name,
            duration,
            policy,
            sts_endpoint,
        } = settings;
        let session = Session { name: session_name, duration, policy, sts_endpoint, ..Session::default() };
        if role_arn.is_none() {
            return Err(
                "missing field `role_arn`: a role such as acs:ram::1234567890123456:role/flink-reader",
            );
        }
        Ok(Self { source: source.unwrap_or_default(), role_arn, external_id, session })
    }
}

/// Endpoints used instead of the cloud's.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Endpoints {
    /// Endpoint of STS, such as `https://sts-vpc.cn-hangzhou.aliyuncs.com`.
    #[serde(
        default,
        deserialize_with = "setting_formats::sts_endpoint",
        skip_serializing_if = "Option::is_none",
        serialize_with = "origin"
    )]
    #[schemars(with = "String")]
    pub sts_endpoint: Option<Url>,
    /// Endpoint of the ECS metadata service, such as `http://100.100.100.200`.
    #[serde(
        default,
        deserialize_with = "setting_formats::endpoint",
        skip_serializing_if = "Option::is_none",
        serialize_with = "origin"
    )]
    #[schemars(with = "String")]
    pub metadata_endpoint: Option<Url>,
}

/// The RAM role of an ECS instance.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EcsRamRole {
    /// The role's name. Default: the environment's, or the one that the metadata service returns.
    #[serde(
        default,
        deserialize_with = "setting_formats::header_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub role_name: Option<String>,
    /// Whether requests without a session token are forbidden. Default: as the environment says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub imds_v1_disabled: Option<bool>,
    /// Endpoint of the ECS metadata service, such as `http://100.100.100.200`.
    #[serde(
        default,
        deserialize_with = "setting_formats::endpoint",
        skip_serializing_if = "Option::is_none",
        serialize_with = "origin"
    )]
    #[schemars(with = "String")]
    pub metadata_endpoint: Option<Url>,
}

/// A service that issues credentials.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Uri {
    /// Its URI. Default: the environment's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uri: Option<CredentialsUri>,
}

/// A profile of a file.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Its name. Default: the environment's, or the file's default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The file: the CLI's format if it ends in `.json`. Default: the CLI's own file, then the credentials file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// Endpoint of STS, for profiles that call it.
    #[serde(
        default,
        deserialize_with = "setting_formats::sts_endpoint",
        skip_serializing_if = "Option::is_none",
        serialize_with = "origin"
    )]
    #[schemars(with = "String")]
    pub sts_endpoint: Option<Url>,
    /// Endpoint of the ECS metadata service, for profiles that call it.
    #[serde(
        default,
        deserialize_with = "setting_formats::endpoint",
        skip_serializing_if = "Option::is_none",
        serialize_with = "origin"
    )]
    #[schemars(with = "String")]
    pub metadata_endpoint: Option<Url>,
}
