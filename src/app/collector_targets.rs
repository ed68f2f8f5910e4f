//! Targets of the collectors that use the API of a workspace, except deployments.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use crate::{
    api::Client,
    collectors::{
        ListCollector, ListTargetQuery, ListedObjects, Scope, TargetQuery,
        engine_versions::{EngineVersions, ListEngineVersionMetadata},
        jobs::JobsTargetQuery,
        queues::{ListDeploymentTargets, Queues},
        session_clusters::{ListSessionClusters, SessionClusters},
    },
    config::Collectors,
    model::{CollectorName, JOBS, TargetId},
    poll,
    targets::DesiredTarget,
};

/// A workspace with its enabled collectors.
pub(super) struct CollectedWorkspace<'w> {
    pub(super) id: &'w str,
    pub(super) region: &'w Arc<str>,
    pub(super) client: &'w Arc<Client>,
    /// The client of the collector of jobs, if it is enabled.
    pub(super) jobs_client: Option<&'w Arc<Client>>,
    pub(super) collectors: &'w Collectors,
    /// The poll settings, except the interval.
    pub(super) poll: poll::Settings,
    pub(super) requests_per_second: f64,
}

impl CollectedWorkspace<'_> {
    /// The targets of the workspace and of its polled namespaces.
    pub(super) fn targets<'n>(
        &self,
        namespaces: impl IntoIterator<Item = &'n str>,
    ) -> Vec<(Arc<TargetId>, DesiredTarget)> {
        // A namespace may have several targets of deployments.
        let namespaces: BTreeSet<&str> = namespaces.into_iter().collect();
        let mut targets = Vec::new();
        for namespace in namespaces {
            let name = || namespace.to_owned();
            targets
                .extend(self.target::<Queues, _>(namespace, || ListDeploymentTargets { namespace: name() }));
            targets.extend(
                self.target::<SessionClusters, _>(namespace, || ListSessionClusters { namespace: name() }),
            );
            targets.extend(self.jobs(namespace));
        }
        targets.extend(self.target::<EngineVersions, _>("", || ListEngineVersionMetadata));
        targets
    }

    /// The target of jobs in a namespace, if the collector is enabled. It covers the deployments of all targets
    /// there.
    fn jobs(&self, namespace: &str) -> Option<(Arc<TargetId>, DesiredTarget)> {
        let enabled = self.collectors.get(JOBS)?;
        let query = JobsTargetQuery {
            client: self.jobs_client?.clone(),
            namespace: namespace.to_owned(),
            mode: enabled.jobs?.mode,
        };
        Some(self.collected(JOBS, namespace, Arc::new(query), enabled.interval))
    }

    /// A target of the collector of `T`, if it is enabled.
    fn target<T, O>(
        &self,
        namespace: &str,
        operation: impl FnOnce() -> O,
    ) -> Option<(Arc<TargetId>, DesiredTarget)>
    where
        T: ListedObjects,
        ListTargetQuery<O>: TargetQuery + 'static,
    {
        debug_assert_eq!(namespace.is_empty(), T::SCOPE == Scope::Workspace);
        let enabled = self.collectors.get(T::NAME)?;
        let query = ListTargetQuery {
            collector: &const { ListCollector::<T>::NEW },
            client: self.client.clone(),
            operation: operation(),
        };
        Some(self.collected(T::NAME, namespace, Arc::new(query), enabled.interval))
    }

    fn collected(
        &self,
        collector: CollectorName,
        namespace: &str,
        query: Arc<dyn TargetQuery>,
        interval: Duration,
    ) -> (Arc<TargetId>, DesiredTarget) {
        let id = TargetId {
            workspace: self.id.to_owned(),
            namespace: namespace.to_owned(),
            collector,
            selection: String::new(),
        };
        let target = DesiredTarget {
            region: self.region.clone(),
            query,
            settings: poll::Settings { interval, ..self.poll },
            requests_per_second: self.requests_per_second,
        };
        (Arc::new(id), target)
    }
}
