//! The traits of the queries that targets poll.

use std::{fmt, time::Duration};

use futures_util::future::BoxFuture;
use tokio::time::Instant;

use super::collector::Collector;
use crate::{
    api::{ApiError, InvalidValues, RateTurn},
    model::{Job, JobsMode, LastJobStatuses, ObjectSet},
};

/// The query of one target.
pub trait TargetQuery: fmt::Debug + Send + Sync {
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

    /// The query for jobs, if this is a target of jobs. Then [`TargetQuery::poll`] is not used.
    fn jobs(&self) -> Option<&dyn JobsQuery> {
        None
    }

    /// Whether `other` is the same query with the same client.
    fn equals(&self, other: &dyn TargetQuery) -> bool;

    /// The query itself, for [`TargetQuery::equals`].
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
