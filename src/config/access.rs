//! The section `credentials`.

use secrecy::SecretString;

use super::decode::{Node, Table};
use crate::credentials::{Credentials, Source};

pub(super) const DEFAULT_KEYS: [&str; 1] = ["type"];
pub(super) const ACCESS_KEY_KEYS: [&str; 4] =
    ["type", "access_key_id", "access_key_secret", "security_token"];

#[derive(Clone, Copy)]
enum Type {
    Default,
    AccessKey,
}

/// Types to come, which deserve another answer than a mistyped one.
const UNSUPPORTED: [&str; 5] = ["oidc", "ram_role_arn", "ecs_ram_role", "uri", "profile"];

const ACCESS_KEY_ID: &str = "the id of an access key";
const ACCESS_KEY_SECRET: &str = "the secret of the access key";
const SECURITY_TOKEN: &str = "a security token";

pub(super) fn source(section: &Node<'_>) -> Option<Source> {
    let table = section.open_table()?;
    let kind = table.require("type", "one of default, access_key")?;
    if let Some(unsupported) = UNSUPPORTED.iter().find(|name| kind.is_text(name)) {
        return kind.reject(format!(
            "{unsupported} is not supported by this version: expected one of default, access_key"
        ));
    }
    match kind.choice(&[("default", Type::Default), ("access_key", Type::AccessKey)])? {
        Type::Default => {
            table.allow_only(&DEFAULT_KEYS);
            Some(Source::Default)
        }
        Type::AccessKey => {
            table.allow_only(&ACCESS_KEY_KEYS);
            access_key(&table)
        }
    }
}

fn access_key(table: &Table<'_>) -> Option<Source> {
    let required = |key, what| table.require(key, what).and_then(|node| node.secret(what));
    let access_key_id = required("access_key_id", ACCESS_KEY_ID);
    let access_key_secret = required("access_key_secret", ACCESS_KEY_SECRET);
    let security_token = match table.get("security_token") {
        Some(node) => Some(node.secret(SECURITY_TOKEN)?),
        None => None,
    };
    Some(Source::AccessKey(Credentials {
        access_key_id: access_key_id?,
        access_key_secret: access_key_secret.map(SecretString::from)?,
        security_token: security_token.map(SecretString::from),
    }))
}
