//! The collector of namespaces.

use std::{any::Any, fmt, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use tokio::time::Instant;

use super::families::{self, Namespaces};
use crate::{
    api::{ApiError, InvalidValues},
    collectors::{
        collector::{Collector, Scope},
        list_collector::{ListCollector, ListedObjects},
        target_query::{Collected, TargetQuery},
    },
    console::{ConsoleListings, MAX_WAIT},
    exposition::ObjectGroup,
    model::{CollectorName, NamespaceInstance, Objects},
    store::GroupObjects,
};

/// The name of the collector.
pub const NAME: CollectorName = Namespaces::NAME;

/// The collector of namespaces.
pub type NamespacesCollector = ListCollector<Namespaces>;

impl ListedObjects for Namespaces {
    type Families = Self;

    const NAME: CollectorName = "namespaces";
    const SCOPE: Scope = Scope::Workspace;
    const DEFAULT_INTERVAL: Duration = Duration::from_secs(300);
    const RAM_ACTIONS: &'static [&'static str] =
        &["stream:DescribeVvpNamespaces", "stream:DescribeVvpInstances"];

    fn objects(group: &GroupObjects) -> ObjectGroup<'_, Self> {
        families::group(&group.id.workspace, group.merged::<NamespaceInstance>())
    }
}

/// Which namespaces of a workspace are exported.
pub trait SelectNamespaces: PartialEq + fmt::Debug + Send + Sync + 'static {
    /// Whether the namespace called `name` is selected.
    fn selects(&self, name: &str) -> bool;
}

/// Namespaces by their names.
impl SelectNamespaces for Vec<String> {
    fn selects(&self, name: &str) -> bool {
        self.iter().any(|selected| selected == name)
    }
}

/// The selected namespaces of one workspace.
#[derive(Debug)]
pub struct NamespacesTargetQuery<S> {
    /// The listings of its region.
    pub listings: Arc<ConsoleListings>,
    /// The workspace's id.
    pub workspace: String,
    /// Selects the exported namespaces.
    pub selection: S,
    /// The poll interval. A younger shared listing is reused.
    pub interval: Duration,
}

impl<S: SelectNamespaces> NamespacesTargetQuery<S> {
    async fn collect(&self, deadline: Instant) -> Result<Collected, ApiError> {
        let timeout = deadline.saturating_duration_since(Instant::now());
        let workspaces = self.listings.workspaces(self.interval, timeout).await.result;
        let instance_id = self.listings.instance_id(&self.workspace);
        let Some(instance_id) = instance_id else {
            // Without a listing of the region, the poll fails. If the listing lacks the workspace, it has no
            // namespaces.
            return Ok(collected(Vec::new(), workspaces?.consistent, 0));
        };
        let listing = self.listings.namespaces(&instance_id, self.interval, timeout).await.result?;
        let selected = listing.items.iter().filter(|namespace| self.selection.selects(&namespace.name));
        Ok(collected(selected.cloned().collect(), listing.consistent, listing.pages))
    }
}

fn collected(namespaces: Vec<NamespaceInstance>, consistent: bool, pages: u64) -> Collected {
    Collected {
        objects: Box::new(Objects::listed(namespaces)),
        consistent,
        pages,
        // The shared listing counts invalid values itself, once for all targets.
        invalid: InvalidValues::default(),
    }
}

impl<S: SelectNamespaces> TargetQuery for NamespacesTargetQuery<S> {
    fn collector(&self) -> &'static dyn Collector {
        &NamespacesCollector::NEW
    }

    fn poll(&self, deadline: Instant) -> BoxFuture<'_, Result<Collected, ApiError>> {
        Box::pin(self.collect(deadline))
    }

    fn max_wait(&self) -> Duration {
        // One wait for each of the two listings.
        2 * MAX_WAIT
    }

    fn equals(&self, other: &dyn TargetQuery) -> bool {
        other.as_any().downcast_ref::<Self>().is_some_and(|other| {
            Arc::ptr_eq(&self.listings, &other.listings)
                && self.workspace == other.workspace
                && self.selection == other.selection
                && self.interval == other.interval
        })
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
