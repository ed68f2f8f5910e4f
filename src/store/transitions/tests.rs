//! Random histories, compared with what really happened.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use proptest::{collection::vec, prelude::*};
use tokio::time::{Instant, advance};

use crate::{
    clock::Clock,
    model::{
        Deployment, DeploymentStatus, JobCounts, JobState, LastJobStatuses, Objects, ObservedStatus,
        TargetId, Transitions,
    },
    snapshot::testing::target,
    store::{Listed, PollFailure, PollReport, StatusLookup, Store, TargetSettings},
};

const START: Duration = Duration::from_secs(1_000_000);
const HOLD: Duration = Duration::from_secs(120);
const DEPLOYMENTS: usize = 4;
/// Which deployments each target returns: the targets overlap.
const TARGETS: [&[usize]; 2] = [&[0, 1, 2], &[1, 2, 3]];

#[derive(Debug, Clone)]
enum Step {
    /// A job starts, runs, or ends in a state.
    Start(usize),
    Run(usize),
    End(usize, JobState),
    /// A target is polled: consistently, or by a listing that lacks a deployment.
    Poll(usize),
    PollWithout(usize, usize),
    Fail(usize),
    Wait(u64),
    /// Only the first target is configured, then both are.
    Reload,
    /// The process is replaced by one that has the state.
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let deployment = 0..DEPLOYMENTS;
    let target = 0..TARGETS.len();
    let ended = prop::sample::select(JobState::ENDED.to_vec());
    let step = prop_oneof![
        3 => deployment.clone().prop_map(Step::Start),
        3 => deployment.clone().prop_map(Step::Run),
        4 => (deployment.clone(), ended).prop_map(|(deployment, state)| Step::End(deployment, state)),
        8 => target.clone().prop_map(Step::Poll),
        1 => (target.clone(), deployment).prop_map(|(target, missed)| Step::PollWithout(target, missed)),
        1 => target.prop_map(Step::Fail),
        4 => (1_u64..400).prop_map(Step::Wait),
        1 => Just(Step::Reload),
        1 => Just(Step::Restart),
    ];
    vec(step, 1..120)
}

/// A deployment as it really is.
#[derive(Debug, Clone, Copy, Default)]
struct Job {
    live: Option<JobState>,
    ended: [u64; 3],
    last: Option<JobState>,
}

impl Job {
    fn step(&mut self, step: &Step) {
        match *step {
            Step::Start(_) if self.live.is_none() => self.live = Some(JobState::Starting),
            Step::Run(_) if self.live.is_some() => self.live = Some(JobState::Running),
            Step::End(_, state) if self.live.is_some() => {
                let index = JobState::ENDED.iter().position(|&ended| ended == state).unwrap();
                self.ended[index] += 1;
                (self.live, self.last) = (None, Some(state));
            }
            _ => {}
        }
    }

    fn counts(&self) -> JobCounts {
        let count = |state| match JobState::ENDED.iter().position(|&ended| ended == state) {
            Some(index) => self.ended[index],
            None => u64::from(self.live == Some(state)),
        };
        JobCounts::new(JobState::ALL.map(|state| Some(count(state))))
    }

    fn status(&self) -> DeploymentStatus {
        match (self.live, self.last) {
            (Some(JobState::Running), _) => DeploymentStatus::Running,
            (Some(_), _) => DeploymentStatus::Transitioning,
            (None, Some(state)) => DeploymentStatus::ended(state).unwrap(),
            (None, None) => DeploymentStatus::None,
        }
    }
}

/// What must be known of a deployment.
#[derive(Debug, Clone, Default)]
struct Seen {
    /// What had ended at first sight.
    history: [u64; 3],
    last: Job,
    since: Option<Duration>,
    served: [u64; 3],
    /// When the first value of the counters may change.
    held_until: Option<Instant>,
}

struct World {
    store: Store,
    clock: Clock,
    jobs: [Job; DEPLOYMENTS],
    seen: BTreeMap<usize, Seen>,
    /// What each target serves.
    serves: [Vec<usize>; TARGETS.len()],
}

