//! The state of every target, and a target's deployments, as JSON. docs/web.md documents both.
//!
//! Times are in seconds since the Unix epoch, durations in seconds. Unknown values are null.

use std::{collections::BTreeMap, time::Duration};

use serde::Serialize;

use super::{recent_job_failures::RecentFailures, state_file_status::StateFileStatus};
use crate::{
    collectors,
    model::{Deployment, JobState, LastFailure, RequestedResources, Shard, TargetId, Transitions},
    snapshot::Snapshot,
    store::{JobDetails, PollRecord, Store, TargetStatus},
    telemetry::{DISCOVERY_STATES, DiscoveryHealth},
};

/// The reply of `/api/v1/status`.
#[derive(Debug, Serialize)]
pub(super) struct Status<'a> {
    version: &'static str,
    revision: &'static str,
    /// Null if the state is not persisted.
    state: Option<State>,
    shard: ShardOfTotal,
    series: Series,
    discovery: Vec<DiscoveryEntry>,
    targets: Vec<Target<'a>>,
}

#[derive(Debug, Serialize)]
struct State {
    healthy: bool,
    problem: Option<String>,
    last_save: Option<f64>,
}

/// The shard of this exporter among those that share the targets.
#[derive(Debug, Serialize)]
struct ShardOfTotal {
    index: u32,
    total: u32,
}

/// The series in a scrape.
#[derive(Debug, Serialize)]
struct Series {
    served: usize,
    /// Null if there is no limit.
    #[serde(rename = "max_series")]
    limit: Option<usize>,
    /// By metric.
    dropped: BTreeMap<&'static str, usize>,
}

#[derive(Debug, Serialize)]
struct DiscoveryEntry {
    discovery: String,
    region: String,
    /// Null before the first attempt has finished.
    up: Option<bool>,
    source: Option<String>,
    problem: Option<String>,
    last_success: Option<f64>,
    workspaces: BTreeMap<&'static str, usize>,
    namespaces: BTreeMap<&'static str, usize>,
}

#[derive(Debug, Serialize)]
struct Target<'a> {
    collector: &'static str,
    region: &'a str,
    workspace: &'a str,
    namespace: &'a str,
    /// Empty for the whole namespace.
    selection: &'a str,
    /// `pending`, `fresh`, `stale` or `expired`.
    freshness: &'static str,
    up: bool,
    objects: Option<usize>,
    /// The same as `objects`, if these are deployments.
    deployments: Option<usize>,
    failed_jobs: Option<u64>,
    failed_jobs_last_hour: Option<u64>,
    pages: u64,
    last_poll: Option<Poll<'a>>,
    last_success: Option<f64>,
    next_poll: Option<f64>,
    history: Vec<Poll<'a>>,
}

#[derive(Debug, Serialize)]
struct Poll<'a> {
    outcome: &'static str,
    ended: f64,
    duration: f64,
    objects: Option<usize>,
    error: Option<&'a str>,
}

/// The state of the exporter itself.
#[derive(Debug)]
pub(super) struct Exporter {
    /// The shard of this exporter among those that share the targets.
    pub(super) shard: Shard,
    /// The health of the discovery entries.
    pub(super) discovery: Vec<DiscoveryHealth>,
    /// The number of the exporter's own series in a scrape.
    pub(super) own_series: usize,
}

/// The status of every target in `snapshot`, at `now` since the Unix epoch.
pub(super) fn status<'a>(
    snapshot: &'a Snapshot,
    store: &Store,
    exporter: Exporter,
    now: Duration,
) -> Status<'a> {
    let failures = RecentFailures::of(snapshot, store, now);
    let targets = snapshot.targets().iter().map(|(id, status)| target(id, status, &failures)).collect();
    let (version, revision) = (env!("CARGO_PKG_VERSION"), env!("BUILD_REVISION"));
    let shard = ShardOfTotal { index: exporter.shard.index(), total: exporter.shard.total() };
    let discovery = exporter.discovery.into_iter().map(discovery_entry).collect();
    let series = series(snapshot, exporter.own_series);
    Status {
        version,
        revision,
        state: StateFileStatus::of(store).map(state),
        shard,
        series,
        discovery,
        targets,
    }
}

fn series(snapshot: &Snapshot, own: usize) -> Series {
    let (series, limit) = (snapshot.series(), snapshot.budget().limit());
    Series {
        served: series.served.total() + series.served.families() + own,
        limit: (limit > 0).then_some(limit),
        dropped: series.dropped.iter().collect(),
    }
}

fn discovery_entry(entry: DiscoveryHealth) -> DiscoveryEntry {
    let by_state = |counts: [usize; 4]| DISCOVERY_STATES.into_iter().zip(counts).collect();
    DiscoveryEntry {
        discovery: entry.name,
        region: entry.region,
        up: entry.up,
        source: entry.source,
        problem: entry.problem,
        last_success: entry.last_success.map(|time| time.as_secs_f64()),
        workspaces: by_state(entry.workspaces),
        namespaces: by_state(entry.namespaces),
    }
}

fn state(status: StateFileStatus) -> State {
    let StateFileStatus { healthy, problem, last_save } = status;
    let problem = problem.map(|problem| problem.to_string());
    State { healthy, problem, last_save: last_save.map(|time| time.as_secs_f64()) }
}

