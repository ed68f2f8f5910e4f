//! Compares a polled deployment with its known state. Pure functions.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    deployment_record::DeploymentRecord,
    deployment_status::{self, StatusByCounts},
    live_jobs::LiveJobs,
    new_deployment,
    status_lookup::{LookupAttempts, StatusLookup},
    status_since::{StatusChange, status_since},
};
use crate::{
    model::{Deployment, DeploymentStatus, JobCounts, JobState, ObservedStatus},
    store::first_value_hold::FirstValueHold,
};

/// The poll whose deployments are compared.
#[derive(Debug)]
pub(in crate::store) struct ComparedPoll<'a> {
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

impl ComparedPoll<'_> {
    /// The state of `deployment` after this poll. `begins` is whether its series begin with this poll.
    ///
    /// `before` is none for a new deployment.
    pub(super) fn compare(
        &self,
        before: Option<&DeploymentRecord>,
        deployment: &Deployment,
        begins: bool,
    ) -> DeploymentRecord {
        let is_new = before.is_none() && new_deployment::is_new(deployment.created, self.previous_success);
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
        let by_counts = match known {
            _ if is_new => deployment_status::of_new(jobs, live, rose),
            Some((observed, live_before)) => {
                deployment_status::of_known(jobs, live, rose, observed.status, live_before)
            }
            None => deployment_status::at_first_sight(jobs, live),
        };
        if changed {
            after.lookup = LookupAttempts::default();
        }
        let status = match by_counts {
            StatusByCounts::Status(status) => status,
            StatusByCounts::Unreadable => DeploymentStatus::Unknown,
            StatusByCounts::Ambiguous => self.look_up(deployment, &mut after.lookup),
            StatusByCounts::Unchanged => {
                known.map_or(DeploymentStatus::Unknown, |(observed, _)| observed.status)
            }
        };
        let change = StatusChange {
            before: known.map(|(observed, _)| observed),
            status,
            is_new,
            rose: rose.contains(&true),
            became_live: known.is_some_and(|(_, live_before)| live_before.is_none() && !live.is_none()),
        };
        after.status = Some(ObservedStatus { status, since: status_since(&change, self.ended) });
    }

    fn look_up(&self, deployment: &Deployment, lookup: &mut LookupAttempts) -> DeploymentStatus {
        let Some(status) = self.answer.status(deployment) else { return DeploymentStatus::Unknown };
        lookup.add(self.ended_at);
        status
    }

    /// Decides which counters keep their first value.
    fn hold(&self, after: &mut DeploymentRecord, begin: [bool; 3]) {
        let mut holds: [FirstValueHold; 3] = after.holds.take().map_or_else(Default::default, |holds| *holds);
        for ((ended, hold), begins) in after.ended.iter_mut().zip(&mut holds).zip(begin) {
            let begins = begins && ended.count.is_some();
            *hold = hold.after_poll(begins, self.ended_at, self.first_value_hold);
            if hold.is_none() {
                ended.served = ended.observed;
            }
        }
        after.holds = holds.iter().any(|hold| !hold.is_none()).then(|| Box::new(holds));
    }
}

impl DeploymentRecord {
    /// Counts the jobs that ended. Returns which counts increased, and marks the counters that begin with this poll.
    fn count_ended(&mut self, jobs: &JobCounts, is_new: bool, begin: &mut [bool; 3]) -> [bool; 3] {
        let mut rose = [false; 3];
        let outdated = self.outdated;
        for (index, state) in JobState::ENDED.into_iter().enumerate() {
            let Some(count) = jobs.get(state) else { continue };
            let ended = &mut self.ended[index];
            begin[index] |= ended.count.is_none();
            rose[index] = ended.update(count, is_new, outdated);
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

#[cfg(test)]
mod tests;
