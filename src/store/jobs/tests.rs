use std::{collections::BTreeSet, sync::Arc, time::Duration};

use tokio::time::{Instant, advance};

use super::{Round, Urgency};
use crate::{
    clock::Clock,
    model::{
        DEPLOYMENTS, Deployment, DeploymentJobs, FailureMessage, JOBS, Job, JobCounts, JobFailure, JobState,
        JobsMode, Objects, TargetId,
    },
    store::{JobsAnswer, Listed, PollReport, RoundReport, StatusLookup, Store, TargetSettings},
};

/// Seconds since the Unix epoch at which the tests begin.
const START: u64 = 1_000_000;
const MINUTE: Duration = Duration::from_secs(60);
const HOLD: Duration = Duration::from_secs(120);

const RUNNING: [u64; 6] = [0, 1, 0, 0, 0, 0];
const FAILED: [u64; 6] = [0, 0, 0, 0, 0, 1];

fn id(collector: &'static str) -> TargetId {
    TargetId { workspace: "w".into(), namespace: "n".into(), collector, selection: String::new() }
}

/// A namespace with one deployment for each of these counts, named `d0`, `d1` and so on.
struct NamespaceTransitions {
    store: Store,
    mode: JobsMode,
}

impl NamespaceTransitions {
    fn new(mode: JobsMode) -> Self {
        let namespace = Self { store: Store::new(Clock::paused(Duration::from_secs(START))), mode };
        namespace.set_targets(1);
        namespace
    }

    fn set_targets(&self, generation: u64) {
        let settings = |interval: Duration, jobs| TargetSettings {
            region: "".into(),
            interval,
            expire_after: 3 * interval,
            first_value_hold: Some(HOLD),
            jobs,
            generation,
        };
        let targets = [
            (Arc::new(id(DEPLOYMENTS)), settings(5 * MINUTE, None)),
            (Arc::new(id(JOBS)), settings(5 * MINUTE, Some(self.mode))),
        ];
        self.store.set_targets(&targets.into(), None);
    }

    fn report<T>(result: T) -> PollReport<T> {
        let now = Instant::now();
        let later = now + 5 * MINUTE;
        PollReport { result, requested_at: now, took: MINUTE, next_poll: later, next_report_due: later }
    }

    /// Polls the deployments.
    async fn list(&self, counts: &[[u64; 6]]) {
        advance(Duration::from_secs(1)).await;
        let deployments = counts.iter().enumerate().map(|(number, counts)| Deployment {
            id: format!("d{number}").into(),
            name: format!("name {number}").into(),
            jobs: JobCounts::new(counts.map(Some)),
            ..Deployment::default()
        });
        let objects = Box::new(Objects::listed(deployments.collect()));
        let listed = Listed { objects, consistent: true, pages: 1, answer: StatusLookup::NotNeeded };
        self.store.commit(&id(DEPLOYMENTS), 1, Self::report(listed)).await.unwrap();
    }

    /// The deployments that a round asks for, in order, each of which is answered with `jobs`.
    async fn round(&self, scheduled: bool, jobs: &[Job]) -> Vec<(Box<str>, Urgency)> {
        advance(Duration::from_secs(1)).await;
        let round = Round { mode: self.mode, started: Instant::now(), scheduled };
        self.store.begin_round(&id(JOBS));
        let mut asked = Vec::new();
        while let Some((deployment, urgency)) = self.store.next_jobs(&id(JOBS), &round, &BTreeSet::new()) {
            self.store.jobs_asked(&id(JOBS), &deployment);
            self.answer(&deployment, jobs).await;
            asked.push((deployment, urgency));
        }
        let report = RoundReport { asked: asked.len(), pages: 1, failure: None };
        self.store.commit_round(&id(JOBS), 1, Self::report(report)).await.unwrap();
        asked
    }

    async fn answer(&self, deployment: &str, jobs: &[Job]) {
        let answer = JobsAnswer { requested_at: Instant::now(), jobs: Some(jobs.to_vec()), complete: true };
        assert!(self.store.commit_jobs(&id(JOBS), 1, deployment, &answer).await);
    }

    /// What is served of the first deployment.
    fn served(&self) -> Option<DeploymentJobs> {
        self.store.expire(Instant::now());
        let status = self.store.target(&id(JOBS)).unwrap();
        status.objects::<DeploymentJobs>().unwrap_or_default().first().cloned()
    }

    fn restarts(&self) -> Option<u64> {
        self.served().and_then(|jobs| jobs.restarts)
    }
}

fn running(restarts: u64) -> Job {
    Job {
        id: "running".into(),
        state: Some(JobState::Running),
        restarts: Some(restarts),
        cpu_cores: Some(1.0),
        started: Some(1.0),
        ..Job::default()
    }
}

