//! When the status of a deployment began: `aliyun_flink_deployment_status_since_timestamp_seconds`.

use std::time::Duration;

use crate::model::{DeploymentStatus, ObservedStatus};

/// A comparison of the status with the one before.
#[derive(Debug)]
pub(super) struct StatusChange {
    /// The status before; none at first sight.
    pub(super) before: Option<ObservedStatus>,
    pub(super) status: DeploymentStatus,
    /// Whether the deployment was created since the last poll.
    pub(super) is_new: bool,
    /// Whether a count of ended jobs increased. Then the status begins anew, even if it is the same.
    pub(super) rose: bool,
    /// Whether there was no live job before and there is one now.
    pub(super) became_live: bool,
}

/// When the status began, as time since the Unix epoch. None if that was not observed. The poll ended at `now`.
pub(super) fn status_since(change: &StatusChange, now: Duration) -> Option<Duration> {
    match change.before {
        _ if change.is_new => Some(now),
        None => None,
        Some(_) if change.rose => Some(now),
        Some(before) if before.status == change.status => before.since,
        Some(before) if before.status == DeploymentStatus::Unknown && !change.became_live => before.since,
        Some(_) => Some(now),
    }
}
