//! What was found out, as data.

use serde::Serialize;

use crate::config;

/// What was found out of every target.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    ok: bool,
    version: &'static str,
    targets: Vec<TargetReport>,
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
    /// `credentials`, `dns`, `tls`, `clock`, `call` or `selection`.
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
            endpoint: workspace.endpoint.as_str().trim_end_matches('/').to_owned(),
            origin: None,
            credentials_expire: None,
            outcome: "not_tried",
            missing_permission: None,
            request_id: None,
            deployments: None,
            series: None,
            api_calls_per_day: None,
            checks,
        }
    }

    fn ok(&self) -> bool {
        self.checks.iter().all(|check| check.status != Status::Failed)
    }
}

impl Report {
    pub(super) fn new(targets: Vec<TargetReport>) -> Self {
        let ok = targets.iter().all(TargetReport::ok);
        Self { ok, version: env!("CARGO_PKG_VERSION"), targets }
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
