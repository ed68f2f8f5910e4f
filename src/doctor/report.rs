//! The report of `doctor`.

use serde::Serialize;
use url::Url;

use super::series_estimate::SeriesReport;
use crate::{config, discovery::StateCounts, exposition::SeriesCounts};

/// The results of all checks.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    ok: bool,
    version: &'static str,
    discovery: Vec<DiscoveryReport>,
    targets: Vec<TargetReport>,
    collectors: Vec<CollectorReport>,
    series: SeriesReport,
    /// API calls per day in total, without retries.
    api_calls_per_day: f64,
}

/// The results of a discovery entry.
#[derive(Debug, Clone, Serialize)]
pub struct DiscoveryReport {
    /// The entry's name.
    pub name: String,
    /// Its region.
    pub region: String,
    /// The endpoint of the console API.
    pub endpoint: String,
    /// The source of the credentials; none without credentials.
    pub origin: Option<String>,
    /// The operations that it uses.
    pub source: Option<String>,
    /// Numbers of workspaces by state.
    pub workspaces: WorkspaceCounts,
    /// Numbers of namespaces by state.
    pub namespaces: WorkspaceCounts,
    /// API calls per day, without retries.
    pub api_calls_per_day: Option<f64>,
    /// The checks, in order.
    pub checks: Vec<Check>,
}

/// Numbers of workspaces or namespaces by state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct WorkspaceCounts {
    /// Polled.
    pub polled: usize,
    /// Not selected.
    pub excluded: usize,
    /// In a state in which nothing runs.
    pub not_running: usize,
}

impl From<StateCounts> for WorkspaceCounts {
    fn from(StateCounts { polled, excluded, not_running, missing: _ }: StateCounts) -> Self {
        Self { polled, excluded, not_running }
    }
}

/// Whether the credentials permit a collector in a workspace.
#[derive(Debug, Clone, Serialize)]
pub struct CollectorReport {
    /// The workspace's id.
    pub workspace: String,
    /// The collector.
    pub collector: &'static str,
    /// Whether it is enabled.
    pub enabled: bool,
    /// Whether it is enabled only by default, so that it is disabled if denied.
    pub by_default: bool,
    /// Whether its RAM action is allowed; none if unknown.
    pub permitted: Option<bool>,
    /// The RAM action that is not allowed.
    pub missing_permission: Option<String>,
    /// Why it is unknown.
    pub error: Option<String>,
}

impl CollectorReport {
    /// Whether the configuration enables it although it is denied.
    pub(super) fn failed(&self) -> bool {
        self.enabled && !self.by_default && self.permitted == Some(false)
    }
}

/// The status of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Passed.
    Ok,
    /// Passed, but needs attention.
    Warning,
    /// Not run.
    Skipped,
    /// Failed.
    Failed,
}

/// A check.
#[derive(Debug, Clone, Serialize)]
pub struct Check {
    /// The name: `credentials`, `dns`, `tls`, `clock`, `call`, `selection`, `discovery` or a collector.
    pub name: &'static str,
    /// The status.
    pub status: Status,
    /// The observation.
    pub detail: String,
    /// The remedy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Check {
    pub(super) fn ok(name: &'static str, detail: impl Into<String>) -> Self {
        Self { name, status: Status::Ok, detail: detail.into(), hint: None }
    }

    pub(super) fn skipped(name: &'static str, detail: impl Into<String>) -> Self {
        Self { name, status: Status::Skipped, detail: detail.into(), hint: None }
    }

    pub(super) fn warning(name: &'static str, detail: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { name, status: Status::Warning, detail: detail.into(), hint: Some(hint.into()) }
    }

    pub(super) fn failed(name: &'static str, detail: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { name, status: Status::Failed, detail: detail.into(), hint: Some(hint.into()) }
    }
}

