//! Checks of the enabled collectors, and their requests per day.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::{
    call_rate::per_day,
    remedies,
    report::{Check, TargetReport},
};
use crate::{
    api::{ApiError, Client, Operation},
    collectors::{
        ListedObjects,
        engine_versions::{EngineVersions, ListEngineVersionMetadata},
        queues::{ListDeploymentTargets, Queues},
        session_clusters::{ListSessionClusters, SessionClusters},
    },
    config,
    model::CollectorName,
};

/// Whether a target is the first one of its scope, so that each collector is checked once.
#[derive(Debug, Clone, Copy)]
pub(super) struct FirstTarget {
    /// Whether the target is the first one of its namespace.
    pub(super) of_namespace: bool,
    /// Whether it is the first one of its workspace.
    pub(super) of_workspace: bool,
}

/// Lists the objects of the collectors of the target's namespace, and of its workspace.
pub(super) async fn check(
    client: &Client,
    workspace: &config::Workspace,
    target: &config::Target,
    first: FirstTarget,
    report: &mut TargetReport,
) {
    let examination = CollectorCheck { client, workspace, timeout: target.poll.timeout };
    let namespace = || target.namespace.clone();
    if first.of_namespace {
        examination.list::<Queues, _>(ListDeploymentTargets { namespace: namespace() }, report).await;
        examination.list::<SessionClusters, _>(ListSessionClusters { namespace: namespace() }, report).await;
    }
    if first.of_workspace {
        examination.list::<EngineVersions, _>(ListEngineVersionMetadata, report).await;
    }
}

struct CollectorCheck<'e> {
    client: &'e Client,
    workspace: &'e config::Workspace,
    timeout: Duration,
}

impl CollectorCheck<'_> {
    async fn list<T: ListedObjects, O: Operation>(&self, operation: O, report: &mut TargetReport) {
        let Some(enabled) = self.workspace.collectors.get(T::NAME) else { return };
        let deadline = Instant::now() + self.timeout;
        let check = match timeout_at(deadline, self.client.list(operation, deadline)).await {
            Ok(Ok(listing)) => {
                if let Some(calls) = &mut report.api_calls_per_day {
                    *calls += listing.pages as f64 * per_day(enabled.interval);
                }
                Check::ok(T::NAME, format!("{}: {} objects", O::ACTION, listing.items.len()))
            }
            Ok(Err(error)) => failed(T::NAME, O::ACTION, &error, report),
            Err(_) => timed_out(T::NAME, O::ACTION),
        };
        report.checks.push(check);
    }
}

/// The failed check of a collector. Records the missing RAM action.
pub(super) fn failed(
    collector: CollectorName,
    operation: &str,
    error: &ApiError,
    report: &mut TargetReport,
) -> Check {
    let detail = format!("{operation}: {error}");
    if !error.is_ram_denial() {
        return Check::failed(collector, detail, remedies::of(error));
    }
    let action = error.denied_action().map_or_else(|| format!("stream:{operation}"), str::to_owned);
    let hint = format!(
        "allow the RAM action {action} on * to the user or role above, or disable the collector {collector}"
    );
    report.missing_permission.get_or_insert(action);
    Check::failed(collector, detail, hint)
}

/// The check of a collector whose operation timed out.
pub(super) fn timed_out(collector: CollectorName, operation: &str) -> Check {
    Check::failed(collector, format!("{operation}: no time left (poll.timeout)"), "try again later")
}
