//! A generic collector for objects that one operation lists.

use std::{any::Any, fmt, io, marker::PhantomData, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use tokio::time::Instant;

use super::{
    collector::{Collector, RenderConfig, Scope},
    target_query::{Collected, TargetQuery},
};
use crate::{
    api::{ApiError, Client, Operation, Priority},
    exposition::{
        self, JoinedFamilies, MetricFamilies, ObjectGroup, ReferenceSection, RenderedFamilies, SeriesCounts,
    },
    model::{CollectorName, Object, Objects},
    store::GroupObjects,
};

/// Objects that one operation lists, and their metric families.
pub trait ListedObjects: fmt::Debug + Send + Sync + 'static {
    /// The families.
    type Families: MetricFamilies;

    /// The name of the collector.
    const NAME: CollectorName;
    /// The scope of the targets.
    const SCOPE: Scope;
    /// The default poll interval.
    const DEFAULT_INTERVAL: Duration;
    /// The RAM actions of the operation.
    const RAM_ACTIONS: &'static [&'static str];

    /// The objects of a group, to be rendered.
    fn objects(group: &GroupObjects) -> ObjectGroup<'_, Self::Families>;
}

/// The collector of `T`.
#[derive(Debug)]
pub struct ListCollector<T>(PhantomData<T>);

impl<T> ListCollector<T> {
    /// The collector.
    pub const NEW: Self = Self(PhantomData);
}

impl<T: ListedObjects> Collector for ListCollector<T> {
    fn name(&self) -> CollectorName {
        T::NAME
    }

    fn scope(&self) -> Scope {
        T::SCOPE
    }

    fn default_interval(&self) -> Duration {
        T::DEFAULT_INTERVAL
    }

    fn priority(&self) -> Priority {
        Priority::Normal
    }

    fn ram_actions(&self) -> &'static [&'static str] {
        T::RAM_ACTIONS
    }

    fn section(&self) -> ReferenceSection {
        ReferenceSection::of::<T::Families>()
    }

    fn render(
        &self,
        group: &GroupObjects,
        _config: &RenderConfig,
        previous: &RenderedFamilies,
        limit: usize,
    ) -> Option<RenderedFamilies> {
        exposition::render_within(&T::objects(group), previous, limit)
    }

    fn join_families<'r>(&self, groups: Vec<&'r RenderedFamilies>) -> JoinedFamilies<'r> {
        JoinedFamilies::of::<T::Families>(groups)
    }

    fn write(
        &self,
        groups: &[GroupObjects],
        _config: &RenderConfig,
        dropped: &[&str],
        mut out: &mut dyn io::Write,
    ) -> io::Result<SeriesCounts> {
        let groups: Vec<_> = groups.iter().map(T::objects).collect();
        exposition::write(&groups, dropped, &mut out)
    }
}

/// The query of one target: lists all objects with one operation.
#[derive(Debug)]
pub struct ListTargetQuery<O> {
    /// The collector.
    pub collector: &'static dyn Collector,
    /// The client of the workspace.
    pub client: Arc<Client>,
    /// The operation.
    pub operation: O,
}

impl<O> ListTargetQuery<O>
where
    O: Operation + Clone + PartialEq + fmt::Debug,
    O::Item: Object,
{
    async fn collect(&self, deadline: Instant) -> Result<Collected, ApiError> {
        let listing = self.client.list(self.operation.clone(), deadline).await?;
        Ok(Collected {
            objects: Box::new(Objects::listed(listing.items)),
            consistent: listing.consistent,
            pages: listing.pages,
            invalid: listing.invalid,
        })
    }
}

impl<O> TargetQuery for ListTargetQuery<O>
where
    O: Operation + Clone + PartialEq + fmt::Debug,
    O::Item: Object,
{
    fn collector(&self) -> &'static dyn Collector {
        self.collector
    }

    fn poll(&self, deadline: Instant) -> BoxFuture<'_, Result<Collected, ApiError>> {
        Box::pin(self.collect(deadline))
    }

    fn equals(&self, other: &dyn TargetQuery) -> bool {
        other.as_any().downcast_ref::<Self>().is_some_and(|other| {
            Arc::ptr_eq(&self.client, &other.client) && self.operation == other.operation
        })
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
