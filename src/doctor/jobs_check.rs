//! Check of the collector of jobs, and its requests per day.

use tokio::time::{Instant, timeout_at};

use super::{
    call_rate::{DAY, per_day},
    collector_checks,
    report::{Check, TargetReport},
};
use crate::{
    api::{Client, Listing},
    collectors::jobs::ListJobs,
    config::{self, EnabledCollector, JobsSettings},
    model::{Deployment, ErrorClass, JOBS, JobState, JobsMode},
};

/// Lists the jobs of one deployment of a target, if the collector is enabled.
pub(super) async fn check(
    client: &Client,
    workspace: &config::Workspace,
    target: &config::Target,
    listing: &Listing<Deployment>,
    report: &mut TargetReport,
) {
    let Some(enabled) = workspace.collectors.get(JOBS) else { return };
    let Some(deployment) = listing.items.first() else {
        report.checks.push(Check::skipped("jobs", "there is no deployment to ask for"));
        return;
    };
    if let Some(calls) = &mut report.api_calls_per_day {
        *calls += calls_per_day(enabled, &listing.items);
    }
    let operation = ListJobs { namespace: target.namespace.clone(), deployment: deployment.id.clone() };
    let deadline = Instant::now() + target.poll.timeout;
    let check = match timeout_at(deadline, client.list(operation, deadline)).await {
        Ok(Ok(listing)) => {
            Check::ok("jobs", format!("ListJobs: {} jobs of one deployment", listing.items.len()))
        }
        Ok(Err(error)) if error.class() == ErrorClass::NotFound => {
            Check::ok("jobs", "ListJobs is permitted; the deployment is gone")
        }
        Ok(Err(error)) => collector_checks::failed(JOBS, "ListJobs", &error, report),
        Err(_) => collector_checks::timed_out(JOBS, "ListJobs"),
    };
    report.checks.push(check);
}

/// The requests per day for deployments that have live jobs now. Requests for failures are unknown.
fn calls_per_day(enabled: EnabledCollector, deployments: &[Deployment]) -> f64 {
    let Some(JobsSettings { mode: JobsMode::Active, requests_per_second }) = enabled.jobs else { return 0.0 };
    let is_live = |deployment: &&Deployment| {
        JobState::LIVE.into_iter().any(|state| deployment.jobs.get(state).is_some_and(|count| count > 0))
    };
    let live = deployments.iter().filter(is_live).count() as f64;
    (live * per_day(enabled.interval)).min(requests_per_second * DAY.as_secs_f64())
}
