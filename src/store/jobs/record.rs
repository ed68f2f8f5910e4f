//! The saved record of the jobs of one deployment, and how an answer changes it. Pure functions.

use std::{cmp::Ordering, collections::HashMap};

use serde::{Deserialize, Serialize};

use crate::model::{FailureMessage, Job, JobState, LastFailure, LiveJobTotals};

const GIB: f64 = (1 << 30) as f64;

/// The memory of one compute unit, in GiB.
const GIB_PER_COMPUTE_UNIT: f64 = 4.0;

/// The saved state of the jobs of one deployment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::store) struct JobRecord {
    pub(super) last_failure: Option<LastFailure>,
    /// None until the first answer.
    pub(super) restarts: Option<RestartCounter>,
    /// The live jobs in the last answer.
    pub(super) live: Vec<LiveJob>,
    /// Whether a job has failed since the last answer.
    pub(super) failure_pending: bool,
    /// Whether restarts since the last answer are not counted, because the exporter did not run for too long.
    pub(super) outdated: bool,
}

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

/// Change of the message of the last failure.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::store) enum MessageChange {
    Keep,
    Replace(Option<FailureMessage>),
}

impl JobRecord {
    /// Updates the last failure from `jobs`, unless the known failure is more recent.
    pub(super) fn update_last_failure(&mut self, jobs: &[Job]) -> MessageChange {
        let failures = jobs.iter().filter_map(|job| Some((LastFailure::of(job)?, job)));
        let last = failures.max_by(|(one, _), (other, _)| order(one, other));
        let Some((failure, job)) = last else { return MessageChange::Keep };
        if self.last_failure.as_ref().is_some_and(|known| known.time > failure.time) {
            return MessageChange::Keep;
        }
        self.last_failure = Some(failure);
        MessageChange::Replace(job.failure.as_ref().and_then(|failure| failure.message.clone()))
    }

    /// Counts the restarts within live jobs. Restarts in the first answer are not counted, except for jobs that
    /// started after the deployment was first seen (`first_seen`, in seconds since the Unix epoch).
    pub(super) fn update_restarts(&mut self, list: JobList<'_>, first_seen: Option<f64>) {
        let is_first = self.restarts.is_none() || std::mem::take(&mut self.outdated);
        let mut known: HashMap<Box<str>, Option<u64>> =
            self.live.drain(..).map(|job| (job.id, job.restarts)).collect();
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
                self.live.push(LiveJob { id: job.id.clone(), restarts });
            }
        }
        if !list.complete {
            // Jobs that are missing may be on a page that was not read.
            let missed = known.into_iter().map(|(id, restarts)| LiveJob { id, restarts });
            self.live.extend(missed.take(list.jobs.len()));
        }
        let counter = self.restarts.get_or_insert_default();
        counter.observed = counter.observed.saturating_add(more);
    }
}

/// Orders failures by time.
fn order(one: &LastFailure, other: &LastFailure) -> Ordering {
    let by_time = one.time.partial_cmp(&other.time).unwrap_or(Ordering::Equal);
    by_time.then_with(|| one.job_id.cmp(&other.job_id))
}

/// Whether all restarts of a new job count.
fn is_new(job: &Job, is_first: bool, first_seen: Option<f64>) -> bool {
    let started_later = job.started.zip(first_seen).is_some_and(|(started, seen)| started > seen);
    !is_first || started_later
}

/// The totals of the live jobs; none without live jobs.
pub(super) fn live_totals(jobs: &[Job]) -> Option<LiveJobTotals> {
    let mut live = jobs.iter().filter(|job| job.is_live()).peekable();
    live.peek()?;
    let mut totals = LiveJobTotals::default();
    for job in live {
        totals.started = maximum(totals.started, job.started);
        totals.health_score = minimum(totals.health_score, job.health_score);
        if !job.in_session_cluster {
            totals.cpu_cores = sum(totals.cpu_cores, job.cpu_cores);
            totals.memory_bytes = sum(totals.memory_bytes, job.memory_bytes);
            totals.compute_units = sum(totals.compute_units, compute_units(job));
        }
    }
    Some(totals)
}

fn compute_units(job: &Job) -> Option<f64> {
    Some(job.cpu_cores?.max(job.memory_bytes? / GIB / GIB_PER_COMPUTE_UNIT))
}

fn sum(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    reduce(one, other, |one, other| one + other)
}

fn maximum(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    reduce(one, other, f64::max)
}

fn minimum(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    reduce(one, other, f64::min)
}

fn reduce(one: Option<f64>, other: Option<f64>, with: impl Fn(f64, f64) -> f64) -> Option<f64> {
    [one, other].into_iter().flatten().reduce(with)
}

#[cfg(test)]
mod tests;
