//! The trait of collectors.

use std::{fmt, io, time::Duration};

use crate::{
    api::Priority,
    exposition::{JoinedFamilies, ReferenceSection, RenderedFamilies, SeriesCounts},
    model::{CollectorName, LabelKeys},
    store::GroupObjects,
};

/// The scope of a collector's targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// A workspace: the target has no namespace.
    Workspace,
    /// A namespace, or a selection of its objects.
    Namespace,
}

/// Settings for rendering objects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RenderConfig {
    /// The deployment labels that are exported.
    pub label_keys: LabelKeys,
    /// The workspace tags that are exported.
    pub workspace_tags: LabelKeys,
}

/// A kind of object that targets poll, and its metrics.
///
/// A collector is one directory: operation and decoder, metric families, and an implementation of this trait. It is
/// registered in [`all`](super::all). Schedule, deadline, freshness, expiry, history, counters, pages and JSON are
/// the same for all collectors.
pub trait Collector: fmt::Debug + Send + Sync {
    /// The name: the value of the label `collector` and the key in the configuration.
    fn name(&self) -> CollectorName;

    /// The scope of its targets.
    fn scope(&self) -> Scope;

    /// The default poll interval.
    fn default_interval(&self) -> Duration;

    /// The priority of its requests under the workspace's rate limit.
    fn priority(&self) -> Priority;

    /// The RAM actions that its operations need.
    fn ram_actions(&self) -> &'static [&'static str];

    /// The documentation of its families.
    fn section(&self) -> ReferenceSection;

    /// Renders a group. Unchanged text is shared with `previous`. Returns none if the text exceeds `limit` bytes.
    fn render(
        &self,
        group: &GroupObjects,
        config: &RenderConfig,
        previous: &RenderedFamilies,
        limit: usize,
    ) -> Option<RenderedFamilies>;

    /// The rendered groups, joined family by family.
    fn join_families<'r>(&self, groups: Vec<&'r RenderedFamilies>) -> JoinedFamilies<'r>;

    /// Writes groups in the text format without keeping the text, except the families in `dropped`. Returns the
    /// number of series.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    fn write(
        &self,
        groups: &[GroupObjects],
        config: &RenderConfig,
        dropped: &[&str],
        out: &mut dyn io::Write,
    ) -> io::Result<SeriesCounts>;
}
