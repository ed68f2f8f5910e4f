//! The section `credentials`.

use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use super::decode::{Node, Table};
use crate::credentials::{
    AccessKey, EcsRamRole, Endpoints, Location, Oidc, Profile, RamRoleArn, Secret, Session, Source,
};
use crate::endpoint;

pub(super) const DEFAULT_KEYS: [&str; 3] = ["type", "sts_endpoint", "metadata_endpoint"];
pub(super) const ACCESS_KEY_KEYS: [&str; 7] = [
    "type",
    "access_key_id",
    "access_key_id_file",
    "access_key_secret",
    "access_key_secret_file",
    "security_token",
    "security_token_file",
];
pub(super) const RAM_ROLE_ARN_KEYS: [&str; 8] =
    ["type", "source", "role_arn", "external_id", "session_name", "duration", "policy", "sts_endpoint"];
pub(super) const OIDC_KEYS: [&str; 8] = [
    "type",
    "role_arn",
    "oidc_provider_arn",
    "oidc_token_file",
    "session_name",
    "duration",
    "policy",
    "sts_endpoint",
];
pub(super) const ECS_RAM_ROLE_KEYS: [&str; 4] =
    ["type", "role_name", "imds_v1_disabled", "metadata_endpoint"];
pub(super) const URI_KEYS: [&str; 2] = ["type", "uri"];
pub(super) const PROFILE_KEYS: [&str; 5] = ["type", "name", "file", "sts_endpoint", "metadata_endpoint"];

#[derive(Clone, Copy)]
enum Type {
    Default,
    AccessKey,
    RamRoleArn,
    Oidc,
    EcsRamRole,
    Uri,
    Profile,
}

const TYPES: [(&str, Type); 7] = [
    ("default", Type::Default),
    ("access_key", Type::AccessKey),
    ("ram_role_arn", Type::RamRoleArn),
    ("oidc", Type::Oidc),
    ("ecs_ram_role", Type::EcsRamRole),
    ("uri", Type::Uri),
    ("profile", Type::Profile),
];

/// As long as STS lets a session be: no less than a quarter of an hour, half a day at the most.
const SHORTEST_SESSION: Duration = Duration::from_secs(900);
const LONGEST_SESSION: Duration = Duration::from_secs(12 * 3600);

const ROLE_ARN: &str = "a role such as acs:ram::1234567890123456:role/flink-reader";
const PROVIDER_ARN: &str = "an OIDC provider such as acs:ram::1234567890123456:oidc-provider/ack-rrsa-c1";
const STS_ENDPOINT: &str = "an endpoint such as https://sts-vpc.cn-hangzhou.aliyuncs.com";
const METADATA_ENDPOINT: &str = "an endpoint such as http://100.100.100.200";
const URI: &str = "a URI such as http://localhost:8080/credentials";
const FILE: &str = "the path of a file";

pub(super) fn source(section: &Node<'_>) -> Option<Source> {
    let table = section.open_table()?;
    let names = TYPES.map(|(name, _)| name).join(", ");
    let kind = table.require("type", &format!("one of {names}"))?.choice(&TYPES)?;
    Some(match kind {
        Type::Default => default(&table),
        Type::AccessKey => access_key(&table)?,
        Type::RamRoleArn => ram_role_arn(&table)?,
        Type::Oidc => oidc(&table),
        Type::EcsRamRole => ecs_ram_role(&table),
        Type::Uri => uri(&table),
        Type::Profile => profile(&table),
    })
}

fn default(table: &Table<'_>) -> Source {
    table.allow_only(&DEFAULT_KEYS);
    Source::Default(endpoints(table))
}

fn access_key(table: &Table<'_>) -> Option<Source> {
    table.allow_only(&ACCESS_KEY_KEYS);
    let id = secret_or_file(table, "access_key_id", "the id of an access key", true);
    let secret = secret_or_file(table, "access_key_secret", "the secret of the access key", true);
    let token = secret_or_file(table, "security_token", "a security token", false);
    Some(Source::AccessKey(AccessKey { id: id?, secret: secret?, token }))
}

fn ram_role_arn(table: &Table<'_>) -> Option<Source> {
    table.allow_only(&RAM_ROLE_ARN_KEYS);
    let source = optional(table, "source", source);
    let role_arn = table.require("role_arn", ROLE_ARN).and_then(|node| node.header_text(ROLE_ARN));
    let external_id = optional(table, "external_id", |node| node.secret("an external id"));
    let session = session(table);
    Some(Source::RamRoleArn(Box::new(RamRoleArn {
        source: source.unwrap_or_default(),
        role_arn: Some(role_arn?),
        external_id: external_id.map(|id| Secret::Given(id.into())),
        session,
    })))
}

