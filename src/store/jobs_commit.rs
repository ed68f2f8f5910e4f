//! Commits answers and rounds of the collector of jobs.
//!
//! Answers arrive one deployment at a time. Each is evaluated, saved and applied. [`Store::serve_jobs`] then updates
//! the served data of the target.

use std::{collections::BTreeSet, sync::Arc};

use tokio::time::Instant;

use super::{
    Store,
    jobs::{self, JobList, ListedAnswer, MessageChange, Round, ServeSettings, Urgency},
    poll_history::PollRecord,
    poll_report::{PollFailure, PollReport},
    state_format::Record,
    target_settings::TargetSettings,
    transitions::NamespaceTransitions,
};
use crate::model::{
    DEPLOYMENTS, Deployment, FailureMessage, GroupId, JOBS, Job, LastFailure, ObjectSet, Objects,
    PollOutcome, TargetId, merge,
};

/// The answer of the API for one deployment.
#[derive(Debug)]
pub struct JobsAnswer {
    /// Start of the request.
    pub requested_at: Instant,
    /// The jobs; none if the deployment does not exist any more.
    pub jobs: Option<Vec<Job>>,
    /// Whether the listing is complete.
    pub complete: bool,
}

/// The result of a round.
#[derive(Debug)]
pub struct RoundReport {
    /// The number of queried deployments.
    pub asked: usize,
    /// The number of pages read.
    pub pages: u64,
    /// The failure, if the round failed.
    pub failure: Option<PollFailure>,
}

/// Details of a deployment's jobs, for pages and the JSON API.
#[derive(Debug, Clone, PartialEq)]
pub struct JobDetails {
    /// The most recent failure.
    pub last_failure: Option<LastFailure>,
    /// The message of that failure, if the API returned it in this run.
    pub message: Option<FailureMessage>,
    /// The number of restarts within jobs, if the counter is served.
    pub restarts: Option<u64>,
}

/// The served deployments of a namespace, and its transitions.
struct ServedNamespace {
    namespace: Arc<NamespaceTransitions>,
    sets: Vec<Arc<dyn ObjectSet>>,
}

impl ServedNamespace {
    fn deployments(&self) -> Vec<&Deployment> {
        let sets: Vec<_> = self.sets.iter().filter_map(|set| set.downcast::<Deployment>()).collect();
        merge(&sets)
    }
}

impl Store {
    /// The deployment that the target queries next in `round`, without those in `in_flight`.
    pub fn next_jobs(
        &self,
        id: &TargetId,
        round: &Round,
        in_flight: &BTreeSet<Box<str>>,
    ) -> Option<(Box<str>, Urgency)> {
        let scope = self.scope(&id.group())?;
        let (deployment, urgency) = scope.namespace.jobs.next(round, &scope.deployments(), in_flight)?;
        Some((deployment.id.clone(), urgency))
    }

    /// The number of deployments that `round` refreshes.
    pub fn refreshes(&self, id: &TargetId, round: &Round) -> usize {
        self.scope(&id.group()).map_or(0, |scope| scope.namespace.jobs.refreshes(round, &scope.deployments()))
    }

    /// Records the start of a round.
    pub fn begin_round(&self, id: &TargetId) {
        if let Some(scope) = self.scope(&id.group()) {
            scope.namespace.jobs.round_started(Instant::now());
        }
    }

    /// Records that a request for a deployment starts.
    pub fn jobs_asked(&self, id: &TargetId, deployment: &str) {
        if let Some(scope) = self.scope(&id.group()) {
            scope.namespace.jobs.asked(deployment, Instant::now());
        }
    }

    /// Waits until a deployment must be queried immediately.
    ///
    /// # Cancel safety
    ///
    /// The future may be dropped and created again. A notification in between is not lost.
    pub async fn wait_for_urgent_jobs(&self, id: &TargetId) {
        let namespace = {
            let mut shared = self.shared.lock();
            shared.transitions.entry(id.group().of_collector(DEPLOYMENTS)).or_default().clone()
        };
        namespace.jobs.urgent.notified().await;
    }

    /// Extends the time by which the poll loop must report, because a round has no deadline. See [`Store::stuck`].
    pub fn extend_report(&self, id: &TargetId, due: Instant) {
        self.shared.lock().set_report_due(id, due);
    }

    /// Commits the answer for one deployment. Returns whether the loop with this `generation` is still the current
    /// one.
    ///
    /// # Cancel safety
    ///
    /// The future may be dropped at any time. Then the answer is not applied.
    pub async fn commit_jobs(
        &self,
        id: &TargetId,
        generation: u64,
        deployment: &str,
        answer: &JobsAnswer,
    ) -> bool {
        let Some(namespace) = self.jobs_of(id, generation) else { return false };
        let committing = namespace.commit().await;
        if !namespace.knows(deployment) {
            // It was forgotten in the meantime.
            return true;
        }
        let jobs = answer.jobs.as_deref();
        let answered = ListedAnswer {
            deployment,
            requested_at: answer.requested_at,
            list: jobs.map(|jobs| JobList { jobs, complete: answer.complete }),
            first_seen: namespace.first_seen(deployment),
        };
        let mut folded = namespace.jobs.evaluate(&answered, Instant::now());
        let message = std::mem::replace(&mut folded.message, MessageChange::Keep);
        let records: Vec<_> = folded.record.take().into_iter().collect();
        self.save_job_records(id, &namespace, &records).await;
        namespace.jobs.apply(deployment, folded);
        if let MessageChange::Replace(message) = message {
            self.messages.lock().set(&id.group(), deployment, message);
        }
        drop(committing);
        true
    }

