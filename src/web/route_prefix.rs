//! The paths that are served, and the links to them, behind a reverse proxy too.

use url::Url;

/// The paths of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    telemetry: String,
    /// What every path that is served begins with: empty, or such as `/flink`.
    route_prefix: String,
    /// What every link begins with: empty, or such as `/flink`.
    link_prefix: String,
    external_origin: Option<String>,
}

impl Default for Paths {
    fn default() -> Self {
        Self::new("/metrics", None, None)
    }
}

impl Paths {
    /// The metrics are served at `telemetry`, below `route_prefix`. As in Prometheus, the prefix is by default the
    /// path of the URL under which the exporter is reached.
    pub fn new(telemetry: &str, external_url: Option<&Url>, route_prefix: Option<&str>) -> Self {
        let link_prefix = normalize(external_url.map_or("", Url::path));
        let route_prefix = route_prefix.map_or_else(|| link_prefix.clone(), normalize);
        // Without an external URL, links must lead to what is served.
        let link_prefix = if external_url.is_some() { link_prefix } else { route_prefix.clone() };
        let external_origin = external_url.map(|url| url.origin().ascii_serialization());
        Self { telemetry: telemetry.to_owned(), route_prefix, link_prefix, external_origin }
    }

    /// The path of the metrics, without the prefix.
    pub(super) fn telemetry(&self) -> &str {
        &self.telemetry
    }

    /// The path of the metrics as it is served.
    pub fn telemetry_path(&self) -> String {
        format!("{}{}", self.route_prefix, self.telemetry)
    }

    /// The path of the status page as it is served.
    pub fn root_path(&self) -> String {
        format!("{}/", self.route_prefix)
    }

    /// `path` without the prefix; nothing if it is not below the prefix.
    pub(super) fn strip<'p>(&self, path: &'p str) -> Option<&'p str> {
        path.strip_prefix(&*self.route_prefix).filter(|rest| rest.starts_with('/'))
    }

    /// Whether `path` leads to the status page, which is elsewhere: the root or the bare prefix.
    pub(super) fn is_redirected(&self, path: &str) -> bool {
        !self.route_prefix.is_empty() && (path == "/" || path == self.route_prefix)
    }

    /// The link to `path`, which begins with a slash.
    pub(super) fn link(&self, path: &str) -> String {
        format!("{}{path}", self.link_prefix)
    }

    /// The origin of the external URL, such as `https://flink.example`.
    pub(super) fn external_origin(&self) -> Option<&str> {
        self.external_origin.as_deref()
    }
}

/// A prefix without a slash at the end: `flink/` and `/flink` become `/flink`, `/` becomes empty.
pub fn normalize(prefix: &str) -> String {
    let bare = prefix.trim_matches('/');
    if bare.is_empty() { String::new() } else { format!("/{bare}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefixes_are_those_of_prometheus() {
        for (external, prefix, metrics, link) in [
            (None, None, "/metrics", "/x"),
            (None, Some("/"), "/metrics", "/x"),
            (None, Some("flink/"), "/flink/metrics", "/flink/x"),
            (Some("https://h"), None, "/metrics", "/x"),
            (Some("https://h/a/b/"), None, "/a/b/metrics", "/a/b/x"),
            (Some("https://h/a"), Some("/"), "/metrics", "/a/x"),
            (Some("https://h/a"), Some("/b"), "/b/metrics", "/a/x"),
        ] {
            let external = external.map(|url| Url::parse(url).unwrap());
            let paths = Paths::new("/metrics", external.as_ref(), prefix);
            assert_eq!((&*paths.telemetry_path(), &*paths.link("/x")), (metrics, link));
        }
    }

    #[test]
    fn only_paths_below_the_prefix_are_served() {
        let paths = Paths::new("/metrics", None, Some("/flink"));
        for (path, expected) in [
            ("/flink/", Some("/")),
            ("/flink/metrics", Some("/metrics")),
            ("/flink", None),
            ("/flinker/metrics", None),
            ("/metrics", None),
            ("/", None),
        ] {
            assert_eq!(paths.strip(path), expected, "{path}");
        }
        assert!(paths.is_redirected("/") && paths.is_redirected("/flink") && !paths.is_redirected("/flink/"));
        assert!(!Paths::default().is_redirected("/"));
    }
}
