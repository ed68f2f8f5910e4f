//! The jobs that were observed to fail in the last hour.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use crate::{
    collectors,
    model::{Deployment, GroupId, TargetId},
    snapshot::Snapshot,
    store::{Store, TargetStatus},
};

/// How far pages and the JSON API look back for failures.
const PERIOD: Duration = Duration::from_secs(3600);

/// The jobs that were observed to fail within the last hour, by namespace and deployment.
#[derive(Debug)]
pub(super) struct RecentFailures(BTreeMap<GroupId, HashMap<Box<str>, u64>>);

impl RecentFailures {
    /// The failures in the namespaces of `snapshot` up to `now`, the time since the Unix epoch.
    pub(super) fn of(snapshot: &Snapshot, store: &Store, now: Duration) -> Self {
        let since = now.saturating_sub(PERIOD);
        let groups = deployment_groups(snapshot);
        Self(groups.map(|group| (group.clone(), store.failures_since(&group, since))).collect())
    }

    /// The failed jobs of one deployment.
    pub(super) fn of_deployment(&self, group: &GroupId, deployment: &Deployment) -> u64 {
        self.0.get(group).and_then(|failures| failures.get(&deployment.id)).copied().unwrap_or(0)
    }

    /// The failed jobs of the deployments that a target serves; none if it serves no deployments.
    pub(super) fn of_target(&self, id: &TargetId, status: &TargetStatus) -> Option<u64> {
        let deployments = status.objects::<Deployment>()?;
        let Some(failures) = self.0.get(&id.group()).filter(|failures| !failures.is_empty()) else {
            return Some(0);
        };
        let failed = deployments.iter().filter_map(|deployment| failures.get(&deployment.id));
        Some(failed.fold(0, |total, failed| total.saturating_add(*failed)))
    }

    /// All failed jobs, including those of deployments that are gone.
    pub(super) fn total(&self) -> u64 {
        self.0.values().flat_map(HashMap::values).fold(0, |total, failed| total.saturating_add(*failed))
    }
}

/// The namespaces with a target of deployments, each once.
pub(super) fn deployment_groups(snapshot: &Snapshot) -> impl Iterator<Item = GroupId> {
    let ids = snapshot.targets().iter().map(|(id, _)| id);
    let mut groups: Vec<_> =
        ids.filter(|id| id.collector == collectors::DEPLOYMENTS).map(|id| id.group()).collect();
    groups.sort_unstable();
    groups.dedup();
    groups.into_iter()
}
