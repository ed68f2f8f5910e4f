//! The collector of deployments.

use std::{any::Any, io, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use tokio::time::Instant;

use super::{
    DeploymentsQuery,
    families::{self, Deployments, ExportedLabels},
};
use crate::{
    api::{ApiError, Client, Priority},
    collectors::{
        collector::{Collector, RenderConfig, Scope},
        target_query::{Collected, TargetQuery},
    },
    exposition::{self, JoinedFamilies, ReferenceSection, RenderedFamilies, SeriesCounts},
    model::{CollectorName, DEPLOYMENTS, Deployment, LastJobStatuses, Object, Objects},
    store::GroupObjects,
};

/// The deployments of namespaces.
#[derive(Debug)]
pub struct DeploymentsCollector;

impl Object for Deployment {
    fn key(&self) -> &str {
        &self.id
    }
}

impl Collector for DeploymentsCollector {
    fn name(&self) -> CollectorName {
        DEPLOYMENTS
    }

    fn scope(&self) -> Scope {
        Scope::Namespace
    }

    fn default_interval(&self) -> Duration {
        Duration::from_secs(60)
    }

    fn priority(&self) -> Priority {
        Priority::Normal
    }

    fn ram_actions(&self) -> &'static [&'static str] {
        &["stream:ListDeployments", "stream:GetDeploymentsByLabel"]
    }

    fn section(&self) -> ReferenceSection {
        ReferenceSection::of::<Deployments>()
    }

    fn render(
        &self,
        group: &GroupObjects,
        config: &RenderConfig,
        previous: &RenderedFamilies,
        limit: usize,
    ) -> Option<RenderedFamilies> {
        let labels = ExportedLabels::new(&config.label_keys);
        exposition::render_within(&objects(group, &labels), previous, limit)
    }

    fn join_families<'r>(&self, groups: Vec<&'r RenderedFamilies>) -> JoinedFamilies<'r> {
        JoinedFamilies::of::<Deployments>(groups)
    }

    fn write(
        &self,
        groups: &[GroupObjects],
        config: &RenderConfig,
        dropped: &[&str],
        mut out: &mut dyn io::Write,
    ) -> io::Result<SeriesCounts> {
        let labels = ExportedLabels::new(&config.label_keys);
        let groups: Vec<_> = groups.iter().map(|group| objects(group, &labels)).collect();
        exposition::write(&groups, dropped, &mut out)
    }
}

fn objects<'a>(
    group: &'a GroupObjects,
    labels: &'a ExportedLabels,
) -> exposition::ObjectGroup<'a, Deployments> {
    let deployments = group.merged::<Deployment>();
    let transitions = group.transitions(&deployments);
    let deployments = deployments.into_iter().zip(transitions);
    families::group(&group.id.workspace, &group.id.namespace, deployments, labels)
}

/// The target of a selection of deployments.
#[derive(Debug)]
pub struct DeploymentsTargetQuery {
    /// The client of the workspace.
    pub client: Arc<Client>,
    /// The query.
    pub query: DeploymentsQuery,
}

impl TargetQuery for DeploymentsTargetQuery {
    fn collector(&self) -> &'static dyn Collector {
        &DeploymentsCollector
    }

    fn poll(&self, deadline: Instant) -> BoxFuture<'_, Result<Collected, ApiError>> {
        Box::pin(async move {
            let listing = self.query.list(&self.client, deadline).await?;
            Ok(Collected {
                objects: Box::new(Objects::listed(listing.items)),
                consistent: listing.consistent,
                pages: listing.pages,
                invalid: listing.invalid,
            })
        })
    }

    fn last_job_statuses(
        &self,
        deadline: Instant,
    ) -> Option<BoxFuture<'_, Result<LastJobStatuses, ApiError>>> {
        Some(Box::pin(self.query.last_job_statuses(&self.client, deadline)))
    }

    fn equals(&self, other: &dyn TargetQuery) -> bool {
        other
            .as_any()
            .downcast_ref::<Self>()
            .is_some_and(|other| Arc::ptr_eq(&self.client, &other.client) && self.query == other.query)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
