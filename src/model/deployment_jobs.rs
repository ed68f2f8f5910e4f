//! What is served of the jobs of a deployment.

use super::{LastFailure, Object};

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
