//! A job of a deployment.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;

use super::{JobFailure, JobState, Object};

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
