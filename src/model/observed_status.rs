//! Observed transitions of a deployment's jobs.

use std::{collections::HashMap, time::Duration};

use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};

use super::JobState;

/// The status of a deployment, derived from its job counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "UPPERCASE")]
pub enum DeploymentStatus {
    /// A job is running.
    Running,
    /// A job is starting or being cancelled, and none is running.
    Transitioning,
    /// The last job failed.
    Failed,
    /// The last job was cancelled.
    Cancelled,
    /// The last job finished.
    Finished,
    /// There is no job.
    None,
    /// The counts do not show how the last job ended, or a count is invalid.
    Unknown,
}

impl DeploymentStatus {
    /// The value of the label `status`.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// The status of a deployment whose last job ended in `state`; none if `state` is that of a live job.
    pub fn ended(state: JobState) -> Option<Self> {
        match state {
            JobState::Failed => Some(Self::Failed),
            JobState::Cancelled => Some(Self::Cancelled),
            JobState::Finished => Some(Self::Finished),
            JobState::Starting | JobState::Running | JobState::Cancelling => None,
        }
    }
}

/// A status and its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObservedStatus {
    /// The status.
    pub status: DeploymentStatus,
    /// End of the poll that saw the status begin, as time since the Unix epoch; none if not observed.
    pub since: Option<Duration>,
}

/// The transitions of one deployment, as they are served.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Transitions {
    /// The status; none if the API has never returned a `jobSummary`.
    pub status: Option<ObservedStatus>,
    /// The numbers of jobs observed to end, in the order of [`JobState::ENDED`]; none if the API has never returned
    /// the count.
    pub jobs_ended: [Option<u64>; 3],
}

/// The last job status of deployments, by `ListDeployments` with the filters `FAILED`, `CANCELLED` and `FINISHED`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LastJobStatuses(HashMap<Box<str>, u8>);

impl LastJobStatuses {
    /// Adds a deployment in the listing filtered by `state`.
    pub fn add(&mut self, id: Box<str>, state: JobState) {
        *self.0.entry(id).or_default() |= 1 << state as u8;
    }

    /// The states whose listings contain the deployment.
    pub fn of(&self, id: &str) -> impl Iterator<Item = JobState> + use<> {
        let states = self.0.get(id).copied().unwrap_or_default();
        JobState::ENDED.into_iter().filter(move |&state| states & (1 << state as u8) != 0)
    }
}
