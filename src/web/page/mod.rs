//! HTML pages for people, rendered by the server: no scripts, no external resources, usable on phones and in dark mode.

mod deployment;
mod discovery;
mod document;
mod html_text;
mod jobs;
mod key_figures;
mod links;
mod needs_attention;
mod overview;
mod target;

#[cfg(test)]
mod tests;

use std::time::Duration;

use super::{recent_job_failures::RecentFailures, route_prefix::Paths, state_file_status::StateFileStatus};
use crate::{model::Shard, snapshot::Snapshot, store::Store, telemetry::DiscoveryHealth};

pub(super) use deployment::{deployment, serving};
pub(super) use document::SECURITY_POLICY;
pub(super) use links::PageQuery;
pub(super) use overview::overview;
pub(super) use target::target;

/// What pages show.
pub(super) struct PageData<'p> {
    /// The published data.
    pub(super) snapshot: &'p Snapshot,
    /// What is remembered of deployments.
    pub(super) store: &'p Store,
    /// The jobs that failed in the last hour.
    pub(super) failures: RecentFailures,
    /// The state file; none if the state is not persisted.
    pub(super) state: Option<StateFileStatus>,
    /// The health of the discovery entries.
    pub(super) discovery: Vec<DiscoveryHealth>,
    /// The shard of this exporter among those that share the targets.
    pub(super) shard: Shard,
    /// The number of the exporter's own series in a scrape.
    pub(super) own_series: usize,
    /// The time, since the Unix epoch.
    pub(super) now: Duration,
    /// The paths of links.
    pub(super) paths: &'p Paths,
}

impl<'p> PageData<'p> {
    /// What is known at `now`, the time since the Unix epoch.
    pub(super) fn new(snapshot: &'p Snapshot, store: &'p Store, now: Duration, paths: &'p Paths) -> Self {
        let failures = RecentFailures::of(snapshot, store, now);
        let (state, discovery) = (StateFileStatus::of(store), Vec::new());
        let shard = Shard::SINGLE;
        Self { snapshot, store, failures, state, discovery, shard, own_series: 0, now, paths }
    }
}
