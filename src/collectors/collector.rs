//! What a collector is: the kind of object that a target polls.

use std::{fmt, io, time::Duration};

use futures_util::future::BoxFuture;
use tokio::time::Instant;

use crate::{
    api::{ApiError, InvalidValues, Priority, RateTurn},
    exposition::{RenderedFamilies, Section, SectionText, SeriesCounts},
    model::{CollectorName, Job, JobsMode, LabelKeys, LastJobStatuses, ObjectSet},
    store::GroupObjects,
};

/// What a target of a collector covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// A workspace: the target has no namespace.
    Workspace,
    /// A namespace, or a selection of its objects.
    Namespace,
}

/// How objects are rendered, whatever their collector.
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
    /// The name, as the label `collector` and the configuration have it.
    fn name(&self) -> CollectorName;

    /// What one target covers.
    fn scope(&self) -> Scope;

    /// The default poll interval.
    fn default_interval(&self) -> Duration;

    /// The priority of its requests under the workspace's rate limit.
    fn priority(&self) -> Priority;

    /// The RAM actions that its operations need.
    fn ram_actions(&self) -> &'static [&'static str];

    /// The documentation of its families.
    fn section(&self) -> Section;

    /// Renders a group; text that is the same as in `previous` is shared with it. None if the text takes more than
    /// `limit` bytes.
    fn render(
        &self,
        group: &GroupObjects,
        config: &RenderConfig,
        previous: &RenderedFamilies,
        limit: usize,
    ) -> Option<RenderedFamilies>;

    /// The rendered groups as a section of a body.
    fn section_text<'r>(&self, groups: Vec<&'r RenderedFamilies>) -> SectionText<'r>;

    /// Writes groups except the families of `dropped` in the text format without keeping the text. Returns the number of
    /// series written.
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

/// What one target asks the API for.
pub trait Query: fmt::Debug + Send + Sync {
    /// The collector.
    fn collector(&self) -> &'static dyn Collector;

    /// Polls once, until `deadline`.
    fn poll(&self, deadline: Instant) -> BoxFuture<'_, Result<Collected, ApiError>>;

    /// How much longer than `poll.timeout` a poll may take, because it waits for limits that the timeout does not
    /// include.
    fn max_wait(&self) -> Duration {
        Duration::ZERO
    }

    /// Asks, until `deadline`, by which filter of the status of the last job each deployment is found. None if the objects
    /// are not deployments.
    fn last_job_statuses(
        &self,
        _deadline: Instant,
    ) -> Option<BoxFuture<'_, Result<LastJobStatuses, ApiError>>> {
        None
    }

    /// How jobs are listed, if this is a target of jobs. It is polled by that alone, not by [`Query::poll`].
    fn jobs(&self) -> Option<&dyn JobsQuery> {
        None
    }

    /// Whether `other` asks the same of the same client.
    fn equals(&self, other: &dyn Query) -> bool;

    /// The query itself, for [`Query::equals`].
    fn as_any(&self) -> &dyn std::any::Any;
}

/// How one target lists the jobs of each deployment.
pub trait JobsQuery: fmt::Debug + Send + Sync {
    /// Whose jobs are listed.
    fn mode(&self) -> JobsMode;

    /// The number of deployments that may be asked for at a time.
    fn max_in_flight(&self) -> usize;

    /// Waits until the collector may start a request.
    fn turn(&self) -> BoxFuture<'static, Option<RateTurn>>;

    /// Lists the jobs of one deployment until `deadline`, which does not include the wait for further turns.
    fn list(
        &self,
        deployment: Box<str>,
        turn: Option<RateTurn>,
        deadline: Instant,
    ) -> BoxFuture<'static, Result<ListedJobs, ApiError>>;
}

/// The jobs of one deployment.
#[derive(Debug)]
pub struct ListedJobs {
    /// The jobs.
    pub jobs: Vec<Job>,
    /// Whether no job can be missing.
    pub complete: bool,
    /// The pages read.
    pub pages: u64,
    /// The values that could not be decoded.
    pub invalid: InvalidValues,
}

/// What a poll collected.
#[derive(Debug)]
pub struct Collected {
    /// The objects.
    pub objects: Box<dyn ObjectSet>,
    /// Whether the pages were consistent; otherwise an object may be missing.
    pub consistent: bool,
    /// The pages read.
    pub pages: u64,
    /// The values that could not be decoded.
    pub invalid: InvalidValues,
}
