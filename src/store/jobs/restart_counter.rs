//! The counter of restarts within jobs: `aliyun_flink_deployment_job_restarts_total`.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::model::{Job, JobState};

/// Counter of restarts within the jobs of one deployment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::store) struct RestartCounter {
    /// The number of observed restarts.
    pub(super) observed: u64,
    /// The value that was last served: `observed`, or less while the counter keeps its first value.
    pub(super) served: u64,
}

/// A live job with its number of restarts in the last answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::store) struct LiveJob {
    id: Box<str>,
    restarts: Option<u64>,
}

/// The jobs of one deployment in one listing.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct JobList<'a> {
    pub(in crate::store) jobs: &'a [Job],
    /// Whether the listing is complete.
    pub(in crate::store) complete: bool,
}

/// Counts the restarts within live jobs. Returns the number of restarts since the last answer. Replaces
/// `known_jobs`, the live jobs in the last answer, by those in `list`.
///
/// Restarts in the first answer are not counted (`is_first`), except for jobs that started after the deployment was first
/// seen (`first_seen`, in seconds since the Unix epoch).
pub(super) fn count_restarts(
    known_jobs: &mut Vec<LiveJob>,
    list: JobList<'_>,
    is_first: bool,
    first_seen: Option<f64>,
) -> u64 {
    let mut known: HashMap<Box<str>, Option<u64>> =
        known_jobs.drain(..).map(|job| (job.id, job.restarts)).collect();
    let mut more = 0_u64;
    for job in list.jobs {
        let before = known.remove(&job.id);
        if before.is_none() && !job.is_live() {
            continue;
        }
        let baseline = match before {
            Some(restarts) if !is_first => restarts,
            _ => is_new(job, is_first, first_seen).then_some(0),
        };
        if let (Some(before), Some(now)) = (baseline, job.restarts) {
            more = more.saturating_add(now.saturating_sub(before));
        }
        if job.is_live() {
            let starting = (job.state == Some(JobState::Starting)).then_some(0);
            let restarts = job.restarts.or(baseline).or(starting);
            known_jobs.push(LiveJob { id: job.id.clone(), restarts });
        }
    }
    if !list.complete {
        // Jobs that are missing may be on a page that was not read.
        let missed = known.into_iter().map(|(id, restarts)| LiveJob { id, restarts });
        known_jobs.extend(missed.take(list.jobs.len()));
    }
    more
}

/// Whether all restarts of a new job count.
fn is_new(job: &Job, is_first: bool, first_seen: Option<f64>) -> bool {
    let started_later = job.started.zip(first_seen).is_some_and(|(started, seen)| started > seen);
    !is_first || started_later
}
