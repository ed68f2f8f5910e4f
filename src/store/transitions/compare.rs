//! Compares a polled deployment with its known state. Pure functions.

use std::time::Duration;

use tokio::time::Instant;

use super::deployment_record::{DeploymentRecord, EndedJobs, LiveJobs, Lookup};
use crate::model::{Deployment, DeploymentStatus, JobCounts, JobState, LastJobStatuses, ObservedStatus};

/// Tolerance for the clock difference to the service in the decision whether a deployment was created since the
/// previous poll.
const CREATION_TOLERANCE: Duration = Duration::from_secs(120);

/// Interval between lookups of an unknown status after the first two attempts.
const LOOKUP_INTERVAL: Duration = Duration::from_secs(600);

/// Number of lookups without [`LOOKUP_INTERVAL`] between them: in the poll that needs the status, and in the next
/// one.
const PROMPT_LOOKUPS: u8 = 2;

/// The poll whose deployments are compared.
#[derive(Debug)]
pub(in crate::store) struct Poll<'a> {
    /// Start of the request.
    pub(in crate::store) requested_at: Instant,
    /// End of the poll.
    pub(in crate::store) ended_at: Instant,
    /// End of the poll, as time since the Unix epoch.
    pub(in crate::store) ended: Duration,
    /// End of the target's previous successful poll, as time since the Unix epoch.
    pub(in crate::store) previous_success: Option<Duration>,
    /// Minimum time for which a counter keeps its first value.
    pub(in crate::store) first_value_hold: Duration,
    pub(in crate::store) answer: &'a StatusLookup,
}

/// The API's answer to the query for last job statuses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum StatusLookup {
    /// It was not queried.
    #[default]
    NotNeeded,
    /// The request failed.
    Failed,
    /// It returned these statuses.
    Statuses(LastJobStatuses),
}

/// What the job counts show about the status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Status(DeploymentStatus),
    /// It is unchanged.
    Unchanged,
    /// The API must be queried.
    Ambiguous,
    /// It cannot be determined.
    Unreadable,
}

