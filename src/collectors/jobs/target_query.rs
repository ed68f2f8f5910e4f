//! The target of jobs in one namespace.

use std::{any::Any, sync::Arc};

use futures_util::future::{BoxFuture, ready};
use tokio::time::Instant;

use super::{Jobs, ListJobs, list_jobs::MAX_PAGES};
use crate::{
    api::{ApiError, Client, RateTurn, Retry},
    collectors::{
        collector::Collector,
        list_collector::ListCollector,
        target_query::{Collected, JobsQuery, ListedJobs, TargetQuery},
    },
    model::{ErrorClass, JobsMode},
};

/// The target of jobs in one namespace.
#[derive(Debug)]
pub struct JobsTargetQuery {
    /// The client of the workspace, with the rate of this collector.
    pub client: Arc<Client>,
    /// The namespace.
    pub namespace: String,
    /// Which deployments are queried.
    pub mode: JobsMode,
}

impl JobsQuery for JobsTargetQuery {
    fn mode(&self) -> JobsMode {
        self.mode
    }

    fn max_in_flight(&self) -> usize {
        self.client.max_low_in_flight()
    }

    fn turn(&self) -> BoxFuture<'static, Option<RateTurn>> {
        let client = self.client.clone();
        Box::pin(async move { client.turn().await })
    }

    fn list(
        &self,
        deployment: Box<str>,
        turn: Option<RateTurn>,
        deadline: Instant,
    ) -> BoxFuture<'static, Result<ListedJobs, ApiError>> {
        let client = self.client.clone();
        let operation = ListJobs { namespace: self.namespace.clone(), deployment };
        Box::pin(async move {
            let listing = client.list_with_turn(operation, turn, deadline).await?;
            Ok(ListedJobs {
                jobs: listing.items,
                complete: listing.consistent && listing.pages < MAX_PAGES,
                pages: listing.pages,
                invalid: listing.invalid,
            })
        })
    }
}

impl TargetQuery for JobsTargetQuery {
    fn collector(&self) -> &'static dyn Collector {
        &const { ListCollector::<Jobs>::NEW }
    }

    fn poll(&self, _deadline: Instant) -> BoxFuture<'_, Result<Collected, ApiError>> {
        let detail = "jobs are not polled all at once";
        Box::pin(ready(Err(ApiError::new(ErrorClass::Internal, Retry::Never, detail))))
    }

    fn jobs(&self) -> Option<&dyn JobsQuery> {
        Some(self)
    }

    fn equals(&self, other: &dyn TargetQuery) -> bool {
        other.as_any().downcast_ref::<Self>().is_some_and(|other| {
            Arc::ptr_eq(&self.client, &other.client)
                && self.namespace == other.namespace
                && self.mode == other.mode
        })
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
