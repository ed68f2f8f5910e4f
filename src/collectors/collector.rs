//! The traits of collectors and their queries.

use std::{fmt, io, time::Duration};

use futures_util::future::BoxFuture;
use tokio::time::Instant;

use crate::{
    api::{ApiError, InvalidValues, Priority, RateTurn},
    exposition::{RenderedFamilies, Section, SectionText, SeriesCounts},
    model::{CollectorName, Job, JobsMode, LabelKeys, LastJobStatuses, ObjectSet},
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
    fn section(&self) -> Section;

    /// Renders a group. Unchanged text is shared with `previous`. Returns none if the text exceeds `limit` bytes.
    fn render(
        &self,
        group: &GroupObjects,
        config: &RenderConfig,
        previous: &RenderedFamilies,
        limit: usize,
    ) -> Option<RenderedFamilies>;

    /// The rendered groups as a section of a body.
    fn section_text<'r>(&self, groups: Vec<&'r RenderedFamilies>) -> SectionText<'r>;

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

/// The query of one target.
pub trait Query: fmt::Debug + Send + Sync {
    /// The collector.
    fn collector(&self) -> &'static dyn Collector;

    /// Polls once, until `deadline`.
    ///
    /// # Errors
    ///
    /// The error of the API client: see [`Client::list`](crate::api::Client::list).
    fn poll(&self, deadline: Instant) -> BoxFuture<'_, Result<Collected, ApiError>>;

    /// Additional time that a poll may take beyond `poll.timeout`, because it waits for rate limits that the timeout
    /// does not include.
    fn max_wait(&self) -> Duration {
        Duration::ZERO
    }

    /// Lists the deployments by the status of their last job, until `deadline`. None if the objects are not
    /// deployments.
    fn last_job_statuses(
        &self,
        _deadline: Instant,
    ) -> Option<BoxFuture<'_, Result<LastJobStatuses, ApiError>>> {
        None
    }

    /// The query for jobs, if this is a target of jobs. Then [`Query::poll`] is not used.
    fn jobs(&self) -> Option<&dyn JobsQuery> {
        None
    }

    /// Whether `other` is the same query with the same client.
    fn equals(&self, other: &dyn Query) -> bool;

    /// The query itself, for [`Query::equals`].
    fn as_any(&self) -> &dyn std::any::Any;
}

/// The query of a target of jobs, for single deployments.
pub trait JobsQuery: fmt::Debug + Send + Sync {
    /// Which deployments are queried.
    fn mode(&self) -> JobsMode;

    /// Maximum number of concurrent requests.
    fn max_in_flight(&self) -> usize;

    /// Waits for the rate limit of the collector.
    fn turn(&self) -> BoxFuture<'static, Option<RateTurn>>;

    /// Lists the jobs of one deployment until `deadline`. The deadline does not include the wait for the rate limit
    /// of further pages.
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
    /// Whether the listing is complete.
    pub complete: bool,
    /// The number of pages read.
    pub pages: u64,
    /// The invalid values.
    pub invalid: InvalidValues,
}

/// The result of a poll.
#[derive(Debug)]
pub struct Collected {
    /// The objects.
    pub objects: Box<dyn ObjectSet>,
    /// Whether the pages were consistent. Otherwise objects may be missing.
    pub consistent: bool,
    /// The number of pages read.
    pub pages: u64,
    /// The invalid values.
    pub invalid: InvalidValues,
}
