//! The state of every target as JSON.

use serde::Serialize;

use crate::snapshot::{LastPoll, Snapshot, TargetId, TargetStatus};

/// The reply of `/api/v1/status`. Times are seconds since the Unix epoch, durations seconds.
#[derive(Debug, Serialize)]
pub(super) struct Status<'a> {
    version: &'static str,
    targets: Vec<Target<'a>>,
}

#[derive(Debug, Serialize)]
struct Target<'a> {
    workspace: &'a str,
    namespace: &'a str,
    /// Empty for the whole namespace.
    selection: &'a str,
    /// `pending`, `fresh`, `stale` or `expired`.
    freshness: &'static str,
    deployments: Option<usize>,
    failed_jobs: Option<u64>,
    pages: u64,
    last_poll: Option<Poll<'a>>,
    last_success: Option<f64>,
    next_poll: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Poll<'a> {
    outcome: &'static str,
    ended: f64,
    duration: f64,
    error: Option<&'a str>,
}

/// The status of what `snapshot` serves.
pub(super) fn of(snapshot: &Snapshot) -> Status<'_> {
    let targets = snapshot.targets().iter().map(|(id, status)| target(id, status)).collect();
    Status { version: env!("CARGO_PKG_VERSION"), targets }
}

fn target<'a>(id: &'a TargetId, status: &'a TargetStatus) -> Target<'a> {
    Target {
        workspace: &id.workspace,
        namespace: &id.namespace,
        selection: &id.selection,
        freshness: status.freshness().as_str(),
        deployments: status.deployments().map(<[_]>::len),
        failed_jobs: status.failed_jobs(),
        pages: status.pages,
        last_poll: status.last_poll().map(poll),
        last_success: status.last_success.map(|time| time.as_secs_f64()),
        next_poll: status.next_poll.map(|time| time.as_secs_f64()),
    }
}

fn poll(poll: &LastPoll) -> Poll<'_> {
    Poll {
        outcome: poll.outcome.as_str(),
        ended: poll.ended.as_secs_f64(),
        duration: poll.took.as_secs_f64(),
        error: poll.error.as_deref(),
    }
}
