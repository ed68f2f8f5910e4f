//! The status of a deployment as far as its job counts show it: whether a job is live, and otherwise how the last job
//! ended. Pure functions.

use super::live_jobs::LiveJobs;
use crate::model::{DeploymentStatus, JobCounts, JobState};

/// What the job counts show about the status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StatusByCounts {
    Status(DeploymentStatus),
    /// It is unchanged.
    Unchanged,
    /// The API must be queried.
    Ambiguous,
    /// It cannot be determined.
    Unreadable,
}

/// The status of a known deployment. `rose` marks the states of [`JobState::ENDED`] whose count increased.
pub(super) fn of_known(
    jobs: &JobCounts,
    live: LiveJobs,
    rose: [bool; 3],
    before: DeploymentStatus,
    live_before: LiveJobs,
) -> StatusByCounts {
    if let Some(status) = by_live_jobs(live) {
        return status;
    }
    if rose.contains(&true) {
        return the_only(rose);
    }
    let stays = match before {
        DeploymentStatus::Unknown | DeploymentStatus::Running | DeploymentStatus::Transitioning => false,
        DeploymentStatus::None => !jobs.has_any(),
        DeploymentStatus::Failed | DeploymentStatus::Cancelled | DeploymentStatus::Finished => true,
    };
    if stays && live_before.is_none() { StatusByCounts::Unchanged } else { StatusByCounts::Ambiguous }
}

/// The status of a deployment that was created since the last poll, so that all its jobs are new.
pub(super) fn of_new(jobs: &JobCounts, live: LiveJobs, rose: [bool; 3]) -> StatusByCounts {
    by_live_jobs(live).unwrap_or_else(|| {
        if jobs.has_any() { the_only(rose) } else { StatusByCounts::Status(DeploymentStatus::None) }
    })
}

/// The status of a deployment at first sight.
pub(super) fn at_first_sight(jobs: &JobCounts, live: LiveJobs) -> StatusByCounts {
    by_live_jobs(live).unwrap_or_else(|| {
        let positive = JobState::ENDED.map(|state| jobs.get(state).is_some_and(|count| count > 0));
        if positive.contains(&true) {
            the_only(positive)
        } else {
            StatusByCounts::Status(DeploymentStatus::None)
        }
    })
}

/// The status by the live jobs; none if there is no live job.
fn by_live_jobs(live: LiveJobs) -> Option<StatusByCounts> {
    let is_live = |state| live.get(state).map(|count| count > 0);
    match (is_live(JobState::Running), is_live(JobState::Starting), is_live(JobState::Cancelling)) {
        (Some(true), _, _) => Some(StatusByCounts::Status(DeploymentStatus::Running)),
        (None, _, _) => Some(StatusByCounts::Unreadable),
        (_, Some(true), _) | (_, _, Some(true)) => {
            Some(StatusByCounts::Status(DeploymentStatus::Transitioning))
        }
        (_, None, _) | (_, _, None) => Some(StatusByCounts::Unreadable),
        (Some(false), Some(false), Some(false)) => None,
    }
}

/// The status for the only marked state of [`JobState::ENDED`]; ambiguous if not exactly one is marked.
fn the_only(marked: [bool; 3]) -> StatusByCounts {
    let mut states = JobState::ENDED.into_iter().zip(marked).filter(|(_, marked)| *marked);
    match (states.next(), states.next()) {
        (Some((state, _)), None) => {
            DeploymentStatus::ended(state).map_or(StatusByCounts::Ambiguous, StatusByCounts::Status)
        }
        _ => StatusByCounts::Ambiguous,
    }
}