fn id(index: usize) -> TargetId {
    target("n", ["name=a", "name=b"][index])
}

fn settings() -> TargetSettings {
    TargetSettings {
        region: "".into(),
        interval: Duration::from_secs(60),
        expire_after: Duration::from_secs(600),
        first_value_hold: Some(HOLD),
        jobs: None,
        generation: 1,
    }
}

fn set_targets(store: &Store, count: usize) {
    store.set_targets(&(0..count).map(|index| (Arc::new(id(index)), settings())).collect(), None);
}

impl World {
    fn new() -> Self {
        let clock = Clock::paused(START);
        let store = Store::new(clock);
        set_targets(&store, TARGETS.len());
        Self { store, clock, jobs: Default::default(), seen: BTreeMap::new(), serves: Default::default() }
    }

    async fn step(&mut self, step: &Step) {
        match *step {
            Step::Start(index) | Step::Run(index) | Step::End(index, _) => self.jobs[index].step(step),
            Step::Poll(target) => self.poll(target, None).await,
            Step::PollWithout(target, missed) => self.poll(target, Some(missed)).await,
            Step::Fail(target) => {
                let failure = PollFailure { class: crate::model::ErrorClass::Api, message: String::new() };
                drop(self.store.commit_failure(&id(target), 1, report(failure)).unwrap());
            }
            Step::Wait(seconds) => {
                advance(Duration::from_secs(seconds)).await;
                for expired in self.store.expire(Instant::now()).into_values().flatten() {
                    let target = (0..TARGETS.len()).find(|&target| id(target) == *expired).unwrap();
                    self.serves[target].clear();
                }
            }
            Step::Reload => {
                set_targets(&self.store, 1);
                set_targets(&self.store, TARGETS.len());
                self.serves[1].clear();
            }
            Step::Restart => {
                let after = Store::new(self.clock);
                set_targets(&after, TARGETS.len());
                self.store.copy_memory_to(&after, self.clock.since_epoch());
                self.store = after;
                self.serves = Default::default();
            }
        }
        self.check();
    }

    async fn poll(&mut self, target: usize, missed: Option<usize>) {
        let listed: Vec<usize> =
            TARGETS[target].iter().copied().filter(|&index| Some(index) != missed).collect();
        let (now, ended) = (Instant::now(), self.clock.since_epoch());
        let is_served = |index: usize| self.serves.iter().any(|serves| serves.contains(&index));
        for &index in &listed {
            let (job, begins) = (self.jobs[index], !is_served(index));
            let seen = self.seen.entry(index).or_insert_with(|| Seen {
                history: job.ended,
                last: job,
                ..Seen::default()
            });
            if (job.status(), job.ended) != (seen.last.status(), seen.last.ended) {
                seen.since = Some(ended);
            }
            seen.last = job;
            if begins {
                seen.held_until = Some(now + HOLD);
            } else if seen.held_until.is_none_or(|until| until <= now) {
                seen.held_until = None;
                seen.served = [0, 1, 2].map(|state| job.ended[state] - seen.history[state]);
            }
        }
        let missed_and_served = missed.filter(|missed| self.serves[target].contains(missed));
        self.serves[target] = listed.iter().copied().chain(missed_and_served).collect();
        self.commit(target, &listed, missed.is_none()).await;
    }

    async fn commit(&self, target: usize, listed: &[usize], consistent: bool) {
        let deployment = |&index: &usize| Deployment {
            id: index.to_string().into(),
            jobs: self.jobs[index].counts(),
            ..Deployment::default()
        };
        let objects = Box::new(Objects::listed(listed.iter().map(deployment).collect()));
        let mut answer = StatusLookup::NotNeeded;
        if self.store.needs_status_lookup(&id(target), Instant::now(), &*objects) {
            let mut statuses = LastJobStatuses::default();
            for &index in listed {
                if let (None, Some(state)) = (self.jobs[index].live, self.jobs[index].last) {
                    statuses.add(index.to_string().into(), state);
                }
            }
            answer = StatusLookup::Statuses(statuses);
        }
        let listed = Listed { objects, consistent, pages: 1, answer };
        self.store.commit(&id(target), 1, report(listed)).await.unwrap();
    }

