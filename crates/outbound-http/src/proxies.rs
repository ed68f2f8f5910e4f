//! The proxies of the environment, and which requests use them.

use std::{fmt, sync::Arc};

use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use reqwest::{ClientBuilder, Proxy};
use url::Url;

use crate::loopback_addresses::is_loopback;

/// The proxies that the environment names. `Debug` does not show them, because their URLs may contain passwords.
#[derive(Clone, Default)]
pub struct Proxies(Option<Arc<Variables>>);

/// What the variables contain.
struct Variables {
    http: Option<Url>,
    https: Option<Url>,
    exceptions: Matcher,
}

/// How a request reaches its server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// Directly.
    Direct,
    /// Through the proxy with this host, which resolves the name of the server.
    Proxy {
        /// The host of the proxy.
        host: String,
    },
}

/// A variable that does not name a proxy. Its value is not shown, because it may contain a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable}: {reason}, expected the URL of a proxy such as http://proxy.example.com:3128")]
pub struct InvalidProxy {
    /// The variable.
    pub variable: &'static str,
    /// What is wrong with its value.
    pub reason: &'static str,
}

impl fmt::Debug for Proxies {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Proxies").finish_non_exhaustive()
    }
}

impl Proxies {
    /// The proxies of the environment that `variable` reads, as curl and reqwest read it.
    ///
    /// # Errors
    ///
    /// Every variable whose value is not the URL of an http or https proxy.
    pub fn from_env<'e>(variable: impl Fn(&str) -> Option<&'e str>) -> Result<Self, Vec<InvalidProxy>> {
        let mut invalid = Vec::new();
        let mut proxy = |upper, lower| {
            // A variable in upper case takes precedence, even if it is empty.
            let name = if variable(upper).is_some() { upper } else { lower };
            let value = variable(name).unwrap_or_default().trim();
            if value.is_empty() {
                return None;
            }
            parse(value).map_err(|reason| invalid.push(InvalidProxy { variable: name, reason })).ok()
        };
        let https = proxy("HTTPS_PROXY", "https_proxy");
        let http = proxy("HTTP_PROXY", "http_proxy");
        let all = proxy("ALL_PROXY", "all_proxy");
        if !invalid.is_empty() {
            return Err(invalid);
        }
        let exceptions = variable("NO_PROXY").or_else(|| variable("no_proxy")).unwrap_or_default().to_owned();
        // The matcher decides on exceptions alone: it intercepts everything else.
        let exceptions = Matcher::builder().all("http://proxy.invalid").no(exceptions).build();
        let (http, https) = (http.or_else(|| all.clone()), https.or(all));
        Ok(Self(Some(Arc::new(Variables { http, https, exceptions }))))
    }

    /// How a request to `url` is sent.
    pub fn route(&self, url: &Url) -> Route {
        match self.proxy(url).and_then(Url::host_str) {
            Some(host) => Route::Proxy { host: host.to_owned() },
            None => Route::Direct,
        }
    }

    /// Makes the client send each request by its [`Proxies::route`].
    pub fn apply(&self, builder: ClientBuilder) -> ClientBuilder {
        let proxies = self.clone();
        builder.no_proxy().proxy(Proxy::custom(move |url| proxies.proxy(url).cloned()))
    }

    fn proxy(&self, url: &Url) -> Option<&Url> {
        let variables = self.0.as_ref()?;
        let proxy = match url.scheme() {
            "https" => variables.https.as_ref(),
            "http" => variables.http.as_ref(),
            _ => None,
        }?;
        let uri: Uri = url.as_str().parse().ok()?;
        let is_exception = variables.exceptions.intercept(&uri).is_none();
        (!is_loopback(url) && !is_exception).then_some(proxy)
    }
}

/// Reads the URL of a proxy. Without a scheme, it is http.
fn parse(value: &str) -> Result<Url, &'static str> {
    let with_scheme = if value.contains("://") { value } else { &format!("http://{value}") };
    let url = Url::parse(with_scheme).map_err(|_| "not a URL")?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("not an http or https proxy");
    }
    // The HTTP client would ignore a URL that it cannot parse.
    let probe = Uri::from_static("http://probe.invalid/");
    let is_read = Matcher::builder().all(url.as_str()).build().intercept(&probe).is_some();
    if is_read && url.has_host() { Ok(url) } else { Err("not a URL") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(variables: &[(&str, &'static str)]) -> Result<Proxies, Vec<InvalidProxy>> {
        Proxies::from_env(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| *value))
    }

    fn route(variables: &[(&str, &'static str)], url: &str) -> Option<String> {
        match proxies(variables).unwrap().route(&Url::parse(url).unwrap()) {
            Route::Direct => None,
            Route::Proxy { host } => Some(host),
        }
    }

    #[test]
    fn the_scheme_the_exceptions_and_the_host_decide() {
        let (http, https) = ("http://api.example.com/", "https://api.example.com/");
        assert_eq!(route(&[], https), None);
        assert_eq!(route(&[("HTTPS_PROXY", "http://p1:3128")], https).as_deref(), Some("p1"));
        assert_eq!(route(&[("HTTPS_PROXY", "http://p1:3128")], http), None);
        assert_eq!(route(&[("http_proxy", "user:secret@p2:3128")], http).as_deref(), Some("p2"));
        assert_eq!(route(&[("all_proxy", "p3")], http).as_deref(), Some("p3"));
        assert_eq!(
            route(&[("HTTPS_PROXY", ""), ("https_proxy", "p1"), ("ALL_PROXY", "p3")], https).as_deref(),
            Some("p3")
        );
        for exception in ["example.com", ".example.com", "*", "10.0.0.0/8, api.example.com"] {
            assert_eq!(route(&[("ALL_PROXY", "p3"), ("NO_PROXY", exception)], https), None, "{exception}");
        }
        assert_eq!(route(&[("ALL_PROXY", "p3"), ("NO_PROXY", "10.0.0.0/8")], "https://10.1.1.1/"), None);
        assert_eq!(route(&[("ALL_PROXY", "p3")], "https://localhost:8443/"), None);
    }

    #[test]
    fn a_variable_that_names_no_proxy_is_reported_without_its_value() {
        for value in [
            "http://user:pa ss@pro xy",
            "http://",
            "socks5://user:secret@proxy:1080",
            "http://proxy:notaport",
            "://secret",
        ] {
            let invalid = proxies(&[("HTTPS_PROXY", value), ("all_proxy", value)]).unwrap_err();
            let variables: Vec<_> = invalid.iter().map(|invalid| invalid.variable).collect();
            assert_eq!(variables, ["HTTPS_PROXY", "all_proxy"], "{value}");
            for shown in [invalid[0].to_string(), format!("{invalid:?}")] {
                assert!(
                    !shown.contains("secret") && !shown.contains("pa ss") && !shown.contains("notaport"),
                    "{shown}"
                );
            }
        }
        let debug = format!("{:?}", proxies(&[("HTTPS_PROXY", "http://user:secret@proxy")]).unwrap());
        assert!(!debug.contains("secret") && !debug.contains("proxy:"), "{debug}");
    }
}
