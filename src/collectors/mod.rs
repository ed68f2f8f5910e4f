//! Collectors: the kinds of objects that targets poll. Each has a directory and a line in [`all`].

mod basic_resource_setting;
mod collector;
pub mod deployments;
pub mod engine_versions;
mod exported_labels;
pub mod jobs;
mod list_collector;
pub mod namespaces;
pub mod queues;
pub mod session_clusters;
mod target_query;
pub mod workspaces;

pub use collector::{Collector, RenderConfig, Scope};
pub use list_collector::{ListCollector, ListTargetQuery, ListedObjects};
pub use target_query::{Collected, JobsQuery, ListedJobs, TargetQuery};

pub use crate::model::DEPLOYMENTS;

/// All collectors, in the order of their metrics.
pub fn all() -> &'static [&'static dyn Collector] {
    &[
        &deployments::DeploymentsCollector,
        &workspaces::WorkspacesCollector,
        &namespaces::NamespacesCollector::NEW,
        &ListCollector::<queues::Queues>::NEW,
        &ListCollector::<session_clusters::SessionClusters>::NEW,
        &ListCollector::<engine_versions::EngineVersions>::NEW,
        &ListCollector::<jobs::Jobs>::NEW,
    ]
}

/// The collector with this name.
pub fn by_name(name: &str) -> Option<&'static dyn Collector> {
    all().iter().copied().find(|collector| collector.name() == name)
}