    /// What is remembered is what really happened.
    fn check(&self) {
        let (_, group) = self.store.group_objects(&id(0).group());
        for (index, seen) in &self.seen {
            let deployment = Deployment { id: index.to_string().into(), ..Deployment::default() };
            let expected = Transitions {
                status: Some(ObservedStatus { status: seen.last.status(), since: seen.since }),
                jobs_ended: seen.served.map(Some),
            };
            assert_eq!(group.transitions(&[&deployment]), [expected], "deployment {index}");
        }
    }
}

fn report<T>(result: T) -> PollReport<T> {
    let now = Instant::now();
    PollReport {
        result,
        requested_at: now,
        took: Duration::ZERO,
        next_poll: now + Duration::from_secs(60),
        next_report_due: now + Duration::from_secs(120),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn random_histories_are_remembered_as_they_happened(steps in steps()) {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_time().start_paused(true).build().unwrap().block_on(async {
            let mut world = World::new();
            for step in &steps {
                world.step(step).await;
            }
        });
    }
}

/// Which of the deployments are remembered.
fn remembered(store: &Store) -> Vec<String> {
    let namespaces = store.shared.lock().transitions.clone();
    let records = namespaces.values().flat_map(|namespace| namespace.records());
    let mut ids: Vec<String> = records.map(|(id, _)| id.into()).collect();
    ids.sort();
    ids
}

async fn poll(store: &Store, target: usize, listed: &[&str]) {
    let deployment =
        |id: &&str| Deployment { id: (*id).into(), jobs: Job::default().counts(), ..Deployment::default() };
    let objects = Box::new(Objects::listed(listed.iter().map(deployment).collect()));
    let listed = Listed { objects, consistent: true, pages: 1, answer: StatusLookup::NotNeeded };
    store.commit(&id(target), 1, report(listed)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_deployment_is_forgotten_a_day_after_every_target_lacks_it() {
    const HOUR: Duration = Duration::from_secs(3600);
    let store = Store::new(Clock::paused(START));
    set_targets(&store, TARGETS.len());
    poll(&store, 0, &["a", "b"]).await;
    advance(HOUR).await;
    for _ in 0..30 {
        poll(&store, 0, &["a"]).await;
        advance(HOUR).await;
    }
    assert_eq!(remembered(&store), ["a", "b"], "the other target may return it");
    poll(&store, 1, &["c"]).await;
    assert_eq!(remembered(&store), ["a", "b", "c"]);
    poll(&store, 0, &["a"]).await;
    assert_eq!(remembered(&store), ["a", "c"]);

    // One that comes back in time goes on.
    poll(&store, 1, &[]).await;
    advance(23 * HOUR).await;
    poll(&store, 0, &["a"]).await;
    poll(&store, 1, &["c"]).await;
    advance(2 * HOUR).await;
    poll(&store, 0, &["a"]).await;
    poll(&store, 1, &[]).await;
    assert_eq!(remembered(&store), ["a", "c"]);
}

#[tokio::test(start_paused = true)]
async fn the_memory_of_deleted_deployments_is_bounded() {
    let store = Store::new(Clock::paused(START));
    set_targets(&store, 1);
    for round in 0..5 {
        let ids: Vec<String> = (0..30_000).map(|number| format!("{round}-{number}")).collect();
        poll(&store, 0, &ids.iter().map(String::as_str).collect::<Vec<_>>()).await;
        advance(Duration::from_secs(60)).await;
    }
    poll(&store, 0, &["last"]).await;
    poll(&store, 0, &["last"]).await;
    let remembered = remembered(&store);
    assert_eq!(remembered.len(), 100_001);
    assert!(remembered.iter().all(|id| !id.starts_with("0-")), "the oldest are forgotten first");
}
