//! The kinds of objects that targets poll: one directory for each, and one line in [`all`].

mod collector;
pub mod deployments;
mod exported_labels;
pub mod namespaces;
pub mod workspaces;

pub use collector::{Collected, Collector, Query, RenderConfig, Scope};

pub use crate::model::DEPLOYMENTS;

/// Every collector, in the order in which their metrics are served.
pub fn all() -> &'static [&'static dyn Collector] {
    &[&deployments::DeploymentsCollector, &workspaces::WorkspacesCollector, &namespaces::NamespacesCollector]
}

/// The collector with this name.
pub fn by_name(name: &str) -> Option<&'static dyn Collector> {
    all().iter().copied().find(|collector| collector.name() == name)
}
