//! What each path leads to.

use hyper::Method;

use super::route_prefix::Paths;

/// What the paths of targets begin with.
pub(super) const TARGETS: &str = "/targets/";
pub(super) const API_TARGETS: &str = "/api/v1/targets/";

/// The paths that the metrics cannot be served under.
const RESERVED: &str = "/";
const RESERVED_PREFIXES: [&str; 3] = ["/-/", "/api/", TARGETS];

/// Whether something else than the metrics is served under `path`.
pub fn is_reserved(path: &str) -> bool {
    path == RESERVED || RESERVED_PREFIXES.iter().any(|prefix| path.starts_with(prefix))
}

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    Metrics,
    Page,
    Target,
    Deployment,
    Status,
    Deployments,
    Healthy,
    Ready,
    ReloadHandle,
    Redirect,
    NotFound,
}

/// Whether `path` is that of a deployment's page, `/targets/WORKSPACE/NAMESPACE/deployments/ID`.
fn is_deployment(path: &str) -> bool {
    let parts = path.strip_prefix(TARGETS).into_iter().flat_map(|path| path.split('/'));
    matches!(parts.collect::<Vec<_>>()[..], [_, _, "deployments", _])
}

impl Route {
    /// The route of `path`.
    pub(super) fn of(path: &str, paths: &Paths) -> Self {
        if paths.is_redirected(path) {
            return Self::Redirect;
        }
        match paths.strip(path) {
            None => Self::NotFound,
            Some(path) if path == paths.telemetry() => Self::Metrics,
            Some("/") => Self::Page,
            Some("/api/v1/status") => Self::Status,
            Some("/-/reload") => Self::ReloadHandle,
            Some(path) if is_deployment(path) => Self::Deployment,
            Some(path) if path.starts_with(TARGETS) => Self::Target,
            Some(path) if path.starts_with(API_TARGETS) => Self::Deployments,
            Some(path) => Self::of_probe(path),
        }
    }

    /// The route of `path` on the address for probes.
    pub(super) fn of_probe(path: &str) -> Self {
        match path {
            "/-/healthy" => Self::Healthy,
            "/-/ready" => Self::Ready,
            _ => Self::NotFound,
        }
    }

    /// Whether orchestrators ask for it.
    pub(super) fn is_probe(self) -> bool {
        matches!(self, Self::Healthy | Self::Ready)
    }

    /// The name under which requests are counted.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Metrics => "metrics",
            Self::Page => "status_page",
            Self::Target => "target_page",
            Self::Deployment => "deployment_page",
            Self::Status => "status",
            Self::Deployments => "deployments",
            Self::Healthy => "healthy",
            Self::Ready => "ready",
            Self::ReloadHandle => "reload",
            Self::Redirect => "redirect",
            Self::NotFound => "not_found",
        }
    }

    /// The methods that are served, as `Allow` lists them.
    pub(super) fn methods(self) -> &'static str {
        match self {
            Self::NotFound => "",
            Self::ReloadHandle => "POST",
            _ => "GET, HEAD",
        }
    }

    /// Whether `method` is served.
    pub(super) fn allows(self, method: &Method) -> bool {
        self.methods().split(", ").any(|allowed| allowed == method.as_str())
    }
}
