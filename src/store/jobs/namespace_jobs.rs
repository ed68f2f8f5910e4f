//! State of the jobs of one namespace across answers of the API.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{sync::Notify, time::Instant};

use super::{
    due_deployments::{Candidate, Round, Urgency},
    job_record::JobRecord,
    last_failure::MessageChange,
    live_job_totals::live_totals,
    restart_counter::{JobList, RestartCounter},
};
use crate::{
    model::{Deployment, DeploymentJobs, JobState, JobsMode, LastFailure, LiveJobTotals},
    store::{data_expiry::expire_answers_after, first_value_hold::FirstValueHold, state_format::Record},
};

/// Expiry of data that does not expire: further away than any process runs.
const NEVER: Duration = Duration::from_secs(365 * 24 * 3600);

/// State of the jobs of one namespace across answers of the API.
#[derive(Debug, Default)]
pub(in crate::store) struct NamespaceJobs {
    state: Mutex<JobsState>,
    /// Records that are being saved and are not yet applied. A dump includes them. Locked before `state`.
    saving: Mutex<Vec<Record>>,
    /// Held while the served data is computed and replaced, so that concurrent calls cannot replace newer data by
    /// older data.
    pub(in crate::store) serving: Mutex<()>,
    /// Notified if a deployment must be queried immediately.
    pub(in crate::store) urgent: Notify,
}

#[derive(Debug, Default)]
struct JobsState {
    deployments: HashMap<Box<str>, JobsEntry>,
    /// Duration of the last round.
    last_round: Duration,
    round_started: Option<Instant>,
    /// Whether the last round failed. Then deployments that it left out wait for the next scheduled round.
    last_round_failed: bool,
}

/// State of the jobs of one deployment.
#[derive(Debug, Clone, Default)]
struct JobsEntry {
    record: JobRecord,
    /// Totals of the live jobs in the last answer.
    live: Option<LiveJobTotals>,
    /// See [`Candidate`].
    failed_since: Option<Instant>,
    asked: Option<Instant>,
    answered: Option<Instant>,
    /// When a poll last saw the deployment without live jobs.
    idle: Option<Instant>,
    /// Whether the restart counter is served.
    is_counter_served: bool,
    /// Until when the restart counter keeps its first value.
    hold: FirstValueHold,
}

/// Settings for serving the jobs of a namespace.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct ServeSettings {
    pub(in crate::store) mode: JobsMode,
    pub(in crate::store) interval: Duration,
    pub(in crate::store) expire_after: Duration,
    pub(in crate::store) first_value_hold: Duration,
}

/// The served jobs of a namespace, and when they expire.
#[derive(Debug)]
pub(in crate::store) struct ServedJobs {
    pub(in crate::store) jobs: Vec<DeploymentJobs>,
    pub(in crate::store) expires_at: Instant,
    /// Whether a deployment must be queried immediately.
    pub(in crate::store) is_urgent: bool,
}

/// The answer of the API for one deployment.
#[derive(Debug)]
pub(in crate::store) struct ListedAnswer<'a> {
    pub(in crate::store) deployment: &'a str,
    pub(in crate::store) requested_at: Instant,
    /// None if the deployment does not exist any more.
    pub(in crate::store) list: Option<JobList<'a>>,
    /// When the deployment was first seen, as time since the Unix epoch.
    pub(in crate::store) first_seen: Option<Duration>,
}

/// The changes caused by an answer.
#[derive(Debug)]
pub(in crate::store) struct AnswerUpdate {
    after: JobsEntry,
    pub(in crate::store) message: MessageChange,
    /// The record to save, if it has changed.
    pub(in crate::store) record: Option<Record>,
}

impl NamespaceJobs {
    /// Records that jobs of these deployments failed, and wakes the poll loop.
    pub(in crate::store) fn note_failures(&self, deployments: &[Box<str>], now: Instant) {
        if deployments.is_empty() {
            return;
        }
        let mut state = self.state.lock();
        for id in deployments {
            let known = state.deployments.entry(id.clone()).or_default();
            known.record.failure_pending = true;
            known.failed_since = Some(now);
        }
        drop(state);
        self.urgent.notify_one();
    }

    /// The records of these deployments as they are after [`NamespaceJobs::note_failures`].
    pub(in crate::store) fn records_with_failures(&self, deployments: &[Box<str>]) -> Vec<Record> {
        let state = self.state.lock();
        let record = |id: &str| {
            let known = state.deployments.get(id);
            let record = known.map(|known| known.record.clone()).unwrap_or_default();
            encode(&JobRecord { failure_pending: true, ..record })
        };
        deployments.iter().map(|id| (id.clone(), record(id))).collect()
    }

    /// Removes the state of deployments.
    pub(in crate::store) fn forget(&self, deployments: &[Box<str>]) {
        let mut state = self.state.lock();
        for id in deployments {
            state.deployments.remove(id);
        }
    }

