//! The desired target set.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crate::{
    collectors::{RenderConfig, TargetQuery},
    exposition::target_families::WorkspaceInfo,
    model::TargetId,
    poll,
};

/// A desired target.
#[derive(Debug, Clone)]
pub struct DesiredTarget {
    /// The region; empty if only the endpoint is configured.
    pub region: Arc<str>,
    /// The query of its collector.
    pub query: Arc<dyn TargetQuery>,
    /// The poll settings.
    pub settings: poll::Settings,
    /// The request rate of its workspace, in requests per second. It spreads the first polls of new targets.
    pub requests_per_second: f64,
}

impl DesiredTarget {
    /// Whether `other` is equal, so that its poll loop can continue.
    pub(super) fn equals(&self, other: &Self) -> bool {
        self.settings == other.settings && self.region == other.region && self.query.equals(&*other.query)
    }
}

/// All desired targets, and how their objects are rendered.
#[derive(Debug, Clone, Default)]
pub struct TargetSet {
    /// The targets.
    pub targets: BTreeMap<Arc<TargetId>, DesiredTarget>,
    /// The polled workspaces.
    pub workspaces: Vec<WorkspaceInfo>,
    /// How objects are rendered.
    pub render: RenderConfig,
    /// Maximum number of series in a scrape; 0 is unlimited.
    pub max_series: usize,
    /// Minimum time for which a counter of deployments keeps its first value; none without transitions.
    pub first_value_hold: Option<Duration>,
}