/// The results of one target.
#[derive(Debug, Clone, Serialize)]
pub struct TargetReport {
    /// The workspace's id.
    pub workspace: String,
    /// The namespace.
    pub namespace: String,
    /// The selection; empty for the whole namespace.
    pub selection: String,
    /// The endpoint of its workspace.
    pub endpoint: String,
    /// The source of the credentials; none without credentials.
    pub origin: Option<String>,
    /// Expiry of the credentials, in seconds since the Unix epoch.
    pub credentials_expire: Option<u64>,
    /// The outcome of the call as in `aliyun_flink_target_polls_total`, or `not_tried`.
    pub outcome: &'static str,
    /// The RAM action that is not allowed.
    pub missing_permission: Option<String>,
    /// The request id of the last response.
    pub request_id: Option<String>,
    /// The number of listed deployments.
    pub deployments: Option<usize>,
    /// The number of their series.
    pub series: Option<usize>,
    #[serde(skip)]
    pub(super) series_by_metric: SeriesCounts,
    /// API calls per day at the target's interval, without retries.
    pub api_calls_per_day: Option<f64>,
    /// The checks, in order.
    pub checks: Vec<Check>,
}

impl TargetReport {
    pub(super) fn new(workspace: &config::Workspace, target: &config::Target, checks: Vec<Check>) -> Self {
        Self {
            workspace: workspace.id.clone(),
            namespace: target.namespace.clone(),
            selection: target.selection.to_string(),
            endpoint: endpoint(&workspace.endpoint),
            origin: None,
            credentials_expire: None,
            outcome: "not_tried",
            missing_permission: None,
            request_id: None,
            deployments: None,
            series: None,
            series_by_metric: SeriesCounts::default(),
            api_calls_per_day: None,
            checks,
        }
    }

    fn ok(&self) -> bool {
        all_ok(&self.checks)
    }
}

fn all_ok(checks: &[Check]) -> bool {
    checks.iter().all(|check| check.status != Status::Failed)
}

/// An endpoint as shown to users.
pub(super) fn endpoint(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

impl Report {
    pub(super) fn new(
        discovery: Vec<DiscoveryReport>,
        targets: Vec<TargetReport>,
        collectors: Vec<CollectorReport>,
        console_calls: f64,
        max_series: usize,
    ) -> Self {
        let ok = targets.iter().all(TargetReport::ok)
            && discovery.iter().all(|entry| all_ok(&entry.checks))
            && !collectors.iter().any(CollectorReport::failed);
        let calls =
            targets.iter().filter_map(|target| target.api_calls_per_day).fold(console_calls, |a, b| a + b);
        let mut series = SeriesCounts::default();
        for target in &targets {
            series.add(&target.series_by_metric);
        }
        Self {
            ok,
            version: env!("CARGO_PKG_VERSION"),
            discovery,
            series: SeriesReport::new(&series, max_series),
            targets,
            collectors,
            api_calls_per_day: calls,
        }
    }

    /// The results of discovery, by entry.
    pub fn discovery(&self) -> &[DiscoveryReport] {
        &self.discovery
    }

    /// Which collectors the credentials permit.
    pub fn collectors(&self) -> &[CollectorReport] {
        &self.collectors
    }

    /// API calls per day in total, without retries.
    pub fn api_calls_per_day(&self) -> f64 {
        self.api_calls_per_day
    }

    /// The series of deployments.
    pub fn series(&self) -> &SeriesReport {
        &self.series
    }

    /// Whether all checks passed.
    pub fn ok(&self) -> bool {
        self.ok
    }

    /// The targets, in the order of the configuration.
    pub fn targets(&self) -> &[TargetReport] {
        &self.targets
    }

    /// The report as JSON.
    pub fn to_json(&self) -> String {
        // Serialization cannot fail: there are only strings and numbers.
        let json =
            serde_json::to_string_pretty(self).unwrap_or_else(|error| format!("{{\"error\": \"{error}\"}}"));
        format!("{json}\n")
    }
}