    /// Restores a deployment from its record. Returns none if the record is invalid.
    pub(in crate::store) fn restore(&self, id: &str, record: &[u8], outdated: bool) -> Option<()> {
        let mut record: JobRecord = postcard::from_bytes(record).ok()?;
        record.outdated |= outdated;
        let failed_since = record.failure_pending.then(Instant::now);
        let known = JobsEntry { record, failed_since, ..JobsEntry::default() };
        self.state.lock().deployments.insert(id.into(), known);
        Some(())
    }

    /// The records of all deployments.
    pub(in crate::store) fn records(&self) -> Vec<Record> {
        let saving = self.saving.lock();
        let state = self.state.lock();
        let remembered = state.deployments.iter().map(|(id, known)| (id.clone(), encode(&known.record)));
        remembered.chain(saving.iter().cloned()).collect()
    }

    /// Records that delete all deployments.
    pub(in crate::store) fn deletions(&self) -> Vec<Record> {
        self.state.lock().deployments.keys().map(|id| (id.clone(), None)).collect()
    }

    /// The last failure and the served number of restarts of a deployment.
    pub(in crate::store) fn details(&self, id: &str) -> Option<(Option<LastFailure>, Option<u64>)> {
        let state = self.state.lock();
        let known = state.deployments.get(id)?;
        let restarts = known.record.restarts.filter(|_| known.is_counter_served);
        Some((known.record.last_failure.clone(), restarts.map(|restarts| restarts.served)))
    }

    /// The deployment to query next, without those in `in_flight`.
    pub(in crate::store) fn next<'d>(
        &self,
        round: &Round,
        deployments: &[&'d Deployment],
        in_flight: &BTreeSet<Box<str>>,
    ) -> Option<(&'d Deployment, Urgency)> {
        let state = self.state.lock();
        let candidates = deployments.iter().filter(|deployment| !in_flight.contains(&deployment.id));
        let due = candidates.filter_map(|deployment| {
            let candidate = Candidate::new(state.deployments.get(&deployment.id), deployment);
            Some((round.order(&candidate)?, *deployment))
        });
        let next = due.min_by_key(|(order, _)| *order);
        next.map(|((urgency, _), deployment)| (deployment, urgency))
    }

    /// The number of deployments that are due with [`Urgency::Refresh`].
    pub(in crate::store) fn refreshes(&self, round: &Round, deployments: &[&Deployment]) -> usize {
        let state = self.state.lock();
        let due = deployments.iter().filter(|deployment| {
            let candidate = Candidate::new(state.deployments.get(&deployment.id), deployment);
            round.urgency(&candidate) == Some(Urgency::Refresh)
        });
        due.count()
    }

    /// Records that a request for a deployment starts.
    pub(in crate::store) fn asked(&self, id: &str, now: Instant) {
        self.state.lock().deployments.entry(id.into()).or_default().asked = Some(now);
    }

    /// Records the start of a round.
    pub(in crate::store) fn round_started(&self, now: Instant) {
        self.state.lock().round_started = Some(now);
    }

    /// Records the end of a round.
    pub(in crate::store) fn round_ended(&self, now: Instant, succeeded: bool) {
        let mut state = self.state.lock();
        state.last_round_failed = !succeeded;
        state.last_round =
            state.round_started.take().map_or(Duration::ZERO, |started| now.duration_since(started));
    }

    /// The records of deployments whose restart counter no longer keeps its first value.
    pub(in crate::store) fn released(&self, now: Instant) -> Vec<(Box<str>, JobRecord)> {
        let state = self.state.lock();
        let released =
            state.deployments.iter().filter_map(|(id, known)| Some((id.clone(), known.released(now)?)));
        released.collect()
    }

    /// Applies what [`NamespaceJobs::released`] returned.
    pub(in crate::store) fn release(&self, released: Vec<(Box<str>, JobRecord)>) {
        self.saving.lock().clear();
        let mut state = self.state.lock();
        for (id, record) in released {
            if let Some(known) = state.deployments.get_mut(&id) {
                (known.record.restarts, known.hold) = (record.restarts, FirstValueHold::default());
            }
        }
    }

    /// Includes these records in dumps until they are applied.
    pub(in crate::store) fn set_saving(&self, records: &[Record]) {
        *self.saving.lock() = records.to_vec();
    }

    /// Evaluates an answer without applying it.
    pub(in crate::store) fn evaluate(&self, answered: &ListedAnswer<'_>, now: Instant) -> AnswerUpdate {
        let before = self.state.lock().deployments.get(answered.deployment).cloned().unwrap_or_default();
        let (mut after, mut message) = (before.clone(), MessageChange::Keep);
        if let Some(list) = answered.list {
            message = after.record.update_last_failure(list.jobs);
            if after.answered.is_none_or(|compared| compared <= answered.requested_at) {
                let first_seen = answered.first_seen.map(|seen| seen.as_secs_f64());
                after.record.update_restarts(list, first_seen);
                after.live = live_totals(list.jobs);
                after.answered = Some(answered.requested_at);
            }
        }
        if after.failed_since.is_none_or(|since| since <= answered.requested_at) {
            (after.failed_since, after.record.failure_pending) = (None, false);
        }
        if let Some(record) = after.released(now) {
            (after.record, after.hold) = (record, FirstValueHold::default());
        }
        let changed = after.record != before.record;
        let record = changed.then(|| (answered.deployment.into(), encode(&after.record)));
        AnswerUpdate { after, message, record }
    }

