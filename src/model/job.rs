//! The jobs of a deployment.

use std::{fmt, sync::Arc};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;

use super::{JobState, Object, SharedStr, prefix};

/// Maximum length of a failure message in bytes.
pub const MAX_MESSAGE: usize = 1024;

/// Maximum length of a reason in a label, in characters.
const MAX_REASON: usize = 64;

/// Which deployments the collector of jobs queries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "lowercase")]
pub enum JobsMode {
    /// Deployments whose jobs fail.
    #[default]
    Failures,
    /// Also deployments with live jobs.
    Active,
}

impl JobsMode {
    /// All modes.
    pub const ALL: [Self; 2] = [Self::Failures, Self::Active];

    /// The mode as in the configuration.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// One job of a deployment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Job {
    /// `jobId`; never empty.
    pub id: Box<str>,
    /// `status.currentJobStatus`; none if it is missing or unknown.
    pub state: Option<JobState>,
    /// `status.failure`.
    pub failure: Option<JobFailure>,
    /// `status.running.observedFlinkJobRestarts`.
    pub restarts: Option<u64>,
    /// `status.healthScore`.
    pub health_score: Option<f64>,
    /// `metric.totalCpu`, in cores.
    pub cpu_cores: Option<f64>,
    /// `metric.totalMemoryByte`.
    pub memory_bytes: Option<f64>,
    /// Whether it has a `sessionClusterName`: its resources are those of the session cluster.
    pub in_session_cluster: bool,
    /// `startTime`, seconds since the Unix epoch.
    pub started: Option<f64>,
    /// `endTime`, seconds since the Unix epoch.
    pub ended: Option<f64>,
}

impl Job {
    /// Whether the job has not ended.
    pub fn is_live(&self) -> bool {
        self.state.is_some_and(|state| JobState::LIVE.contains(&state))
    }
}

impl Object for Job {
    fn key(&self) -> &str {
        &self.id
    }
}

/// The failure of a job.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct JobFailure {
    /// `failedAt`, seconds since the Unix epoch.
    pub time: Option<f64>,
    /// `reason`; empty if not returned.
    pub reason: SharedStr,
    /// `message`.
    pub message: Option<FailureMessage>,
}

/// The message of a failed job. It may contain secrets, so neither `Debug` nor `Display` prints it.
#[derive(Clone, PartialEq, Eq)]
pub struct FailureMessage(Arc<str>);

impl FailureMessage {
    /// The first [`MAX_MESSAGE`] bytes of `text`, cut at a character boundary; none if it is empty.
    pub fn new(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self(prefix(text, MAX_MESSAGE).into()))
    }

    /// The text. Use it only for pages and the JSON API.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for FailureMessage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("FailureMessage")
    }
}

/// The most recent failure of a deployment's jobs, without its message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LastFailure {
    /// The value of the label `reason`.
    pub reason: Box<str>,
    /// When the job failed, in seconds since the Unix epoch.
    pub time: Option<f64>,
    /// The id of the job.
    pub job_id: Box<str>,
}

impl LastFailure {
    /// The failure of `job`, if it failed.
    pub fn of(job: &Job) -> Option<Self> {
        (job.state == Some(JobState::Failed)).then(|| {
            let failure = job.failure.as_ref();
            Self {
                reason: reason_label(failure.map(|failure| &*failure.reason).unwrap_or_default()).into(),
                time: failure.and_then(|failure| failure.time).or(job.ended),
                job_id: job.id.clone(),
            }
        })
    }
}

/// The value of the label `reason`: `other` if the reason does not look like a code, to limit the cardinality.
fn reason_label(reason: &str) -> &str {
    let is_code = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if reason.len() <= MAX_REASON && reason.bytes().all(is_code) { reason } else { "other" }
}

/// The served jobs of one deployment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DeploymentJobs {
    /// The deployment's id.
    pub deployment_id: Box<str>,
    /// The deployment's name.
    pub deployment: Box<str>,
    /// The most recent failure.
    pub last_failure: Option<LastFailure>,
    /// The number of restarts observed within jobs.
    pub restarts: Option<u64>,
    /// Totals of the live jobs; none without live jobs.
    pub live: Option<LiveJobTotals>,
}

impl Object for DeploymentJobs {
    fn key(&self) -> &str {
        &self.deployment_id
    }
}

/// Totals of the live jobs of one deployment.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct LiveJobTotals {
    /// Start of the newest job, in seconds since the Unix epoch.
    pub started: Option<f64>,
    /// CPU cores of jobs outside session clusters.
    pub cpu_cores: Option<f64>,
    /// Memory of jobs outside session clusters, in bytes.
    pub memory_bytes: Option<f64>,
    /// Compute units of jobs outside session clusters.
    pub compute_units: Option<f64>,
    /// The lowest health score.
    pub health_score: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_cut_at_a_character_boundary_and_printed_by_nobody() {
        let text = format!("{}é{}", "a".repeat(MAX_MESSAGE - 1), "b".repeat(100));
        let message = FailureMessage::new(&text).unwrap();
        assert_eq!(message.as_str(), "a".repeat(MAX_MESSAGE - 1));
        assert_eq!(format!("{message:?}"), "FailureMessage");
        assert_eq!(FailureMessage::new("é").unwrap().as_str(), "é");
        assert_eq!(FailureMessage::new(""), None);
    }

    #[test]
    fn a_reason_that_is_no_code_is_other() {
        for (reason, label) in [
            ("KubernetesDeploymentNotProgressing", "KubernetesDeploymentNotProgressing"),
            ("a.b_c-9", "a.b_c-9"),
            ("", ""),
            ("two words", "other"),
            ("失败", "other"),
            (&"x".repeat(64), &"x".repeat(64)),
            (&"x".repeat(65), "other"),
        ] {
            assert_eq!(reason_label(reason), label);
        }
    }

    #[test]
    fn a_failure_without_details_ended_when_its_job_did() {
        let job = Job { id: "j".into(), state: Some(JobState::Failed), ended: Some(5.0), ..Job::default() };
        let failure = LastFailure::of(&job).unwrap();
        assert_eq!((&*failure.reason, failure.time), ("", Some(5.0)));
        let known = JobFailure { time: Some(4.0), reason: "Code".into(), message: None };
        let failure = LastFailure::of(&Job { failure: Some(known), ..job.clone() }).unwrap();
        assert_eq!((&*failure.reason, failure.time), ("Code", Some(4.0)));
        assert_eq!(LastFailure::of(&Job { state: Some(JobState::Running), ..job }), None);
    }
}
