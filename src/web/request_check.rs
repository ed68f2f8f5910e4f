//! Rejects requests that are malformed, or that another web site made a browser send.

use hyper::{
    HeaderMap, Method, Request, StatusCode,
    header::{HOST, HeaderName, ORIGIN},
    http::{Version, uri::Authority},
};

/// Set by browsers only: the relation between the page that sent the request and this server.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The status and the text of the refusal, if `request` is to be refused. Pages of `external_origin`, such as
/// `https://flink.example`, are the exporter's own behind a reverse proxy.
pub(super) fn refusal<B>(
    request: &Request<B>,
    external_origin: Option<&str>,
) -> Option<(StatusCode, &'static str)> {
    if !has_valid_host(request) {
        return Some((StatusCode::BAD_REQUEST, "Expected one valid Host header\n"));
    }
    if is_cross_site(request, external_origin) {
        return Some((StatusCode::FORBIDDEN, "Cross-site requests are not permitted\n"));
    }
    None
}

/// RFC 9112, section 3.2: a server rejects an HTTP/1.1 request without a `Host` header, and any with more than one
/// or with an invalid one.
fn has_valid_host<B>(request: &Request<B>) -> bool {
    let mut hosts = request.headers().get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) => request.version() != Version::HTTP_11,
        (Some(host), None) => host.is_empty() || Authority::try_from(host.as_bytes()).is_ok(),
        (Some(_), Some(_)) => false,
    }
}

/// Whether a page of another site made a browser send a request that may change something. Other clients send
/// neither `Sec-Fetch-Site` nor `Origin`. The rules are those of `http.CrossOriginProtection` in Go.
fn is_cross_site<B>(request: &Request<B>, external_origin: Option<&str>) -> bool {
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        return false;
    }
    let headers = request.headers();
    let Some(origin) = text(headers, &ORIGIN) else {
        return text(headers, &SEC_FETCH_SITE).is_some_and(|site| !is_own_site(site));
    };
    if external_origin.is_some_and(|external| external.eq_ignore_ascii_case(origin)) {
        return false;
    }
    match text(headers, &SEC_FETCH_SITE) {
        Some(site) => !is_own_site(site),
        None => origin.split_once("://").map(|(_, host)| host) != host(request),
    }
}

fn is_own_site(site: &str) -> bool {
    matches!(site, "same-origin" | "none")
}

fn host<B>(request: &Request<B>) -> Option<&str> {
    text(request.headers(), &HOST).or_else(|| request.uri().authority().map(Authority::as_str))
}

/// The value of a header; one that is not ASCII is as foreign as any.
fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap_or("invalid"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(method: &str, version: Version, headers: &[(&str, &str)]) -> Option<u16> {
        let mut request = Request::builder().method(method).uri("/-/reload").version(version);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        refusal(&request.body(()).unwrap(), Some("https://flink.example")).map(|(status, _)| status.as_u16())
    }

    #[test]
    fn http_1_1_needs_exactly_one_valid_host() {
        for (version, hosts, expected) in [
            (Version::HTTP_11, &["h"][..], None),
            (Version::HTTP_11, &["h:10978"], None),
            (Version::HTTP_11, &["[::1]:10978"], None),
            (Version::HTTP_11, &[""], None),
            (Version::HTTP_11, &[], Some(400)),
            (Version::HTTP_11, &["h", "h"], Some(400)),
            (Version::HTTP_11, &["a b"], Some(400)),
            (Version::HTTP_11, &["h/path"], Some(400)),
            (Version::HTTP_10, &[], None),
            (Version::HTTP_10, &["a", "b"], Some(400)),
            (Version::HTTP_2, &[], None),
        ] {
            let headers: Vec<_> = hosts.iter().map(|host| ("host", *host)).collect();
            assert_eq!(refused("GET", version, &headers), expected, "{version:?} {hosts:?}");
        }
    }

    #[test]
    fn browsers_post_from_the_exporter_s_own_pages_only() {
        for (headers, expected) in [
            (&[][..], None),
            (&[("origin", "http://h:1")], None),
            (&[("origin", "http://evil.example")], Some(403)),
            (&[("origin", "null")], Some(403)),
            (&[("origin", "\u{e9}")], Some(403)),
            (&[("origin", "https://flink.example")], None),
            (&[("origin", "https://flink.example"), ("sec-fetch-site", "cross-site")], None),
            (&[("sec-fetch-site", "same-origin")], None),
            (&[("sec-fetch-site", "same-origin"), ("origin", "https://proxy.example")], None),
            (&[("sec-fetch-site", "none")], None),
            (&[("sec-fetch-site", "same-site")], Some(403)),
            (&[("sec-fetch-site", "cross-site")], Some(403)),
            (&[("sec-fetch-site", "cross-site"), ("origin", "http://h:1")], Some(403)),
        ] {
            let all: Vec<_> = [("host", "h:1")].into_iter().chain(headers.iter().copied()).collect();
            assert_eq!(refused("POST", Version::HTTP_11, &all), expected, "{headers:?}");
            assert_eq!(refused("GET", Version::HTTP_11, &all), None, "{headers:?}");
        }
    }
}
