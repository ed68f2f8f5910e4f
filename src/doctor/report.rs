//! What was found out, as data.

use serde::Serialize;
use url::Url;

use super::series::SeriesReport;
use crate::{config, discovery::Counts, exposition::SeriesCounts};

/// What was found out of every target.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    ok: bool,
    version: &'static str,
    discovery: Vec<DiscoveryReport>,
    targets: Vec<TargetReport>,
    collectors: Vec<CollectorReport>,
    series: SeriesReport,
    /// The calls that everything makes in a day, without retries.
    api_calls_per_day: f64,
}

/// What a discovery entry would find.
#[derive(Debug, Clone, Serialize)]
pub struct DiscoveryReport {
    /// The entry's name.
    pub name: String,
    /// Its region.
    pub region: String,
    /// Where the console's API is asked.
    pub endpoint: String,
    /// Which link of the chain gave the credentials.
    pub origin: Option<String>,
    /// By which operations it lists.
    pub source: Option<String>,
    /// Its workspaces by state.
    pub workspaces: WorkspaceCounts,
    /// Their namespaces by state.
    pub namespaces: WorkspaceCounts,
    /// The calls that it makes in a day, without retries.
    pub api_calls_per_day: Option<f64>,
    /// The steps, in their order.
    pub checks: Vec<Check>,
}

/// Workspaces or namespaces by state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct WorkspaceCounts {
    /// Polled.
    pub polled: usize,
    /// Not selected.
    pub excluded: usize,
    /// In a state in which nothing runs.
    pub not_running: usize,
}

impl From<Counts> for WorkspaceCounts {
    fn from(Counts { polled, excluded, not_running, missing: _ }: Counts) -> Self {
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
    /// Whether it is enabled only by default, and so switched off if it is denied.
    pub by_default: bool,
    /// Whether its RAM action is allowed; `None` if that is not known.
    pub permitted: Option<bool>,
    /// The RAM action that is not allowed.
    pub missing_permission: Option<String>,
    /// Why it is not known.
    pub error: Option<String>,
}

impl CollectorReport {
    /// Whether it is enabled on purpose, and cannot work.
    pub(super) fn failed(&self) -> bool {
        self.enabled && !self.by_default && self.permitted == Some(false)
    }
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// As it should be.
    Ok,
    /// It works, but look at it.
    Warning,
    /// Not tried.
    Skipped,
    /// It does not work.
    Failed,
}

/// One step.
#[derive(Debug, Clone, Serialize)]
pub struct Check {
    /// `credentials`, `dns`, `tls`, `clock`, `call`, `selection` or `discovery`.
    pub name: &'static str,
    /// How it ended.
    pub status: Status,
    /// What was seen.
    pub detail: String,
    /// What helps.
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

/// What was found out of one target.
#[derive(Debug, Clone, Serialize)]
pub struct TargetReport {
    /// The workspace's id.
    pub workspace: String,
    /// The namespace.
    pub namespace: String,
    /// The selection; empty for the whole namespace.
    pub selection: String,
    /// Where its workspace is asked.
    pub endpoint: String,
    /// Which link of the chain gave the credentials.
    pub origin: Option<String>,
    /// When they expire, in seconds since the epoch.
    pub credentials_expire: Option<u64>,
    /// The call's outcome, in the words of `aliyun_flink_target_polls_total`; `not_tried` if there was no call.
    pub outcome: &'static str,
    /// The RAM action that is not allowed.
    pub missing_permission: Option<String>,
    /// The cloud's id of the last request.
    pub request_id: Option<String>,
    /// The deployments listed.
    pub deployments: Option<usize>,
    /// The series that they make.
    pub series: Option<usize>,
    #[serde(skip)]
    pub(super) series_by_metric: SeriesCounts,
    /// The calls that polling makes in a day at the target's interval, without retries.
    pub api_calls_per_day: Option<f64>,
    /// The steps, in their order.
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

/// An endpoint, as it is shown.
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

    /// What discovery would find, by entry.
    pub fn discovery(&self) -> &[DiscoveryReport] {
        &self.discovery
    }

    /// Which collectors the credentials permit.
    pub fn collectors(&self) -> &[CollectorReport] {
        &self.collectors
    }

    /// The calls that everything makes in a day, without retries.
    pub fn api_calls_per_day(&self) -> f64 {
        self.api_calls_per_day
    }

    /// The series of deployments.
    pub fn series(&self) -> &SeriesReport {
        &self.series
    }

    /// Whether nothing failed.
    pub fn ok(&self) -> bool {
        self.ok
    }

    /// The targets, in the order of the configuration.
    pub fn targets(&self) -> &[TargetReport] {
        &self.targets
    }

    /// The report for programs.
    pub fn to_json(&self) -> String {
        // Texts and numbers alone: nothing that JSON can't say.
        let json =
            serde_json::to_string_pretty(self).unwrap_or_else(|error| format!("{{\"error\": \"{error}\"}}"));
        format!("{json}\n")
    }
}
