//! The published value: an immutable [`Snapshot`] of every target's status and of the rendered metrics.
//!
//! A [`Publisher`] renders a group of targets after each commit that changed its data, and publishes the group as a
//! whole. A reader has all of one poll or all of the poll before it, also during a reload, and never waits for one.

mod expiry_task;
mod publisher;
mod publisher_state;
mod rendered_snapshot;
mod requested_encodings;
mod series_budget;

use std::sync::Arc;

use crate::{
    exposition::PublishedSeries,
    model::TargetId,
    store::{TargetEntry, TargetStatus},
};

pub use publisher::{Publisher, PublisherConfig, RenderError};
pub use series_budget::SeriesBudget;

use rendered_snapshot::RenderedSnapshot;

/// What is published at one moment.
#[derive(Debug)]
pub struct Snapshot {
    version: u64,
    targets: Arc<[TargetEntry]>,
    rendered: Arc<RenderedSnapshot>,
    budget: SeriesBudget,
}

impl Snapshot {
    /// Every target and its status, in the order of their ids.
    pub fn targets(&self) -> &[TargetEntry] {
        &self.targets
    }

    /// The status of one target.
    pub fn target(&self, id: &TargetId) -> Option<&Arc<TargetStatus>> {
        let index = self.targets.binary_search_by(|(known, _)| (**known).cmp(id)).ok()?;
        Some(&self.targets[index].1)
    }

    /// Grows with each change that is published.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The series except the exporter's own.
    pub fn series(&self) -> PublishedSeries {
        self.rendered.series()
    }

    /// The budget that decides which of them are dropped.
    pub fn budget(&self) -> SeriesBudget {
        self.budget
    }
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