fn failed(time: f64) -> Job {
    let message = FailureMessage::new("why");
    let failure = Some(JobFailure { time: Some(time), reason: "Code".into(), message });
    Job { id: "failed".into(), state: Some(JobState::Failed), failure, ..Job::default() }
}

#[tokio::test(start_paused = true)]
async fn in_failures_mode_each_failure_is_requested_once() {
    let namespace = NamespaceTransitions::new(JobsMode::Failures);
    assert_eq!(namespace.round(true, &[]).await, [], "nothing is known yet");
    namespace.list(&[RUNNING, FAILED, RUNNING]).await;
    assert_eq!(namespace.round(false, &[failed(5.0)]).await, [("d1".into(), Urgency::Failure)]);
    namespace.list(&[RUNNING, FAILED, [0, 1, 0, 0, 0, 0]]).await;
    assert_eq!(namespace.round(true, &[]).await, []);
    // It restarted at once, so that its status is the same.
    namespace.list(&[RUNNING, FAILED, [0, 1, 0, 0, 0, 1]]).await;
    assert_eq!(namespace.round(false, &[]).await, [("d2".into(), Urgency::Failure)]);
    namespace.list(&[RUNNING, FAILED, [0, 1, 0, 0, 0, 0]]).await;
    namespace.list(&[RUNNING, FAILED, [0, 1, 0, 0, 0, 0]]).await;
    assert_eq!(namespace.round(true, &[]).await, [], "a count that falls is no failure");
}

#[tokio::test(start_paused = true)]
async fn a_failure_wakes_the_loop_and_stays_due_until_its_response() {
    let namespace = NamespaceTransitions::new(JobsMode::Failures);
    namespace.list(&[RUNNING]).await;
    let store = &namespace.store;
    let failure_pending = tokio::time::timeout(MINUTE, store.wait_for_urgent_jobs(&id(JOBS))).await;
    assert!(failure_pending.is_err(), "nothing failed");
    namespace.list(&[FAILED]).await;
    tokio::time::timeout(MINUTE, store.wait_for_urgent_jobs(&id(JOBS))).await.unwrap();
    let round = |scheduled| Round { mode: JobsMode::Failures, started: Instant::now(), scheduled };
    let first = round(false);
    assert!(store.next_jobs(&id(JOBS), &first, &BTreeSet::new()).is_some());
    assert!(store.next_jobs(&id(JOBS), &first, &BTreeSet::from(["d0".into()])).is_none(), "in flight");
    store.jobs_asked(&id(JOBS), "d0");
    // That request failed.
    assert!(store.next_jobs(&id(JOBS), &first, &BTreeSet::new()).is_none());
    advance(MINUTE).await;
    assert!(store.next_jobs(&id(JOBS), &round(true), &BTreeSet::new()).is_some());
    store.jobs_asked(&id(JOBS), "d0");
    let requested_at = Instant::now();
    namespace.list(&[[0, 0, 0, 0, 0, 2]]).await;
    let answer = JobsAnswer { requested_at, jobs: Some(vec![failed(5.0)]), complete: true };
    assert!(store.commit_jobs(&id(JOBS), 1, "d0", &answer).await);
    assert!(
        store.next_jobs(&id(JOBS), &round(false), &BTreeSet::new()).is_some(),
        "the answer is older than the second failure"
    );
}

#[tokio::test(start_paused = true)]
async fn a_deleted_deployment_is_not_requested_again() {
    let namespace = NamespaceTransitions::new(JobsMode::Failures);
    namespace.list(&[FAILED]).await;
    let answer = JobsAnswer { requested_at: Instant::now(), jobs: None, complete: true };
    assert!(namespace.store.commit_jobs(&id(JOBS), 1, "d0", &answer).await);
    assert_eq!(namespace.round(true, &[]).await, []);
    assert!(!namespace.store.commit_jobs(&id(JOBS), 2, "d0", &answer).await, "of another loop");
}

#[tokio::test(start_paused = true)]
async fn the_last_failure_stays_as_long_as_the_deployment() {
    let namespace = NamespaceTransitions::new(JobsMode::Failures);
    namespace.list(&[FAILED]).await;
    namespace.round(false, &[failed(5.0), running(3)]).await;
    for _ in 0..10 {
        advance(4 * MINUTE).await;
        namespace.list(&[RUNNING]).await;
        let served = namespace.served().unwrap();
        assert_eq!(served.last_failure.unwrap().time, Some(5.0));
        assert_eq!((&*served.deployment, served.restarts, served.live), ("name 0", None, None));
    }
    let details = namespace.store.job_details(&id(JOBS).group(), "d0").unwrap();
    assert_eq!(details.message, FailureMessage::new("why"));
    namespace.list(&[]).await;
    assert_eq!(namespace.served(), None);
    assert_eq!(namespace.store.target(&id(JOBS)).unwrap().object_count(), Some(0));
}