fn target<'a>(id: &'a TargetId, status: &'a TargetStatus, failures: &RecentFailures) -> Target<'a> {
    let objects = status.object_count();
    Target {
        collector: id.collector,
        region: &status.region,
        workspace: &id.workspace,
        namespace: &id.namespace,
        selection: &id.selection,
        freshness: status.freshness().as_str(),
        up: status.is_up().unwrap_or(false),
        objects,
        deployments: objects.filter(|_| id.collector == collectors::DEPLOYMENTS),
        failed_jobs: status.failed_jobs(),
        failed_jobs_last_hour: failures.of_target(id, status),
        pages: status.pages,
        last_poll: status.last_poll().map(poll),
        last_success: status.last_success.map(|time| time.as_secs_f64()),
        next_poll: status.next_poll.map(|time| time.as_secs_f64()),
        history: status.history.iter().map(poll).collect(),
    }
}

fn poll(poll: &PollRecord) -> Poll<'_> {
    Poll {
        outcome: poll.outcome.as_str(),
        ended: poll.ended.as_secs_f64(),
        duration: poll.took.as_secs_f64(),
        objects: poll.objects,
        error: poll.error.as_deref(),
    }
}

/// The reply of `/api/v1/targets/…/deployments`.
#[derive(Debug, Serialize)]
pub(super) struct Deployments<'a> {
    workspace: &'a str,
    namespace: &'a str,
    selection: &'a str,
    last_success: Option<f64>,
    /// Null while there is no data.
    #[serde(rename = "deployments")]
    all: Option<Vec<DeploymentEntry<'a>>>,
}

#[derive(Debug, Serialize)]
struct DeploymentEntry<'a> {
    id: &'a str,
    name: &'a str,
    execution_mode: &'a str,
    engine_version: &'a str,
    artifact_kind: &'a str,
    resource_mode: &'a str,
    deployment_mode: &'a str,
    queue: &'a str,
    session_cluster: &'a str,
    creator: &'a str,
    modifier: &'a str,
    created: Option<f64>,
    modified: Option<f64>,
    changes_pending: Option<bool>,
    /// Null if the API has never returned the deployment's jobs.
    status: Option<&'static str>,
    /// Null if the beginning was not observed.
    status_since: Option<f64>,
    /// Null if none is known.
    last_failure: Option<LastFailureEntry>,
    jobs: Jobs,
    requested: RequestedEntry,
    labels: BTreeMap<&'a str, &'a str>,
}

#[derive(Debug, Serialize)]
struct LastFailureEntry {
    /// The value of the label `reason`.
    reason: Box<str>,
    /// Null if the API did not return it.
    time: Option<f64>,
    job_id: Box<str>,
    /// Null if the API did not return it in this run.
    message: Option<String>,
}

#[derive(Debug, Serialize)]
struct Jobs {
    starting: Option<u64>,
    running: Option<u64>,
    cancelling: Option<u64>,
    cancelled: Option<u64>,
    finished: Option<u64>,
    failed: Option<u64>,
}

#[derive(Debug, Serialize)]
struct RequestedEntry {
    slots: Option<u64>,
    cpu_cores: Option<f64>,
    memory_bytes: Option<f64>,
    compute_units: Option<f64>,
}

/// The deployments of a target.
pub(super) fn deployments<'a>(id: &'a TargetId, status: &'a TargetStatus, store: &Store) -> Deployments<'a> {
    let entries = |all: &'a [Deployment]| {
        let all: Vec<_> = all.iter().collect();
        let group = id.group();
        let transitions = store.group_objects(&group).1.transitions(&all);
        let entry = |(deployment, transitions): (&'a Deployment, Transitions)| {
            deployment_entry(deployment, transitions, store.job_details(&group, &deployment.id))
        };
        all.into_iter().zip(transitions).map(entry).collect()
    };
    Deployments {
        workspace: &id.workspace,
        namespace: &id.namespace,
        selection: &id.selection,
        last_success: status.last_success.map(|time| time.as_secs_f64()),
        all: status.objects().map(entries),
    }
}

fn last_failure(details: JobDetails) -> Option<LastFailureEntry> {
    let LastFailure { reason, time, job_id } = details.last_failure?;
    let message = details.message.map(|message| message.as_str().to_owned());
    Some(LastFailureEntry { reason, time, job_id, message })
}

fn deployment_entry(
    deployment: &Deployment,
    transitions: Transitions,
    details: Option<JobDetails>,
) -> DeploymentEntry<'_> {
    let observed = transitions.status;
    let (info, jobs) = (&deployment.info, |state| deployment.jobs.get(state));
    let requested = RequestedResources::of(deployment);
    DeploymentEntry {
        id: &deployment.id,
        name: &deployment.name,
        execution_mode: &info.execution_mode,
        engine_version: &info.engine_version,
        artifact_kind: &info.artifact_kind,
        resource_mode: &info.resource_mode,
        deployment_mode: &info.deployment_mode,
        queue: &info.queue,
        session_cluster: &info.session_cluster,
        creator: &info.creator,
        modifier: &info.modifier,
        created: deployment.created,
        modified: deployment.modified,
        changes_pending: deployment.changes_pending,
        status: observed.map(|observed| observed.status.as_str()),
        status_since: observed.and_then(|observed| observed.since).map(|since| since.as_secs_f64()),
        last_failure: details.and_then(last_failure),
        jobs: Jobs {
            starting: jobs(JobState::Starting),
            running: jobs(JobState::Running),
            cancelling: jobs(JobState::Cancelling),
            cancelled: jobs(JobState::Cancelled),
            finished: jobs(JobState::Finished),
            failed: jobs(JobState::Failed),
        },
        requested: RequestedEntry {
            slots: requested.slots,
            cpu_cores: requested.cpu_cores,
            memory_bytes: requested.memory_bytes,
            compute_units: requested.compute_units,
        },
        labels: deployment.labels.iter().map(|(key, value)| (&**key, &**value)).collect(),
    }
}
