//! Renders groups of targets and publishes them.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio::sync::RwLock;

use super::{
    SeriesBudget, Snapshot,
    publisher_state::{LastRendered, PublishedGroup, PublisherState, RenderedGroup},
    rendered_snapshot::RenderedSnapshot,
    requested_encodings::RequestedEncodings,
};
use crate::{
    collectors::{self, Collector, RenderConfig},
    exposition::{
        Encoding, Format, MetricsBody, PublishedSeries, RenderedFamilies, SeriesCounts,
        target_families::WorkspaceInfo,
    },
    model::{ErrorClass, GroupId, TargetId},
    store::{GroupObjects, Latch, Store, TargetSettings},
    telemetry::Telemetry,
};

/// The bytes that the text of a group may take, whatever it holds, and for each of its objects. A deployment usually takes 5 to
/// 6 KiB; a hostile response makes far more of it, since each series repeats the name.
const TEXT_LIMIT: usize = 256 << 20;
const TEXT_LIMIT_PER_OBJECT: usize = 8 << 10;

/// Why a group was not rendered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// Rendering panicked; the log has the message.
    #[error("rendering the metrics failed")]
    Panicked,
    /// The metrics of the group take too much memory.
    #[error("the metrics of {objects} objects exceed {limit_mib} MiB")]
    TooLarge {
        /// The number of objects.
        objects: usize,
        /// The limit, in MiB.
        limit_mib: usize,
    },
    /// The runtime is shutting down.
    #[error("the exporter is shutting down")]
    Stopping,
}

impl RenderError {
    /// The class of a poll whose data could not be rendered.
    pub fn class(self) -> ErrorClass {
        match self {
            Self::Panicked | Self::Stopping => ErrorClass::Internal,
            Self::TooLarge { .. } => ErrorClass::InvalidResponse,
        }
    }
}

/// What the publisher serves besides the data of polls.
#[derive(Debug)]
pub struct PublisherConfig {
    /// Every target, with what the store must know of it.
    pub targets: BTreeMap<Arc<TargetId>, TargetSettings>,
    /// The collector of each group of those targets.
    pub groups: BTreeMap<GroupId, &'static dyn Collector>,
    /// The polled workspaces.
    pub workspaces: Arc<[WorkspaceInfo]>,
    /// How objects are rendered.
    pub render: Arc<RenderConfig>,
    /// The maximum number of series in a scrape; 0 if there is none.
    pub max_series: usize,
}

/// Where readers read, and polls publish what they committed to the store.
#[derive(Debug)]
pub struct Publisher {
    store: Arc<Store>,
    telemetry: Telemetry,
    state: Mutex<PublisherState>,
    /// The version of `state`.
    version: AtomicU64,
    /// The snapshot of some version, assembled by the first reader that asks for that version.
    snapshot: ArcSwap<Snapshot>,
    /// Held for writing while targets change, so that no reader sees half of a change.
    configuring: RwLock<()>,
    encodings: RequestedEncodings,
    /// Whether nobody scrapes: then metrics are rendered only when they are written out.
    rendering_disabled: AtomicBool,
}

impl Publisher {
    /// A publisher of what `store` holds, without targets. The series of `telemetry` count towards the series budget.
    pub fn new(store: Arc<Store>, telemetry: Telemetry) -> Self {
        let rendered = Arc::new(RenderedSnapshot::default());
        let snapshot =
            Snapshot { version: 0, targets: Arc::default(), rendered, budget: SeriesBudget::default() };
        Self {
            store,
            telemetry,
            state: Mutex::default(),
            version: AtomicU64::default(),
            snapshot: ArcSwap::from_pointee(snapshot),
            configuring: RwLock::default(),
            encodings: RequestedEncodings::new(),
            rendering_disabled: AtomicBool::default(),
        }
    }

    /// The store that is published.
    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// Makes metrics be rendered only by [`Publisher::write`], not after each poll.
    pub fn disable_rendering(&self) {
        self.rendering_disabled.store(true, Ordering::Relaxed);
    }