#[tokio::test(start_paused = true)]
async fn the_data_of_live_jobs_ends_with_them() {
    let namespace = NamespaceTransitions::new(JobsMode::Active);
    namespace.list(&[RUNNING, RUNNING]).await;
    let asked = namespace.round(false, &[running(3), failed(5.0)]).await;
    assert_eq!(asked, [("d0".into(), Urgency::Unknown), ("d1".into(), Urgency::Unknown)]);
    assert_eq!(namespace.round(false, &[]).await, [], "it can wait");
    assert_eq!(namespace.served().unwrap().live.unwrap().cpu_cores, Some(1.0));
    namespace.list(&[[0, 0, 0, 1, 0, 0], RUNNING]).await;
    let served = namespace.served().unwrap();
    assert_eq!((served.live, served.restarts), (None, Some(0)));
    namespace.list(&[RUNNING, RUNNING]).await;
    assert!(namespace.served().unwrap().live.is_some(), "the answer is not old");
    let asked = namespace.round(true, &[]).await;
    assert_eq!(asked, [("d0".into(), Urgency::Refresh), ("d1".into(), Urgency::Refresh)]);
    let served = namespace.served().unwrap();
    assert_eq!((served.live, served.restarts), (None, Some(0)), "the last answer has no live job");
}

#[tokio::test(start_paused = true)]
async fn each_answer_has_its_own_age() {
    let namespace = NamespaceTransitions::new(JobsMode::Active);
    namespace.list(&[RUNNING, RUNNING]).await;
    namespace.round(false, &[running(3), failed(5.0)]).await;
    for _ in 0..3 {
        advance(4 * MINUTE).await;
        namespace.list(&[RUNNING, RUNNING]).await;
        namespace.answer("d1", &[running(3)]).await;
    }
    assert!(namespace.served().unwrap().live.is_some());
    advance(3 * MINUTE).await;
    let served = namespace.served().unwrap();
    assert_eq!((served.live, served.restarts), (None, None), "three intervals");
    assert!(served.last_failure.is_some());
    let status = namespace.store.target(&id(JOBS)).unwrap();
    assert!(status.objects::<DeploymentJobs>().unwrap()[1].live.is_some());
}

#[tokio::test(start_paused = true)]
async fn restarts_without_a_live_job_stay() {
    let namespace = NamespaceTransitions::new(JobsMode::Active);
    namespace.list(&[RUNNING]).await;
    namespace.round(false, &[running(3)]).await;
    for _ in 0..20 {
        advance(4 * MINUTE).await;
        namespace.list(&[[0, 0, 0, 1, 0, 0]]).await;
        assert_eq!(namespace.restarts(), Some(0));
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_value_of_the_counter_is_held() {
    let namespace = NamespaceTransitions::new(JobsMode::Active);
    namespace.list(&[RUNNING]).await;
    namespace.round(false, &[running(3)]).await;
    assert_eq!(namespace.restarts(), Some(0));
    advance(MINUTE).await;
    namespace.round(true, &[running(8)]).await;
    assert_eq!(namespace.restarts(), Some(0));
    advance(2 * MINUTE).await;
    assert_eq!(namespace.restarts(), Some(0), "until the next poll");
    namespace.list(&[[0, 0, 0, 1, 0, 0]]).await;
    assert_eq!(namespace.round(true, &[]).await, [], "a round without a request is a poll too");
    assert_eq!(namespace.restarts(), Some(5));
    namespace.list(&[RUNNING]).await;
    namespace.round(true, &[running(9)]).await;
    assert_eq!(namespace.restarts(), Some(6), "not held again");
}

#[tokio::test(start_paused = true)]
async fn a_counter_that_begins_again_begins_with_its_last_value() {
    let namespace = NamespaceTransitions::new(JobsMode::Active);
    namespace.list(&[RUNNING]).await;
    namespace.round(false, &[running(3)]).await;
    advance(3 * MINUTE).await;
    namespace.round(true, &[running(5)]).await;
    assert_eq!(namespace.restarts(), Some(2));
    // The deployments are withdrawn, and with them their jobs.
    advance(20 * MINUTE).await;
    assert_eq!(namespace.served(), None);
    namespace.list(&[RUNNING]).await;
    namespace.round(true, &[running(9)]).await;
    assert_eq!(namespace.restarts(), Some(2));
    advance(3 * MINUTE).await;
    namespace.round(true, &[running(9)]).await;
    assert_eq!(namespace.restarts(), Some(6));
}

#[tokio::test(start_paused = true)]
async fn a_changed_mode_applies_immediately() {
    let mut namespace = NamespaceTransitions::new(JobsMode::Active);
    namespace.list(&[RUNNING]).await;
    namespace.round(false, &[running(3), failed(5.0)]).await;
    namespace.mode = JobsMode::Failures;
    namespace.set_targets(1);
    let served = namespace.served().unwrap();
    assert_eq!((served.live, served.restarts, served.last_failure.is_some()), (None, None, true));
}
