//! The desired target set: a value.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crate::{
    collectors::{Query, RenderConfig},
    exposition::targets::WorkspaceInfo,
    model::TargetId,
    poll,
};

/// A target that should be polled.
#[derive(Debug, Clone)]
pub struct Target {
    /// The region; empty if only the endpoint is configured.
    pub region: Arc<str>,
    /// What is asked for.
    pub query: Arc<dyn Query>,
    /// How it is polled.
    pub settings: poll::Settings,
    /// The requests per second that its workspace allows: the first polls of new targets are spread by it.
    pub requests_per_second: f64,
}

impl Target {
    /// Whether `other` asks for the same in the same way, so that its poll loop can go on.
    pub(super) fn equals(&self, other: &Self) -> bool {
        self.settings == other.settings && self.region == other.region && self.query.equals(&*other.query)
    }
}

/// Everything that should be polled, and how it is shown.
#[derive(Debug, Clone, Default)]
pub struct TargetSet {
    /// The targets.
    pub targets: BTreeMap<Arc<TargetId>, Target>,
    /// The polled workspaces.
    pub workspaces: Vec<WorkspaceInfo>,
    /// How objects are rendered.
    pub render: RenderConfig,
    /// The maximum number of series in a scrape; 0 if there is none.
    pub max_series: usize,
    /// How long the first value of a counter of deployments is served at least; none if there are no transitions.
    pub first_value_hold: Option<Duration>,
}