    /// Replaces the targets, in the store and in what is published, at once. Targets known before keep their data; the
    /// others are withdrawn with all their series. New targets hold `latch` until their first poll.
    ///
    /// # Errors
    ///
    /// If a group that lost a target can't be rendered. Its series then stay as they were until the next poll.
    pub async fn configure(
        &self,
        configuration: PublisherConfig,
        latch: Option<&Latch>,
    ) -> Result<(), RenderError> {
        let PublisherConfig { targets, groups, workspaces, render, max_series } = configuration;
        let _configuring = self.configuring.write().await;
        let lost = self.store.set_targets(&targets, latch);
        {
            let mut state = self.state.lock();
            state.render = render;
            // The groups exist before they are rendered; nothing of this is published yet.
            for (id, collector) in &groups {
                state.groups.entry(id.clone()).or_insert_with(|| PublishedGroup::new(*collector));
            }
        }
        let mut rendered = Vec::new();
        let mut result = Ok(());
        for group in lost.iter().filter(|group| groups.contains_key(*group)) {
            match self.render(group).await {
                Ok(Some(group)) => rendered.push(group),
                Ok(None) => {}
                Err(error) => result = Err(error),
            }
        }
        let mut state = self.state.lock();
        state.groups.retain(|id, _| groups.contains_key(id));
        state.outdated.retain(|id| groups.contains_key(id));
        for group in &rendered {
            state.replace_families(group);
        }
        state.replace_targets(self.store.targets());
        state.workspaces = workspaces;
        state.budget = state.budget.with_limit(max_series);
        self.publish(&mut state, true);
        result
    }

    /// Publishes what the store holds of a group, rendering it if its data changed.
    ///
    /// # Errors
    ///
    /// If the group can't be rendered. Then nothing is published.
    ///
    /// # Cancel safety
    ///
    /// May be dropped at any time: then nothing was published, and the next call publishes everything.
    pub async fn publish_group(&self, group: &GroupId) -> Result<(), RenderError> {
        self.publish_groups([group]).await
    }

    /// As [`Publisher::publish_group`], for several groups in one step.
    ///
    /// # Errors
    ///
    /// As [`Publisher::publish_group`].
    ///
    /// # Cancel safety
    ///
    /// As [`Publisher::publish_group`].
    pub async fn publish_groups(
        &self,
        groups: impl IntoIterator<Item = &GroupId>,
    ) -> Result<(), RenderError> {
        let _configuring = self.configuring.read().await;
        // In one order everywhere, since each keeps its group from being rendered by others.
        let groups: BTreeSet<&GroupId> = groups.into_iter().collect();
        let mut all = Vec::new();
        for group in groups {
            all.extend(self.render(group).await?);
        }
        if all.is_empty() {
            return Ok(());
        }
        let mut state = self.state.lock();
        for rendered in all {
            state.replace_families(&rendered);
            state.update_targets(rendered.targets);
        }
        self.publish(&mut state, true);
        Ok(())
    }

    /// Publishes a target's status without rendering: its data must not have changed.
    pub fn publish_status(&self, id: &TargetId) {
        let Some(status) = self.store.target(id) else { return };
        let mut state = self.state.lock();
        state.update_target(id, status);
        self.publish(&mut state, true);
    }

    /// Publishes when a target's next poll starts, which no metric shows.
    pub fn publish_next_poll(&self, id: &TargetId) {
        let Some(status) = self.store.target(id) else { return };
        let mut state = self.state.lock();
        if let Some(known) = state.targets.get_mut(id) {
            Arc::make_mut(known).next_poll = status.next_poll;
            self.publish(&mut state, false);
        }
    }

