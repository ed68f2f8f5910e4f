//! Settings of a target in the store.

use std::{sync::Arc, time::Duration};

use super::target_status::TargetStatus;
use crate::model::{JobsMode, TargetId};

/// The settings of a target that the store needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetSettings {
    /// The region; empty if only the endpoint is configured.
    pub region: Arc<str>,
    /// The poll interval.
    pub interval: Duration,
    /// The age at which data is withdrawn.
    pub expire_after: Duration,
    /// Minimum time for which a counter of deployments keeps its first value; none without transitions.
    pub first_value_hold: Option<Duration>,
    /// The mode of a target of jobs; none for other targets.
    pub jobs: Option<JobsMode>,
    /// Identifies the poll loop. Reports of earlier loops are ignored.
    pub generation: u64,
}

/// A target and its status.
pub type TargetEntry = (Arc<TargetId>, Arc<TargetStatus>);
