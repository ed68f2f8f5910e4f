//! Where a workspace or a region is reached: the region, the endpoints and the credentials.

use std::sync::Arc;

use config_reader::{Kind, Node};
use url::Url;

use super::text_rules::Region;
use crate::{credentials, default_endpoints};

pub(super) const REGION: &str = "a region such as cn-hangzhou";
const ENDPOINT: &str = "an endpoint such as https://ververica-vpc.cn-hangzhou.aliyuncs.com";

/// The keys of a workspace or an entry that say where it is, as they are written.
pub(super) struct RawLocation {
    pub(super) region: Option<Region>,
    pub(super) endpoint: Option<String>,
    pub(super) console_endpoint: Option<String>,
    pub(super) allow_plain_http: Option<bool>,
    pub(super) credentials: Option<credentials::ProviderConfig>,
}

/// The resolved values; invalid ones are absent.
pub(super) struct Location {
    pub(super) region: Option<String>,
    pub(super) endpoint: Option<Url>,
    pub(super) console_endpoint: Option<Url>,
    pub(super) credentials: Arc<credentials::ProviderConfig>,
}

impl RawLocation {
    /// `region_required` says whether the region is needed even if the endpoint is given.
    pub(super) fn resolve(
        self,
        at: &Node<'_>,
        credentials: &Arc<credentials::ProviderConfig>,
        region_required: bool,
    ) -> Location {
        let or_endpoint = if at.kind() == Some(Kind::Flags) { "" } else { ", or an `endpoint`" };
        if region_required {
            at.get("region").require(self.region.as_ref(), REGION);
        } else if !at.get("endpoint").is_set() {
            at.get("region").require(self.region.as_ref(), &format!("{REGION}{or_endpoint}"));
        }
        let region = self.region.map(|region| region.0);
        let allow_plain_http = self.allow_plain_http.unwrap_or(false);
        let given =
            |text: Option<String>, key| text.and_then(|text| endpoint(&text, &at.get(key), allow_plain_http));
        let of_region = |key, default: fn(&str) -> String| {
            let region = region.as_deref().filter(|_| !at.get(key).is_set())?;
            let url = Url::parse(&default(region));
            url.map_err(|_| at.get("region").expected(REGION)).ok()
        };
        Location {
            endpoint: given(self.endpoint, "endpoint")
                .or_else(|| of_region("endpoint", default_endpoints::ververica)),
            console_endpoint: given(self.console_endpoint, "console_endpoint")
                .or_else(|| of_region("console_endpoint", default_endpoints::foasconsole)),
            credentials: self.credentials.map_or_else(|| credentials.clone(), Arc::new),
            region,
        }
    }
}

fn endpoint(text: &str, at: &Node<'_>, allow_plain_http: bool) -> Option<Url> {
    // First of all: whatever else is wrong, a password isn't repeated.
    if text.contains('@') {
        at.reject(format!(
            "holds a user name or a password: expected {ENDPOINT}; keys belong into `credentials`"
        ));
        return None;
    }
    if text.contains(['?', '#']) {
        at.reject(format!("has a query or a fragment: expected {ENDPOINT}"));
        return None;
    }
    let plain =
        |url: &Url| matches!(url.scheme(), "http" | "https") && url.host().is_some() && url.path() == "/";
    let Some(url) = Url::parse(text).ok().filter(plain) else {
        at.expected(&format!("{ENDPOINT}: http or https, a host, no path"));
        return None;
    };
    if url.scheme() == "http" && !outbound_http::is_loopback(&url) && !allow_plain_http {
        at.reject(format!(
            "found {}, which is not encrypted, and requests carry security tokens: expected https, or \
             `allow_plain_http: true` beside it",
            at.found()
        ));
        return None;
    }
    Some(url)
}