fn oidc(table: &Table<'_>) -> Source {
    table.allow_only(&OIDC_KEYS);
    let role_arn = optional(table, "role_arn", |node| node.header_text(ROLE_ARN));
    let provider_arn = optional(table, "oidc_provider_arn", |node| node.header_text(PROVIDER_ARN));
    let token_file = optional(table, "oidc_token_file", |node| node.text(FILE));
    let session = session(table);
    Source::Oidc(Oidc { role_arn, provider_arn, token_file: token_file.map(PathBuf::from), session })
}

fn ecs_ram_role(table: &Table<'_>) -> Source {
    table.allow_only(&ECS_RAM_ROLE_KEYS);
    let role_name = optional(table, "role_name", |node| node.header_text("the name of a RAM role"));
    let imds_v1_disabled = optional(table, "imds_v1_disabled", Node::boolean);
    let metadata_endpoint = optional(table, "metadata_endpoint", metadata_endpoint);
    Source::EcsRamRole(EcsRamRole { role_name, metadata_endpoint, imds_v1_disabled })
}

fn uri(table: &Table<'_>) -> Source {
    table.allow_only(&URI_KEYS);
    let uri = optional(table, "uri", |node| {
        let url = Url::parse(&node.header_text(URI)?).ok();
        let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some());
        url.or_else(|| node.expected(URI))
    });
    Source::Uri(uri.map(Location::new))
}

fn profile(table: &Table<'_>) -> Source {
    table.allow_only(&PROFILE_KEYS);
    let name = optional(table, "name", |node| node.text("the name of a profile"));
    let file = optional(table, "file", |node| node.text(FILE));
    let endpoints = endpoints(table);
    Source::Profile(Profile { name, file: file.map(PathBuf::from), endpoints })
}

/// A key that may be absent. One that is wrong reads as absent too, and its mistake is noted.
fn optional<'a, T>(table: &Table<'a>, key: &str, read: impl FnOnce(&Node<'a>) -> Option<T>) -> Option<T> {
    table.get(key).and_then(|node| read(&node))
}

/// A secret under `key`, or the path of its file under `key` and `_file`.
fn secret_or_file(table: &Table<'_>, key: &str, what: &str, required: bool) -> Option<Secret> {
    let file_key = format!("{key}_file");
    match (table.get(key), table.get(&file_key)) {
        (Some(_), Some(file)) => {
            file.reject(format!("`{key}` is given too: expected the value or the file, not both"))
        }
        (Some(node), None) => Some(Secret::Given(node.secret(what)?.into())),
        (None, Some(node)) => Some(Secret::File(node.text(FILE)?.into())),
        (None, None) if required => {
            table.missing(key, &format!("{what}, or `{file_key}`"));
            None
        }
        (None, None) => None,
    }
}

fn session(table: &Table<'_>) -> Session {
    let name = optional(table, "session_name", session_name);
    let duration = optional(table, "duration", |node| {
        let duration = node.duration(Duration::ZERO)?;
        if (SHORTEST_SESSION..=LONGEST_SESSION).contains(&duration) {
            return Some(duration);
        }
        node.expected("a duration from 15m to 12h")
    });
    let policy = optional(table, "policy", |node| node.text("a policy in JSON"));
    let sts_endpoint = optional(table, "sts_endpoint", sts_endpoint);
    Session { name, duration, policy, sts_endpoint, ..Session::default() }
}

fn session_name(node: &Node<'_>) -> Option<String> {
    const NAME: &str = "a name of 2 to 64 letters, digits and `-`, `_`, `.`, `@`, `=`";
    let name = node.text(NAME)?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.@=".contains(&byte);
    if (2..=64).contains(&name.len()) && name.bytes().all(plain) {
        return Some(name);
    }
    node.expected(NAME)
}

fn endpoints(table: &Table<'_>) -> Endpoints {
    let sts = optional(table, "sts_endpoint", sts_endpoint);
    let metadata = optional(table, "metadata_endpoint", metadata_endpoint);
    Endpoints { sts, metadata }
}

/// STS's replies hold secrets.
fn sts_endpoint(node: &Node<'_>) -> Option<Url> {
    let url = endpoint(node, STS_ENDPOINT)?;
    if url.scheme() == "https" || endpoint::is_loopback(&url) {
        return Some(url);
    }
    node.reject(format!("not encrypted, and STS answers with secrets: expected {STS_ENDPOINT}"))
}

fn metadata_endpoint(node: &Node<'_>) -> Option<Url> {
    endpoint(node, METADATA_ENDPOINT)
}

fn endpoint(node: &Node<'_>, what: &str) -> Option<Url> {
    let text = node.text(what)?;
    let fits = |url: &Url| {
        let plain = url.username().is_empty() && url.password().is_none() && !text.contains(['?', '#']);
        matches!(url.scheme(), "http" | "https") && url.host().is_some() && url.path() == "/" && plain
    };
    match Url::parse(&text).ok().filter(fits) {
        Some(url) => Some(url),
        None => node.expected(&format!("{what}: http or https, a host, no path")),
    }
}
