//! The saved record of the jobs of one deployment, and how an answer changes it. Pure functions.

use serde::{Deserialize, Serialize};

use super::{
    last_failure::{MessageChange, update_last_failure},
    restart_counter::{JobList, LiveJob, RestartCounter, count_restarts},
};
use crate::model::{Job, LastFailure};

/// The saved state of the jobs of one deployment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::store) struct JobRecord {
    pub(super) last_failure: Option<LastFailure>,
    /// None until the first answer.
    pub(super) restarts: Option<RestartCounter>,
    /// The live jobs in the last answer.
    pub(super) live: Vec<LiveJob>,
    /// Whether a job has failed since the last answer.
    pub(super) failure_pending: bool,
    /// Whether restarts since the last answer are not counted, because the exporter did not run for too long.
    pub(super) outdated: bool,
}

impl JobRecord {
    /// Updates the last failure from `jobs`, unless the known failure is more recent.
    pub(super) fn update_last_failure(&mut self, jobs: &[Job]) -> MessageChange {
        update_last_failure(&mut self.last_failure, jobs)
    }

    /// Counts the restarts within live jobs. Restarts in the first answer are not counted, except for jobs that
    /// started after the deployment was first seen (`first_seen`, in seconds since the Unix epoch).
    pub(super) fn update_restarts(&mut self, list: JobList<'_>, first_seen: Option<f64>) {
        let is_first = self.restarts.is_none() || std::mem::take(&mut self.outdated);
        let more = count_restarts(&mut self.live, list, is_first, first_seen);
        let counter = self.restarts.get_or_insert_default();
        counter.observed = counter.observed.saturating_add(more);
    }
}

#[cfg(test)]
mod tests;
