//! The rendered metrics: assembled once for each format and encoding that a scraper requests.

use std::{
    io,
    sync::{Arc, OnceLock},
};

use tokio::sync::OnceCell;

use crate::{
    collectors::{self, Collector},
    exposition::{
        self, Encoding, Format, JoinedFamilies, MetricsBody, ObjectGroup, PublishedSeries, RenderedFamilies,
        SegmentCache, SeriesCounts,
        target_families::{TargetSamples, Targets, WorkspaceInfo, Workspaces},
    },
    model::{CollectorName, TargetId},
    store::{TargetEntry, TargetStatus},
};

/// The families of workspaces and targets.
#[derive(Debug, Clone, Default)]
struct PollingFamilies {
    workspaces: RenderedFamilies,
    targets: RenderedFamilies,
}

/// The metrics of all targets between two changes.
#[derive(Debug, Default)]
pub(super) struct RenderedSnapshot {
    groups: Vec<(CollectorName, Arc<RenderedFamilies>)>,
    targets: Arc<[TargetEntry]>,
    workspaces: Arc<[WorkspaceInfo]>,
    dropped: Vec<&'static str>,
    segments: Arc<SegmentCache>,
    polling: OnceLock<PollingFamilies>,
    /// Those of the snapshot before, whose unchanged text is used again.
    previous_polling: PollingFamilies,
    bodies: [[OnceCell<Arc<MetricsBody>>; Encoding::ALL.len()]; Format::ALL.len()],
}

impl RenderedSnapshot {
    /// What is served after `self`.
    pub(super) fn next(
        &self,
        groups: Vec<(CollectorName, Arc<RenderedFamilies>)>,
        targets: Arc<[TargetEntry]>,
        workspaces: Arc<[WorkspaceInfo]>,
    ) -> Self {
        let previous_polling = self.polling.get().unwrap_or(&self.previous_polling).clone();
        let segments = self.segments.clone();
        Self { groups, targets, workspaces, segments, previous_polling, ..Self::default() }
    }

    /// The same without the families of `dropped`. Must be called before anything is rendered.
    #[must_use]
    pub(super) fn without(self, dropped: Vec<&'static str>) -> Self {
        Self { dropped, ..self }
    }

    /// The series of every family but the exporter's own. Nothing is rendered for it.
    pub(super) fn series(&self) -> PublishedSeries {
        let mut series = JoinedFamilies::series(&self.sections());
        let workspaces: Vec<_> = self.workspaces.iter().collect();
        series.served.add(&SeriesCounts::of::<Workspaces>(workspaces.iter()));
        let targets: Vec<_> = self.targets.iter().map(|(id, status)| samples(id, status)).collect();
        series.served.add(&SeriesCounts::of::<Targets>(targets.iter()));
        series
    }

    /// The body without the exporter's own metrics. The first request waits until it is assembled, off the async
    /// threads.
    pub(super) async fn body(
        self: &Arc<Self>,
        format: Format,
        encoding: Encoding,
    ) -> io::Result<Arc<MetricsBody>> {
        let cell = &self.bodies[format as usize][encoding as usize];
        let assemble = async || {
            let snapshot = self.clone();
            let assembling = tokio::task::spawn_blocking(move || snapshot.assemble(format, encoding));
            assembling.await.map_err(io::Error::other)?.map(Arc::new)
        };
        cell.get_or_try_init(assemble).await.cloned()
    }

    /// Writes the metrics of workspaces and targets in the text format, rendered here and now.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub(super) fn write_polling(&self, out: &mut impl io::Write) -> io::Result<()> {
        exposition::write::<Workspaces>(&[ObjectGroup::new(&[], self.workspaces.iter())], &[], out)?;
        let targets = self.targets.iter().map(|(id, status)| samples(id, status));
        exposition::write::<Targets>(&[ObjectGroup::new(&[], targets)], &[], out)?;
        Ok(())
    }

    /// The text without the exporter's own metrics.
    #[cfg(test)]
    pub(super) fn text(&self) -> String {
        let body = self.assemble(Format::Text, Encoding::Identity).unwrap();
        String::from_utf8(body.to_vec().unwrap()).unwrap()
    }

    fn assemble(&self, format: Format, encoding: Encoding) -> io::Result<MetricsBody> {
        let polling = self.polling.get_or_init(|| self.render_polling());
        let mut sections = self.sections();
        sections.push(JoinedFamilies::of::<Workspaces>([&polling.workspaces]));
        sections.push(JoinedFamilies::of::<Targets>([&polling.targets]));
        MetricsBody::new(format, encoding, &sections, &self.segments)
    }

    /// The sections of the collectors.
    fn sections(&self) -> Vec<JoinedFamilies<'_>> {
        let section = |collector: &&'static dyn Collector| {
            let groups = self.groups.iter().filter(|(name, _)| *name == collector.name());
            let section = collector.join_families(groups.map(|(_, families)| &**families).collect());
            section.without(&self.dropped)
        };
        collectors::all().iter().map(section).collect()
    }

    fn render_polling(&self) -> PollingFamilies {
        let targets = self.targets.iter().map(|(id, status)| samples(id, status));
        PollingFamilies {
            workspaces: exposition::render::<Workspaces>(
                &ObjectGroup::new(&[], self.workspaces.iter()),
                &self.previous_polling.workspaces,
            ),
            targets: exposition::render::<Targets>(
                &ObjectGroup::new(&[], targets),
                &self.previous_polling.targets,
            ),
        }
    }

    #[cfg(test)]
    pub(super) fn groups(&self) -> &[(CollectorName, Arc<RenderedFamilies>)] {
        &self.groups
    }
}

fn samples<'a>(id: &'a TargetId, status: &'a TargetStatus) -> TargetSamples<'a> {
    TargetSamples {
        collector: id.collector,
        region: &status.region,
        workspace: &id.workspace,
        namespace: &id.namespace,
        selection: &id.selection,
        up: status.is_up(),
        poll_interval: status.interval.as_secs_f64(),
        objects: status.object_count().map(|count| count as u64),
        last_success: status.last_success.map(|time| time.as_secs_f64()),
        poll_duration: status.last_poll().map(|poll| poll.took.as_secs_f64()),
        polls: status.polls().map(|(outcome, polls)| (outcome.as_str(), polls)).collect(),
    }
}
