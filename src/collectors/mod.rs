//! Collectors: the kinds of objects that targets poll. Each has a directory and a line in [`all`].

mod basic_setting;
mod collector;
pub mod deployments;
pub mod engine_versions;
mod exported_labels;
pub mod jobs;
pub mod namespaces;
mod object_collector;
pub mod queues;
pub mod session_clusters;
pub mod workspaces;

pub use collector::{Collected, Collector, JobsQuery, ListedJobs, Query, RenderConfig, Scope};
pub use object_collector::{CollectedObjects, ListTarget, ObjectCollector};

pub use crate::model::DEPLOYMENTS;

/// All collectors, in the order of their metrics.
pub fn all() -> &'static [&'static dyn Collector] {
    &[
        &deployments::DeploymentsCollector,
        &workspaces::WorkspacesCollector,
        &namespaces::NamespacesCollector::NEW,
        &ObjectCollector::<queues::Queues>::NEW,
        &ObjectCollector::<session_clusters::SessionClusters>::NEW,
        &ObjectCollector::<engine_versions::EngineVersions>::NEW,
        &ObjectCollector::<jobs::Jobs>::NEW,
    ]
}

/// The collector with this name.
pub fn by_name(name: &str) -> Option<&'static dyn Collector> {
    all().iter().copied().find(|collector| collector.name() == name)
}
