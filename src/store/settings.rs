//! What the store must know of a target.

use std::{sync::Arc, time::Duration};

use super::status::TargetStatus;
use crate::model::{JobsMode, TargetId};

/// What the store must know of a target's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetSettings {
    /// The region; empty if only the endpoint is configured.
    pub region: Arc<str>,
    /// The poll interval.
    pub interval: Duration,
    /// The age at which data is withdrawn.
    pub expire_after: Duration,
    /// How long the first value of a counter of deployments is served at least; none if there are no transitions.
    pub first_value_hold: Option<Duration>,
    /// Whose jobs are collected, if this is a target of jobs.
    pub jobs: Option<JobsMode>,
    /// Changes whenever the target's poll loop is replaced: a report of an earlier loop is ignored.
    pub generation: u64,
}

/// A target and its status.
pub type TargetEntry = (Arc<TargetId>, Arc<TargetStatus>);
