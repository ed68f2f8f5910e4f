//! Where a workspace or a region is reached: the region, the endpoints and the credentials.

use std::sync::Arc;

use url::Url;

use super::access;
use super::decode::{Node, Table};
use super::layer::Kind;
use crate::{credentials, endpoint};

pub(super) const REGION: &str = "a region such as cn-hangzhou";
const ENDPOINT: &str = "an endpoint such as https://ververica-vpc.cn-hangzhou.aliyuncs.com";

/// The regions in which foasconsole has an endpoint, by the map in the official SDKs. The others are served by the
/// central one.
const CONSOLE_REGIONS: [&str; 18] = [
    "ap-northeast-1",
    "ap-southeast-1",
    "ap-southeast-3",
    "ap-southeast-5",
    "cn-beijing",
    "cn-hangzhou",
    "cn-hongkong",
    "cn-qingdao",
    "cn-shanghai",
    "cn-shanghai-finance-1",
    "cn-shenzhen",
    "cn-shenzhen-finance-1",
    "cn-wulanchabu",
    "cn-zhangjiakou",
    "eu-central-1",
    "eu-west-1",
    "us-east-1",
    "us-west-1",
];

/// The keys `region`, `endpoint`, `console_endpoint`, `allow_plain_http` and `credentials` of a table.
pub(super) struct Location {
    pub(super) region: Option<String>,
    pub(super) endpoint: Option<Url>,
    pub(super) console_endpoint: Option<Url>,
    pub(super) credentials: Option<Arc<credentials::Source>>,
}

impl Location {
    /// What is wrong is noted, and absent. `region_required` says whether the region is needed even if the endpoint is
    /// given.
    pub(super) fn decode(
        table: &Table<'_>,
        credentials: &Arc<credentials::Source>,
        region_required: bool,
    ) -> Self {
        let region = table.get("region").and_then(|node| region(&node));
        let allow_plain_http = table.get("allow_plain_http").and_then(|node| node.boolean()).unwrap_or(false);
        if region_required && table.get("region").is_none() {
            table.missing("region", REGION);
        } else if table.get("region").is_none() && table.get("endpoint").is_none() {
            let or_endpoint = if table.kind() == Some(Kind::Flags) { "" } else { ", or an `endpoint`" };
            table.missing("region", &format!("{REGION}{or_endpoint}"));
        }
        let endpoint = endpoint(table, region.as_deref(), allow_plain_http);
        let console_endpoint = console_endpoint(table, region.as_deref(), allow_plain_http);
        let credentials = match table.get("credentials") {
            Some(section) => access::source(&section).map(Arc::new),
            None => Some(credentials.clone()),
        };
        Self { region, endpoint, console_endpoint, credentials }
    }
}

fn region(node: &Node<'_>) -> Option<String> {
    if node.is_list() {
        return node.expected("one region: a workspace is in one region");
    }
    let region = node.text(REGION)?;
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if region.chars().all(allowed) && !region.starts_with('-') && !region.ends_with('-') && region.len() <= 50
    {
        return Some(region);
    }
    node.expected(&format!("{REGION}: lower-case letters, digits and hyphens"))
}

fn endpoint(table: &Table<'_>, region: Option<&str>, allow_plain_http: bool) -> Option<Url> {
    if let Some(node) = table.get("endpoint") {
        return given_endpoint(&node, allow_plain_http);
    }
    let node = table.get("region")?;
    let url = format!("https://ververica.{}.aliyuncs.com", region?);
    Url::parse(&url).ok().or_else(|| node.expected(REGION))
}

fn console_endpoint(table: &Table<'_>, region: Option<&str>, allow_plain_http: bool) -> Option<Url> {
    if let Some(node) = table.get("console_endpoint") {
        return given_endpoint(&node, allow_plain_http);
    }
    let region = region?;
    let url = if CONSOLE_REGIONS.contains(&region) {
        format!("https://foasconsole.{region}.aliyuncs.com")
    } else {
        "https://foasconsole.aliyuncs.com".to_owned()
    };
    Url::parse(&url).ok()
}

fn given_endpoint(node: &Node<'_>, allow_plain_http: bool) -> Option<Url> {
    let text = node.text(ENDPOINT)?;
    // First of all: whatever else is wrong, a password isn't repeated.
    if text.contains('@') {
        return node.reject(format!(
            "holds a user name or a password: expected {ENDPOINT}; keys belong into `credentials`"
        ));
    }
    if text.contains(['?', '#']) {
        return node.reject(format!("has a query or a fragment: expected {ENDPOINT}"));
    }
    let Ok(url) = Url::parse(&text) else { return node.expected(ENDPOINT) };
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() || url.path() != "/" {
        return node.expected(&format!("{ENDPOINT}: http or https, a host, no path"));
    }
    if url.scheme() == "http" && !endpoint::is_loopback(&url) && !allow_plain_http {
        return node.reject(format!(
            "found {}, which is not encrypted, and requests carry security tokens: expected https, or \
             `allow_plain_http: true` beside it",
            node.found()
        ));
    }
    Some(url)
}