impl Poll<'_> {
    /// The state of `deployment` after this poll. `begins` is whether its series begin with this poll.
    ///
    /// `before` is none for a new deployment.
    pub(super) fn compare(
        &self,
        before: Option<&DeploymentRecord>,
        deployment: &Deployment,
        begins: bool,
    ) -> DeploymentRecord {
        let is_new = before.is_none() && self.is_new(deployment);
        let mut after = before.cloned().unwrap_or_else(|| DeploymentRecord::new(self.ended));
        after.last_returned = after.last_returned.max(self.ended);
        after.gone = false;
        let newer = after.requested_at.is_none_or(|compared| compared <= self.requested_at);
        let mut begin = [begins; 3];
        if newer && !deployment.jobs.is_empty() {
            after.requested_at = Some(self.requested_at);
            let rose = after.count_ended(&deployment.jobs, is_new, &mut begin);
            self.update_status(before, &mut after, deployment, is_new, rose);
            after.live = LiveJobs::of(&deployment.jobs);
            after.outdated = false;
        }
        self.hold(&mut after, begin);
        after.first_seen.get_or_insert(self.ended);
        after.status_was_known |=
            after.status.is_some_and(|observed| observed.status != DeploymentStatus::Unknown);
        after
    }

    /// Whether comparing `deployment`, whose series do not begin, changes only the time of the comparison.
    pub(super) fn changes_nothing(&self, before: &DeploymentRecord, deployment: &Deployment) -> bool {
        let is_known = before.status.is_some_and(|observed| observed.status != DeploymentStatus::Unknown);
        let is_settled =
            is_known && before.status_was_known && before.holds.is_none() && !before.gone && !before.outdated;
        let is_newer = before.requested_at.is_some_and(|compared| compared <= self.requested_at);
        is_settled && is_newer && !deployment.jobs.is_empty() && before.is_unchanged(&deployment.jobs)
    }

    /// Whether the comparison needs the last job status from the API.
    pub(super) fn needs_status_lookup(
        &self,
        before: Option<&DeploymentRecord>,
        deployment: &Deployment,
    ) -> bool {
        let unchanged = before.is_some_and(|before| {
            before.status.is_some_and(|observed| observed.status != DeploymentStatus::Unknown)
                && before.is_unchanged(&deployment.jobs)
        });
        if unchanged || deployment.jobs.is_empty() {
            return false;
        }
        let after = self.compare(before, deployment, false);
        let is_unknown = after.status.is_some_and(|observed| observed.status == DeploymentStatus::Unknown);
        is_unknown && after.live.is_none() && after.lookup.is_due(self.ended_at)
    }

    /// Whether the deployment was created since the target's previous successful poll.
    fn is_new(&self, deployment: &Deployment) -> bool {
        let created = deployment.created.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        let (Some(created), Some(previous)) = (created, self.previous_success) else { return false };
        created.saturating_add(CREATION_TOLERANCE) >= previous
    }

    fn update_status(
        &self,
        before: Option<&DeploymentRecord>,
        after: &mut DeploymentRecord,
        deployment: &Deployment,
        is_new: bool,
        rose: [bool; 3],
    ) {
        let (jobs, live) = (&deployment.jobs, LiveJobs::of(&deployment.jobs));
        let changed = before.is_none_or(|before| !before.is_unchanged(jobs));
        // If the exporter did not run for long, a status is kept only if nothing changed.
        let known = before.filter(|before| !(before.outdated && changed));
        let known = known.and_then(|known| Some((known.status?, known.live)));
        let verdict = match known {
            _ if is_new => verdict_of_new(jobs, live, rose),
            Some((observed, live_before)) => verdict(jobs, live, rose, observed.status, live_before),
            None => verdict_at_first_sight(jobs, live),
        };
        if changed {
            after.lookup = Lookup::default();
        }
        let status = match verdict {
            Verdict::Status(status) => status,
            Verdict::Unreadable => DeploymentStatus::Unknown,
            Verdict::Ambiguous => self.look_up(deployment, &mut after.lookup),
            Verdict::Unchanged => known.map_or(DeploymentStatus::Unknown, |(observed, _)| observed.status),
        };
        let rose = rose.contains(&true);
        let since = match known {
            _ if is_new || (known.is_some() && rose) => Some(self.ended),
            None => None,
            Some((observed, _)) if observed.status == status => observed.since,
            Some((observed, live_before)) if observed.status == DeploymentStatus::Unknown => {
                let became_live = live_before.is_none() && !live.is_none();
                if became_live { Some(self.ended) } else { observed.since }
            }
            Some(_) => Some(self.ended),
        };
        after.status = Some(ObservedStatus { status, since });
    }

    fn look_up(&self, deployment: &Deployment, lookup: &mut Lookup) -> DeploymentStatus {
        let statuses = match self.answer {
            StatusLookup::NotNeeded => return DeploymentStatus::Unknown,
            StatusLookup::Failed => &LastJobStatuses::default(),
            StatusLookup::Statuses(statuses) => statuses,
        };
        lookup.attempts = lookup.attempts.saturating_add(1);
        lookup.last = Some(self.ended_at);
        let mut states = statuses.of(&deployment.id);
        match (states.next(), states.next()) {
            (Some(state), None) => DeploymentStatus::ended(state).unwrap_or(DeploymentStatus::Unknown),
            (None, _) if *self.answer != StatusLookup::Failed && has_no_job(&deployment.jobs) => {
                DeploymentStatus::None
            }
            _ => DeploymentStatus::Unknown,
        }
    }

    /// Decides which counters keep their first value.
    fn hold(&self, after: &mut DeploymentRecord, begin: [bool; 3]) {
        let mut holds = after.holds.take().map_or([None; 3], |holds| *holds);
        for ((ended, hold), begins) in after.ended.iter_mut().zip(&mut holds).zip(begin) {
            if begins && ended.count.is_some() {
                *hold = Some(self.ended_at + self.first_value_hold);
            } else if hold.is_none_or(|until| until <= self.ended_at) {
                *hold = None;
                ended.served = ended.observed;
            }
        }
        after.holds = holds.iter().any(Option::is_some).then(|| Box::new(holds));
    }
}

impl Lookup {
    fn is_due(self, now: Instant) -> bool {
        let Some(last) = self.last else { return true };
        self.attempts < PROMPT_LOOKUPS || now.saturating_duration_since(last) >= LOOKUP_INTERVAL
    }
}