    /// Applies an evaluated answer.
    pub(in crate::store) fn apply(&self, id: &str, folded: AnswerUpdate) {
        self.saving.lock().clear();
        let mut state = self.state.lock();
        let known = state.deployments.entry(id.into()).or_default();
        let JobsEntry { asked, idle, is_counter_served, .. } = *known;
        // Keep what changed since the evaluation.
        let hold =
            if is_counter_served { known.hold.and(folded.after.hold) } else { FirstValueHold::default() };
        *known = JobsEntry { asked, idle, is_counter_served, hold, ..folded.after };
    }

    /// The jobs to serve for these deployments.
    pub(in crate::store) fn serve(
        &self,
        deployments: &[&Deployment],
        serving: ServeSettings,
        now: Instant,
    ) -> ServedJobs {
        let mut state = self.state.lock();
        let round = state.round_started.map_or(Duration::ZERO, |started| now.duration_since(started));
        let round = round.max(state.last_round);
        let expire_after = expire_answers_after(serving.expire_after, serving.interval, round);
        let mut served = ServedJobs { jobs: Vec::new(), expires_at: now + NEVER, is_urgent: false };
        let may_wake = serving.mode == JobsMode::Active && !state.last_round_failed;
        for deployment in deployments {
            let known = state.deployments.get_mut(&deployment.id);
            let was_asked = known.as_ref().is_some_and(|known| known.asked.is_some());
            served.is_urgent |= may_wake && is_live(deployment) && !was_asked;
            let Some(known) = known else { continue };
            let (jobs, expires_at) = known.serve(deployment, serving, expire_after, now);
            served.jobs.extend(jobs);
            served.expires_at = served.expires_at.min(expires_at.unwrap_or(served.expires_at));
        }
        served
    }
}

impl JobsEntry {
    /// The record in which the restart counter no longer keeps its first value. None if nothing changes.
    fn released(&self, now: Instant) -> Option<JobRecord> {
        let counter = self.record.restarts.filter(|counter| counter.served != counter.observed)?;
        let is_held = !self.is_counter_served || self.hold.is_active(now);
        let restarts = Some(RestartCounter { served: counter.observed, ..counter });
        (!is_held).then(|| JobRecord { restarts, ..self.record.clone() })
    }

    /// The served jobs of a deployment, and when they expire. None if there is nothing to serve.
    fn serve(
        &mut self,
        deployment: &Deployment,
        serving: ServeSettings,
        expire_after: Duration,
        now: Instant,
    ) -> (Option<DeploymentJobs>, Option<Instant>) {
        let is_idle = is_idle(deployment);
        if is_idle {
            self.idle = Some(now);
        }
        // Without live jobs, the last answer stays valid.
        let expires_at = self.answered.max(self.idle).map(|since| since + expire_after);
        let is_fresh = expires_at.is_some_and(|at| at > now);
        let is_served = serving.mode == JobsMode::Active && is_fresh;
        let restarts = self.record.restarts.filter(|_| is_served);
        if restarts.is_some() && !self.is_counter_served {
            self.hold = FirstValueHold::begin(now, serving.first_value_hold);
        }
        self.is_counter_served = restarts.is_some();
        let jobs = DeploymentJobs {
            deployment_id: deployment.id.clone(),
            deployment: deployment.name.clone(),
            last_failure: self.record.last_failure.clone(),
            restarts: restarts.map(|restarts| restarts.served),
            live: self.live.filter(|_| is_served && !is_idle),
        };
        let has_data = jobs.last_failure.is_some() || jobs.restarts.is_some() || jobs.live.is_some();
        (has_data.then_some(jobs), expires_at.filter(|_| is_served))
    }
}

impl Candidate {
    fn new(known: Option<&JobsEntry>, deployment: &Deployment) -> Self {
        Self {
            failed_since: known.and_then(|known| known.failed_since),
            live: is_live(deployment),
            asked: known.and_then(|known| known.asked),
            answered: known.and_then(|known| known.answered),
        }
    }
}

/// Whether a deployment has live jobs; false if unknown.
fn is_live(deployment: &Deployment) -> bool {
    JobState::LIVE.into_iter().any(|state| deployment.jobs.get(state).is_some_and(|count| count > 0))
}

/// Whether a deployment has no live jobs; false if unknown.
fn is_idle(deployment: &Deployment) -> bool {
    let jobs = &deployment.jobs;
    !jobs.is_empty()
        && JobState::LIVE
            .into_iter()
            .all(|state| jobs.get(state).unwrap_or(0) == 0 && !jobs.is_invalid(state))
}

pub(in crate::store) fn encode(record: &JobRecord) -> Option<Vec<u8>> {
    postcard::to_stdvec(record).ok()
}
