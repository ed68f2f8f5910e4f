//! What is published, as it is assembled into snapshots.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};
use tracing::{info, warn};

use super::{SeriesBudget, Snapshot, rendered_snapshot::RenderedSnapshot};
use crate::{
    collectors::{Collector, RenderConfig},
    exposition::{RenderedFamilies, SeriesCounts, target_families::WorkspaceInfo},
    model::{GroupId, TargetId},
    store::{GroupObjects, GroupVersion, TargetEntry, TargetStatus},
};

#[derive(Debug, Default)]
pub(super) struct PublisherState {
    pub(super) version: u64,
    pub(super) targets: BTreeMap<Arc<TargetId>, Arc<TargetStatus>>,
    pub(super) groups: BTreeMap<GroupId, PublishedGroup>,
    /// Groups whose families still show data that was withdrawn.
    pub(super) outdated: BTreeSet<GroupId>,
    pub(super) workspaces: Arc<[WorkspaceInfo]>,
    pub(super) render: Arc<RenderConfig>,
    pub(super) budget: SeriesBudget,
    /// Changes with everything that a metric shows; the time of the next poll is none of it.
    pub(super) text_version: u64,
    /// The rendered metrics of some earlier text version.
    pub(super) rendered: Arc<RenderedSnapshot>,
    pub(super) rendered_version: u64,
}

#[derive(Debug, Clone)]
pub(super) struct PublishedGroup {
    pub(super) collector: &'static dyn Collector,
    pub(super) families: Arc<RenderedFamilies>,
    /// Held while the group is rendered, so that two targets of a group do not overwrite each other's work.
    pub(super) last: Arc<AsyncMutex<LastRendered>>,
}

/// A group as it is to be published. No other task renders the group until this is dropped.
pub(super) struct RenderedGroup {
    pub(super) id: GroupId,
    pub(super) targets: Vec<TargetEntry>,
    pub(super) last: OwnedMutexGuard<LastRendered>,
}

/// What a group was last rendered from.
#[derive(Debug, Default)]
pub(super) struct LastRendered {
    pub(super) families: Arc<RenderedFamilies>,
    pub(super) version: GroupVersion,
    pub(super) render: Arc<RenderConfig>,
}

impl PublishedGroup {
    pub(super) fn new(collector: &'static dyn Collector) -> Self {
        Self { collector, families: Arc::default(), last: Arc::default() }
    }
}

impl LastRendered {
    pub(super) fn is_current(&self, objects: &GroupObjects, render: &Arc<RenderConfig>) -> bool {
        self.version == *objects.version() && (Arc::ptr_eq(&self.render, render) || self.render == *render)
    }
}

impl PublisherState {
    pub(super) fn replace_families(&mut self, rendered: &RenderedGroup) {
        self.outdated.remove(&rendered.id);
        if let Some(group) = self.groups.get_mut(&rendered.id) {
            group.families = rendered.last.families.clone();
        }
    }

    pub(super) fn clear_families(&mut self, group: &GroupId) {
        self.outdated.remove(group);
        if let Some(group) = self.groups.get_mut(group) {
            group.families = Arc::default();
        }
    }

    /// Takes the new status of targets that are published already.
    pub(super) fn update_targets(&mut self, targets: Vec<TargetEntry>) {
        for (id, status) in targets {
            self.update_target(&id, status);
        }
    }

    pub(super) fn update_target(&mut self, id: &TargetId, status: Arc<TargetStatus>) {
        // Between the reading of a status and now, a newer one may have been published.
        if let Some(known) = self.targets.get_mut(id).filter(|known| known.sequence < status.sequence) {
            *known = status;
        }
    }

    /// Publishes exactly `targets`. One that is published already keeps its data until its group is rendered.
    pub(super) fn replace_targets(&mut self, targets: Vec<TargetEntry>) {
        let mut before = std::mem::take(&mut self.targets);
        for (id, status) in targets {
            let status = match before.remove(&id) {
                None => status,
                Some(published) => {
                    let mut published = TargetStatus::clone(&published);
                    published.region = status.region.clone();
                    published.interval = status.interval;
                    Arc::new(published)
                }
            };
            self.targets.insert(id, status);
        }
    }

    /// What is published now. `own_series` returns the number of the exporter's own series.
    pub(super) fn snapshot(&mut self, own_series: impl FnOnce() -> usize) -> Snapshot {
        let targets: Arc<[TargetEntry]> =
            self.targets.iter().map(|(id, status)| (id.clone(), status.clone())).collect();
        if self.rendered_version != self.text_version {
            let groups =
                self.groups.iter().map(|(id, group)| (id.collector, group.families.clone())).collect();
            let next = self.rendered.next(groups, targets.clone(), self.workspaces.clone());
            if self.budget.limit() > 0 || self.budget.drops() {
                self.decide_budget(&next.series().served, own_series());
            }
            self.rendered = Arc::new(next.without(self.budget.dropped()));
            self.rendered_version = self.text_version;
        }
        let (version, rendered, budget) = (self.version, self.rendered.clone(), self.budget);
        Snapshot { version, targets, rendered, budget }
    }

    /// Decides which of the families with these series are dropped.
    pub(super) fn decide_budget(&mut self, published: &SeriesCounts, own_series: usize) {
        let before = self.budget;
        self.budget = before.decide(published, own_series);
        if self.budget.dropped() == before.dropped() {
            return;
        }
        let (limit, series) = (self.budget.limit(), published.total() + published.families() + own_series);
        if self.budget.drops() {
            let dropped = self.budget.dropped().join(" ");
            warn!(series, limit, dropped, "metrics.max_series is exceeded: metrics are dropped");
        } else {
            info!(series, limit, "metrics are no longer dropped");
        }
    }
}