    /// What is published now. Data that has expired is withdrawn first, even if the task that should do so hangs.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.withdraw_overdue();
        let current = self.snapshot.load();
        if current.version == self.version.load(Ordering::Acquire) {
            return current.clone();
        }
        drop(current);
        let mut state = self.state.lock();
        let snapshot = Arc::new(state.snapshot(|| self.telemetry.own_series()));
        // Under the lock, so that an older snapshot never replaces a newer one.
        self.snapshot.store(snapshot.clone());
        snapshot
    }

    /// The metrics except the exporter's own, as they are published now.
    ///
    /// # Errors
    ///
    /// Those of the compressor.
    pub async fn body(&self, format: Format, encoding: Encoding) -> io::Result<Arc<MetricsBody>> {
        self.encodings.note(encoding);
        self.expire().await;
        let rendered = self.snapshot().rendered.clone();
        rendered.body(format, encoding).await
    }

    /// Writes the metrics except the exporter's own in the text format, rendered here and now. Returns their series.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn write(&self, out: &mut dyn io::Write) -> io::Result<PublishedSeries> {
        let snapshot = self.snapshot();
        let polling = snapshot.series().served;
        let mut series = PublishedSeries::default();
        let mut dropped = Vec::new();
        if snapshot.budget().limit() > 0 {
            // Written to nowhere, to be counted.
            let mut counted = self.write_collectors(&[], &mut io::sink())?;
            counted.add(&polling);
            let mut state = self.state.lock();
            state.decide_budget(&counted, self.telemetry.own_series());
            dropped = state.budget.dropped();
            series.dropped = counted.partition(|name| dropped.contains(&name)).0;
        }
        series.served = self.write_collectors(&dropped, out)?;
        series.served.add(&polling);
        snapshot.rendered.write_polling(&mut &mut *out)?;
        Ok(series)
    }

    /// Writes what the collectors collected except the families of `dropped`, and returns its series.
    fn write_collectors(&self, dropped: &[&str], out: &mut dyn io::Write) -> io::Result<SeriesCounts> {
        let (render, groups) = {
            let state = self.state.lock();
            let groups: Vec<_> = state.groups.keys().cloned().collect();
            (state.render.clone(), groups)
        };
        let mut series = SeriesCounts::default();
        for collector in collectors::all() {
            let of_collector = groups.iter().filter(|id| id.collector == collector.name());
            let groups: Vec<_> = of_collector.map(|id| self.store.group_objects(id).1).collect();
            series.add(&collector.write(&groups, &render, dropped, out)?);
        }
        Ok(series)
    }

    /// A group as the store has it now; none if the group does not exist.
    async fn render(&self, group: &GroupId) -> Result<Option<RenderedGroup>, RenderError> {
        let known = self.state.lock().groups.get(group).cloned();
        let Some(known) = known else { return Ok(None) };
        let mut last = known.last.lock_owned().await;
        // Read under the lock: another target of the group may have been rendered meanwhile.
        let ((targets, objects), render) =
            (self.store.group_objects(group), self.state.lock().render.clone());
        if !self.rendering_disabled.load(Ordering::Relaxed) && !last.is_current(&objects, &render) {
            let version = objects.version().clone();
            let previous = last.families.clone();
            let families = self.render_objects(known.collector, objects, &render, previous).await?;
            *last = LastRendered { families: Arc::new(families), version, render };
        }
        Ok(Some(RenderedGroup { id: group.clone(), targets, last }))
    }

    /// Renders a group and compresses what changed in the encodings that scrapers request, off the async threads.
    async fn render_objects(
        &self,
        collector: &'static dyn Collector,
        objects: GroupObjects,
        render: &Arc<RenderConfig>,
        previous: Arc<RenderedFamilies>,
    ) -> Result<RenderedFamilies, RenderError> {
        let encodings: Vec<_> = self.encodings.recent().collect();
        let dropped = self.state.lock().budget.dropped();
        let render = render.clone();
        let limit = TEXT_LIMIT.saturating_add(objects.len().saturating_mul(TEXT_LIMIT_PER_OBJECT));
        let too_large = RenderError::TooLarge { objects: objects.len(), limit_mib: limit >> 20 };
        let rendering = tokio::task::spawn_blocking(move || {
            let families = collector.render(&objects, &render, &previous, limit).ok_or(too_large)?;
            let section = collector.join_families(vec![&families]).without(&dropped);
            for encoding in encodings {
                // A request for text that is not compressed tries again, and reports why it fails.
                let _ = section.compress(encoding);
            }
            Ok(families)
        });
        let rendered = rendering.await;
        rendered
            .map_err(|error| if error.is_panic() { RenderError::Panicked } else { RenderError::Stopping })?
    }

    /// Withdraws the data of targets that has expired.
    pub(super) fn withdraw(&self, lost: &BTreeMap<GroupId, Vec<Arc<TargetId>>>) {
        let mut state = self.state.lock();
        for group in lost.keys() {
            let targets = self.store.group(group);
            if targets.iter().all(|(_, status)| status.data.is_none()) {
                state.clear_families(group);
            } else {
                state.outdated.insert(group.clone());
            }
            state.update_targets(targets);
        }
        self.publish(&mut state, true);
    }

    /// The groups whose families still show withdrawn data.
    pub(super) fn outdated(&self) -> Vec<GroupId> {
        self.state.lock().outdated.iter().cloned().collect()
    }

    /// Serves nothing of a group that can't be rendered, rather than withdrawn data.
    pub(super) fn withdraw_families(&self, group: &GroupId) {
        let mut state = self.state.lock();
        state.clear_families(group);
        self.publish(&mut state, true);
    }

    /// Makes `state` what the next reader sees.
    fn publish(&self, state: &mut PublisherState, text_changed: bool) {
        state.version += 1;
        state.text_version += u64::from(text_changed);
        self.version.store(state.version, Ordering::Release);
    }
}
