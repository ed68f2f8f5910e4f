//! Flags of the web server.

use std::path::PathBuf;

use clap::Args;
use url::Url;

use crate::web::{ListenAddress, Paths, is_reserved, normalize_prefix};

/// The default of `--web.listen-address`.
pub(super) const DEFAULT_LISTEN_ADDRESS: &str = ":10978";

/// The addresses, paths and security of the web server.
#[derive(Debug, Args)]
#[command(next_help_heading = "Web")]
pub struct WebArgs {
    /// The address to listen on (repeatable). Without a host, all IPv6 and IPv4 addresses
    #[arg(long = "web.listen-address", value_name = "ADDR:PORT", default_value = DEFAULT_LISTEN_ADDRESS)]
    pub listen_addresses: Vec<ListenAddress>,
    /// The external URL of the exporter, for example behind a reverse proxy; links on pages begin with its path
    #[arg(long = "web.external-url", value_name = "URL", value_parser = external_url)]
    pub external_url: Option<Url>,
    /// The prefix of all paths [default: the path of --web.external-url]
    #[arg(long = "web.route-prefix", value_name = "PATH", value_parser = route_prefix)]
    pub route_prefix: Option<String>,
    /// The path of the metrics
    #[arg(long = "web.telemetry-path", value_name = "PATH", value_parser = telemetry_path, default_value = "/metrics")]
    pub telemetry_path: String,
    /// The web configuration file, in the format of the exporter-toolkit: TLS, users, headers and rate limit
    #[arg(long = "web.config.file", value_name = "PATH")]
    pub config_file: Option<PathBuf>,
    /// An additional address that serves only health and readiness, without TLS and authentication
    #[arg(long = "web.probe-address", value_name = "ADDR:PORT")]
    pub probe_address: Option<ListenAddress>,
}

impl WebArgs {
    /// The paths that are served.
    pub fn paths(&self) -> Paths {
        Paths::new(&self.telemetry_path, self.external_url.as_ref(), self.route_prefix.as_deref())
    }
}

/// Requests that change something.
#[derive(Debug, Args)]
#[command(next_help_heading = "Web")]
pub struct LifecycleArgs {
    /// Enable reloading the configuration by POST /-/reload
    #[arg(long = "web.enable-lifecycle")]
    pub enabled: bool,
}

/// An absolute HTTP or HTTPS URL. The error message does not contain it, because it may contain a password.
fn external_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let is_plain = |url: &Url| {
        let has_password = !url.username().is_empty() || url.password().is_some();
        url.query().is_none() && url.fragment().is_none() && !has_password
    };
    let url = url.ok_or("expected a URL such as https://prometheus.example/flink")?;
    if !is_plain(&url) {
        return Err("expected a URL without user, query and fragment".to_owned());
    }
    route_prefix(url.path())?;
    Ok(url)
}

/// A path such as `/flink`; `/` for none.
pub(super) fn route_prefix(text: &str) -> Result<String, String> {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"?#\"<>\\".contains(&byte);
    let prefix = normalize_prefix(text);
    if !prefix.bytes().all(is_plain) || prefix.contains("//") {
        return Err("expected a path such as /flink".to_owned());
    }
    Ok(prefix)
}

fn telemetry_path(text: &str) -> Result<String, String> {
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"?#%\"<>".contains(&byte);
    if !text.starts_with('/') || !text.bytes().all(plain) {
        return Err("expected a path that starts with /, such as /metrics".to_owned());
    }
    if is_reserved(text) {
        return Err("the exporter serves something else under this path".to_owned());
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn external_urls_and_prefixes_are_checked() {
        for url in ["http://h", "https://h:1/a/b/"] {
            assert!(external_url(url).is_ok(), "{url}");
        }
        for url in ["h", "/flink", "ftp://h", "http://u:secret@h", "http://h?a", "http://h#a", "'http://h'"] {
            let error = external_url(url).unwrap_err();
            assert!(!error.contains("secret"), "{error}");
        }
        for (prefix, expected) in [("/", ""), ("", ""), ("flink", "/flink"), ("/a/b/", "/a/b")] {
            assert_eq!(route_prefix(prefix).as_deref(), Ok(expected));
        }
        for prefix in ["/a b", "/a?b", "/a//b", "/é"] {
            assert!(route_prefix(prefix).is_err(), "{prefix}");
        }
    }

    #[test]
    fn the_metrics_take_no_other_path_s_place() {
        assert!(telemetry_path("/prometheus").is_ok());
        for path in ["metrics", "/", "/-/ready", "/targets/a", "/a b", "/é", "/a?b"] {
            assert!(telemetry_path(path).is_err(), "{path}");
        }
    }
}