impl DeploymentRecord {
    /// Counts the jobs that ended. Returns which counts increased, and marks the counters that begin with this poll.
    fn count_ended(&mut self, jobs: &JobCounts, is_new: bool, begin: &mut [bool; 3]) -> [bool; 3] {
        let mut rose = [false; 3];
        let outdated = self.outdated;
        for (index, state) in JobState::ENDED.into_iter().enumerate() {
            let Some(count) = jobs.get(state) else { continue };
            let ended: &mut EndedJobs = &mut self.ended[index];
            let more = match ended.count {
                Some(_) if outdated => 0,
                Some(before) => count.saturating_sub(before),
                None if is_new => count,
                None => 0,
            };
            begin[index] |= ended.count.is_none();
            ended.count = Some(count);
            ended.observed = ended.observed.saturating_add(more);
            rose[index] = more > 0;
        }
        rose
    }

    /// Whether the counts are unchanged since the last comparison. A count that is not returned is unchanged.
    fn is_unchanged(&self, jobs: &JobCounts) -> bool {
        let ended = JobState::ENDED.into_iter().zip(&self.ended);
        LiveJobs::of(jobs) == self.live
            && ended
                .into_iter()
                .all(|(state, ended)| jobs.get(state).is_none_or(|count| ended.count == Some(count)))
    }
}

/// The verdict by the live jobs; none if there is no live job.
fn verdict_by_live_jobs(live: LiveJobs) -> Option<Verdict> {
    let is_live = |state| live.get(state).map(|count| count > 0);
    match (is_live(JobState::Running), is_live(JobState::Starting), is_live(JobState::Cancelling)) {
        (Some(true), _, _) => Some(Verdict::Status(DeploymentStatus::Running)),
        (None, _, _) => Some(Verdict::Unreadable),
        (_, Some(true), _) | (_, _, Some(true)) => Some(Verdict::Status(DeploymentStatus::Transitioning)),
        (_, None, _) | (_, _, None) => Some(Verdict::Unreadable),
        (Some(false), Some(false), Some(false)) => None,
    }
}

/// The status of a known deployment.
fn verdict(
    jobs: &JobCounts,
    live: LiveJobs,
    rose: [bool; 3],
    before: DeploymentStatus,
    live_before: LiveJobs,
) -> Verdict {
    if let Some(verdict) = verdict_by_live_jobs(live) {
        return verdict;
    }
    if rose.contains(&true) {
        return the_only(rose);
    }
    let stays = match before {
        DeploymentStatus::Unknown | DeploymentStatus::Running | DeploymentStatus::Transitioning => false,
        DeploymentStatus::None => has_no_job(jobs),
        DeploymentStatus::Failed | DeploymentStatus::Cancelled | DeploymentStatus::Finished => true,
    };
    if stays && live_before.is_none() { Verdict::Unchanged } else { Verdict::Ambiguous }
}

/// The status of a deployment that was created since the last poll, so that all its jobs are new.
fn verdict_of_new(jobs: &JobCounts, live: LiveJobs, rose: [bool; 3]) -> Verdict {
    verdict_by_live_jobs(live).unwrap_or_else(|| {
        if has_no_job(jobs) { Verdict::Status(DeploymentStatus::None) } else { the_only(rose) }
    })
}

/// The status of a deployment at first sight.
fn verdict_at_first_sight(jobs: &JobCounts, live: LiveJobs) -> Verdict {
    verdict_by_live_jobs(live).unwrap_or_else(|| {
        let positive = JobState::ENDED.map(|state| jobs.get(state).is_some_and(|count| count > 0));
        if positive.contains(&true) { the_only(positive) } else { Verdict::Status(DeploymentStatus::None) }
    })
}

/// The status for the only marked state of [`JobState::ENDED`]; none if not exactly one is marked.
fn the_only(marked: [bool; 3]) -> Verdict {
    let mut states = JobState::ENDED.into_iter().zip(marked).filter(|(_, marked)| *marked);
    match (states.next(), states.next()) {
        (Some((state, _)), None) => {
            DeploymentStatus::ended(state).map_or(Verdict::Ambiguous, Verdict::Status)
        }
        _ => Verdict::Ambiguous,
    }
}

/// Whether no count is above 0.
fn has_no_job(jobs: &JobCounts) -> bool {
    JobState::ALL.into_iter().all(|state| jobs.get(state).unwrap_or(0) == 0)
}

#[cfg(test)]
mod tests;
