//! The collector of workspaces.

use std::{any::Any, io, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use tokio::time::Instant;

use super::families::{self, Workspaces};
use crate::{
    api::{ApiError, InvalidValues, Priority},
    collectors::{
        collector::{Collector, RenderConfig, Scope},
        exported_labels::ExportedLabels,
        target_query::{Collected, TargetQuery},
    },
    console::{ConsoleListings, MAX_WAIT},
    exposition::{self, JoinedFamilies, ReferenceSection, RenderedFamilies, SeriesCounts},
    model::{CollectorName, Objects, WorkspaceInstance},
    store::GroupObjects,
};

/// The name of the collector.
pub const NAME: CollectorName = "workspaces";

/// The workspaces themselves.
#[derive(Debug)]
pub struct WorkspacesCollector;

impl Collector for WorkspacesCollector {
    fn name(&self) -> CollectorName {
        NAME
    }

    fn scope(&self) -> Scope {
        Scope::Workspace
    }

    fn default_interval(&self) -> Duration {
        Duration::from_secs(300)
    }

    fn priority(&self) -> Priority {
        Priority::Normal
    }

    fn ram_actions(&self) -> &'static [&'static str] {
        &["stream:DescribeVvpInstances"]
    }

    fn section(&self) -> ReferenceSection {
        ReferenceSection::of::<Workspaces>()
    }

    fn render(
        &self,
        group: &GroupObjects,
        config: &RenderConfig,
        previous: &RenderedFamilies,
        limit: usize,
    ) -> Option<RenderedFamilies> {
        let tags = exported_tags(config);
        exposition::render_within(&objects(group, &tags), previous, limit)
    }

    fn join_families<'r>(&self, groups: Vec<&'r RenderedFamilies>) -> JoinedFamilies<'r> {
        JoinedFamilies::of::<Workspaces>(groups)
    }

    fn write(
        &self,
        groups: &[GroupObjects],
        config: &RenderConfig,
        dropped: &[&str],
        mut out: &mut dyn io::Write,
    ) -> io::Result<SeriesCounts> {
        let tags = exported_tags(config);
        let groups: Vec<_> = groups.iter().map(|group| objects(group, &tags)).collect();
        exposition::write(&groups, dropped, &mut out)
    }
}

fn exported_tags(config: &RenderConfig) -> ExportedLabels {
    ExportedLabels::with_prefix("tag_", &config.workspace_tags)
}

fn objects<'a>(group: &'a GroupObjects, tags: &'a ExportedLabels) -> exposition::ObjectGroup<'a, Workspaces> {
    families::group(&group.id.workspace, group.merged::<WorkspaceInstance>(), tags)
}

/// The target of one workspace.
#[derive(Debug)]
pub struct WorkspaceTargetQuery {
    /// The listings of its region.
    pub listings: Arc<ConsoleListings>,
    /// The workspace's id.
    pub workspace: String,
    /// The poll interval. A younger shared listing is reused.
    pub interval: Duration,
}

impl WorkspaceTargetQuery {
    async fn collect(&self, deadline: Instant) -> Result<Collected, ApiError> {
        let timeout = deadline.saturating_duration_since(Instant::now());
        let listing = self.listings.workspaces(self.interval, timeout).await.result?;
        let found = listing.items.iter().filter(|instance| *instance.workspace == *self.workspace);
        Ok(Collected {
            objects: Box::new(Objects::listed(found.cloned().collect())),
            consistent: listing.consistent,
            pages: listing.pages,
            // The shared listing counts invalid values itself, once for all targets.
            invalid: InvalidValues::default(),
        })
    }
}

impl TargetQuery for WorkspaceTargetQuery {
    fn collector(&self) -> &'static dyn Collector {
        &WorkspacesCollector
    }

    fn poll(&self, deadline: Instant) -> BoxFuture<'_, Result<Collected, ApiError>> {
        Box::pin(self.collect(deadline))
    }

    fn max_wait(&self) -> Duration {
        MAX_WAIT
    }

    fn equals(&self, other: &dyn TargetQuery) -> bool {
        other.as_any().downcast_ref::<Self>().is_some_and(|other| {
            Arc::ptr_eq(&self.listings, &other.listings)
                && self.workspace == other.workspace
                && self.interval == other.interval
        })
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