    /// Commits the end of a round. Returns `None` if the loop was replaced or the target was removed.
    pub async fn commit_round(
        &self,
        id: &TargetId,
        generation: u64,
        report: PollReport<RoundReport>,
    ) -> Option<()> {
        let namespace = self.jobs_of(id, generation)?;
        let now = Instant::now();
        namespace.jobs.round_ended(now, report.result.failure.is_none());
        if report.result.failure.is_none() {
            let committing = namespace.commit().await;
            let released = namespace.jobs.released(now);
            let records: Vec<_> =
                released.iter().map(|(id, record)| (id.clone(), jobs::encode(record))).collect();
            self.save_job_records(id, &namespace, &records).await;
            namespace.jobs.release(released);
            drop(committing);
        }
        self.serve_jobs(&id.group());
        let RoundReport { asked, pages, failure } = report.result;
        let outcome = failure.as_ref().map_or(PollOutcome::Success, |of| PollOutcome::Failure(of.class));
        let record = PollRecord {
            outcome,
            ended: self.clock.since_epoch(),
            took: report.took,
            objects: failure.is_none().then_some(asked),
            error: failure.map(|failure| failure.message),
        };
        let mut shared = self.shared.lock();
        shared.current(id, generation)?;
        if outcome == PollOutcome::Success {
            shared.status(id)?.pages = pages;
        }
        self.finish(shared, id, report.next_report_due, report.next_poll, record, None).map(drop)
    }

    /// Updates the served data of the namespace's target of jobs, if it has one. Returns the group of the target if
    /// the data changed.
    pub fn serve_jobs(&self, group: &GroupId) -> Option<GroupId> {
        let group = group.of_collector(JOBS);
        let (id, serving) = self.serving(&group)?;
        let scope = self.scope(&group)?;
        let memory = &scope.namespace.jobs;
        let guard = memory.serving.lock();
        // Read again: data that was read before the lock may be outdated.
        let scope = self.scope(&group)?;
        let served = memory.serve(&scope.deployments(), serving, Instant::now());
        if served.is_urgent {
            memory.urgent.notify_one();
        }
        let objects: Arc<dyn ObjectSet> = Arc::new(Objects::listed(served.jobs));
        let mut shared = self.shared.lock();
        let changed = shared.replace_jobs(&id, objects, served.expires_at, self.clock.since_epoch());
        drop(shared);
        drop(guard);
        self.expiry_changed.notify_one();
        changed.then_some(group)
    }

    /// The details of a deployment's jobs; none if the collector of jobs has no target in the namespace.
    pub fn job_details(&self, group: &GroupId, deployment: &str) -> Option<JobDetails> {
        let group = group.of_collector(JOBS);
        self.serving(&group)?;
        let namespace = self.shared.lock().transitions.get(&group.of_collector(DEPLOYMENTS))?.clone();
        let (last_failure, restarts) = namespace.jobs.details(deployment)?;
        let message = last_failure.as_ref().and_then(|_| self.messages.lock().get(&group, deployment));
        Some(JobDetails { last_failure, message, restarts })
    }

    async fn save_job_records(&self, id: &TargetId, namespace: &NamespaceTransitions, records: &[Record]) {
        if self.state_file.get().is_some() && !records.is_empty() {
            namespace.jobs.set_saving(records);
            self.save_records(&id.group(), &[], records).await;
        }
    }

    /// The transitions of the target's namespace, if the loop is the current one.
    fn jobs_of(&self, id: &TargetId, generation: u64) -> Option<Arc<NamespaceTransitions>> {
        let mut shared = self.shared.lock();
        shared.current(id, generation)?;
        Some(shared.transitions.entry(id.group().of_collector(DEPLOYMENTS)).or_default().clone())
    }

    /// The target of a group of jobs, and its settings for serving.
    fn serving(&self, group: &GroupId) -> Option<(Arc<TargetId>, ServeSettings)> {
        let shared = self.shared.lock();
        let id = shared.groups.get(group)?.first()?.clone();
        let TargetSettings { interval, expire_after, first_value_hold, jobs, .. } =
            shared.targets.get(&id)?.settings;
        let serving =
            ServeSettings { mode: jobs?, interval, expire_after, first_value_hold: first_value_hold? };
        Some((id, serving))
    }

    fn scope(&self, group: &GroupId) -> Option<ServedNamespace> {
        let group = group.of_collector(DEPLOYMENTS);
        let mut shared = self.shared.lock();
        let namespace = shared.transitions.entry(group.clone()).or_default().clone();
        let mut served: Vec<_> = shared
            .groups
            .get(&group)?
            .iter()
            .filter_map(|id| shared.targets.get(id)?.status.data.as_ref())
            .map(|data| (data.renewed_at, data.objects.clone()))
            .collect();
        served.sort_by_key(|(renewed_at, _)| std::cmp::Reverse(*renewed_at));
        Some(ServedNamespace { namespace, sets: served.into_iter().map(|(_, objects)| objects).collect() })
    }
}
