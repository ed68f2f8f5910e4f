//! The session of a role, and roles for the bearer of an OIDC token.

use std::{path::PathBuf, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use super::setting_formats::{self, origin};

/// The session of a role.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Session {
    /// The session's name in the cloud's audit log. Default: the environment's, or the application's name.
    #[serde(rename = "session_name", skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How long the credentials are to be valid, from 15 minutes to 12 hours. Default: 1 hour.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "setting_formats::write_duration")]
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

/// A role to assume with an OIDC token. The default of each part is the environment's.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(from = "OidcSettings")]
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

/// As it is written. Not flattened: serde would keep the values first, and an error would not know its key.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OidcSettings {
    /// The role, such as `acs:ram::1234567890123456:role/flink-reader`.
    #[serde(default, deserialize_with = "setting_formats::header_text")]
    role_arn: Option<String>,
    /// The OIDC provider, such as `acs:ram::1234567890123456:oidc-provider/ack-rrsa-c1`.
    #[serde(default, deserialize_with = "setting_formats::header_text")]
    oidc_provider_arn: Option<String>,
    /// Path of the file that contains the token.
    oidc_token_file: Option<PathBuf>,
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

impl From<OidcSettings> for Oidc {
    fn from(settings: OidcSettings) -> Self {
        let OidcSettings {
            role_arn,
            oidc_provider_arn,
            oidc_token_file,
            session_name,
            duration,
            policy,
            sts_endpoint,
        } = settings;
        let session = Session { name: session_name, duration, policy, sts_endpoint, ..Session::default() };
        Self { role_arn, oidc_provider_arn, oidc_token_file, session }
    }
}
