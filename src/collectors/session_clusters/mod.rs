//! The collector of session clusters.

mod families;
mod list_session_clusters;

#[cfg(test)]
mod tests;

use std::time::Duration;

use super::{collector::Scope, list_collector::ListedObjects};
use crate::{
    exposition::ObjectGroup,
    model::{CollectorName, RequestedResources, SessionCluster},
    store::GroupObjects,
};

pub use list_session_clusters::ListSessionClusters;

/// The session clusters of namespaces.
#[derive(Debug)]
pub struct SessionClusters;

/// A session cluster and its requested resources.
#[derive(Debug)]
pub struct SessionClusterObject<'a> {
    cluster: &'a SessionCluster,
    requested: RequestedResources,
}

impl ListedObjects for SessionClusters {
    type Families = Self;

    const NAME: CollectorName = "session_clusters";
    const SCOPE: Scope = Scope::Namespace;
    const DEFAULT_INTERVAL: Duration = Duration::from_secs(300);
    const RAM_ACTIONS: &'static [&'static str] = &["stream:ListSessionClusters"];

    fn objects(group: &GroupObjects) -> ObjectGroup<'_, Self> {
        let clusters = group.merged::<SessionCluster>().into_iter();
        let objects = clusters.map(|cluster| SessionClusterObject {
            cluster,
            requested: RequestedResources::of_cluster(cluster),
        });
        ObjectGroup::new(&[&group.id.workspace, &group.id.namespace], objects)
    }
}
