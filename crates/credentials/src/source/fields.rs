//! The settings of each type of source, for programs that validate a configuration and report every error at once.

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// The key.
    pub name: &'static str,
    /// What its value must be.
    pub kind: FieldKind,
    /// What its value is, for error messages.
    pub expected: &'static str,
    /// Whether it must be present.
    pub required: bool,
}

/// What the value of a setting must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// A text.
    Text,
    /// A text of visible ASCII characters without blanks: it is sent in a header or a URL.
    HeaderText,
    /// A secret, sent in a header.
    Secret,
    /// A secret, or under the key with `_file` after it the path of the file that contains it.
    SecretOrFile,
    /// A session name: 2 to 64 letters, digits and `-`, `_`, `.`, `@`, `=`.
    SessionName,
    /// The duration of a session: from 15 minutes to 12 hours.
    SessionDuration,
    /// True or false.
    Boolean,
    /// The endpoint of STS: encrypted, unless it is on this machine.
    StsEndpoint,
    /// Another endpoint: http or https, a host, no path.
    Endpoint,
    /// An http or https URI.
    Uri,
    /// Another source.
    Source,
}

const fn optional(name: &'static str, kind: FieldKind, expected: &'static str) -> Field {
    Field { name, kind, expected, required: false }
}

const fn required(name: &'static str, kind: FieldKind, expected: &'static str) -> Field {
    Field { name, kind, expected, required: true }
}

const ROLE_ARN: &str = "a role such as acs:ram::1234567890123456:role/flink-reader";
const PROVIDER_ARN: &str = "an OIDC provider such as acs:ram::1234567890123456:oidc-provider/ack-rrsa-c1";
const FILE: &str = "the path of a file";

const STS_ENDPOINT: Field = optional(
    "sts_endpoint",
    FieldKind::StsEndpoint,
    "an endpoint such as https://sts-vpc.cn-hangzhou.aliyuncs.com",
);
const METADATA_ENDPOINT: Field =
    optional("metadata_endpoint", FieldKind::Endpoint, "an endpoint such as http://100.100.100.200");
const SESSION_NAME: Field = optional(
    "session_name",
    FieldKind::SessionName,
    "a name of 2 to 64 letters, digits and `-`, `_`, `.`, `@`, `=`",
);
const DURATION: Field = optional("duration", FieldKind::SessionDuration, "a duration from 15m to 12h");
const POLICY: Field = optional("policy", FieldKind::Text, "a policy in JSON");

/// Each type of source, by its name in the configuration, with its settings.
pub const SOURCE_TYPES: &[(&str, &[Field])] = &[
    ("default", &[STS_ENDPOINT, METADATA_ENDPOINT]),
    (
        "access_key",
        &[
            required("access_key_id", FieldKind::SecretOrFile, "the id of an access key"),
            required("access_key_secret", FieldKind::SecretOrFile, "the secret of the access key"),
            optional("security_token", FieldKind::SecretOrFile, "a security token"),
        ],
    ),
    (
        "ram_role_arn",
        &[
            optional("source", FieldKind::Source, "the credentials that assume the role"),
            required("role_arn", FieldKind::HeaderText, ROLE_ARN),
            optional("external_id", FieldKind::Secret, "an external id"),
            SESSION_NAME,
            DURATION,
            POLICY,
            STS_ENDPOINT,
        ],
    ),
    (
        "oidc",
        &[
            optional("role_arn", FieldKind::HeaderText, ROLE_ARN),
            optional("oidc_provider_arn", FieldKind::HeaderText, PROVIDER_ARN),
            optional("oidc_token_file", FieldKind::Text, FILE),
            SESSION_NAME,
            DURATION,
            POLICY,
            STS_ENDPOINT,
        ],
    ),
    (
        "ecs_ram_role",
        &[
            optional("role_name", FieldKind::HeaderText, "the name of a RAM role"),
            optional("imds_v1_disabled", FieldKind::Boolean, "true or false"),
            METADATA_ENDPOINT,
        ],
    ),
    ("uri", &[optional("uri", FieldKind::Uri, "a URI such as http://localhost:8080/credentials")]),
    (
        "profile",
        &[
            optional("name", FieldKind::Text, "the name of a profile"),
            optional("file", FieldKind::Text, FILE),
            STS_ENDPOINT,
            METADATA_ENDPOINT,
        ],
    ),
];
