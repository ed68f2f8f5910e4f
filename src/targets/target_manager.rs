//! Reconciles the running poll loops with the desired target set.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use futures_util::future::join_all;
use tokio::time::{Instant, sleep_until};
use tracing::error;

use super::{DesiredTarget, TargetSet};
use crate::{
    clock::Clock,
    collectors::JobsQuery,
    model::{ErrorClass, PollOutcome, TargetId},
    poll::{PollLoop, PollObserver, Schedule, Supervised as _, Supervisor},
    snapshot::{Publisher, PublisherConfig},
    store::{Latch, Readiness, TargetSettings},
    telemetry::Telemetry,
};

/// The difference between two target sets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Changes {
    /// Number of new targets.
    pub added: usize,
    /// Number of removed targets.
    pub removed: usize,
    /// Number of targets with changed settings.
    pub changed: usize,
    /// Number of unchanged targets.
    pub unchanged: usize,
}

impl Changes {
    /// Whether nothing changed.
    pub fn is_none(&self) -> bool {
        self.added + self.removed + self.changed == 0
    }
}

impl fmt::Display for Changes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { added, removed, changed, unchanged } = self;
        write!(
            formatter,
            "targets: {added} added, {removed} removed, {changed} changed, {unchanged} unchanged"
        )
    }
}

/// Starts, keeps and stops poll loops so that they match the desired target set.
#[derive(Debug)]
pub struct TargetManager {
    publisher: Arc<Publisher>,
    telemetry: Telemetry,
    clock: Clock,
    supervisor: Supervisor<Arc<TargetId>, PollLoop>,
    running: BTreeMap<Arc<TargetId>, RunningTarget>,
    last_generation: u64,
    readiness: Readiness,
    /// Held until the initial targets are known.
    initial: Option<Latch>,
    /// Whether more initial targets are expected.
    expects_more: bool,
    observer: Option<Arc<dyn PollObserver>>,
}

#[derive(Debug, Clone)]
struct RunningTarget {
    target: DesiredTarget,
    generation: u64,
}

impl TargetManager {
    /// Creates a manager without targets.
    pub fn new(publisher: Arc<Publisher>, telemetry: Telemetry, clock: Clock) -> Self {
        let (readiness, initial) = Readiness::new();
        Self {
            publisher,
            telemetry,
            clock,
            supervisor: Supervisor::default(),
            running: BTreeMap::new(),
            last_generation: 0,
            readiness,
            initial: Some(initial),
            expects_more: false,
            observer: None,
        }
    }

    /// The readiness: whether every initial target has been polled once.
    pub fn readiness(&self) -> &Readiness {
        &self.readiness
    }

    /// Sets the observer of poll loops that start from now on.
    pub fn observe(&mut self, observer: Arc<dyn PollObserver>) {
        self.observer = Some(observer);
    }

    /// Sets whether the exporter stays unready after the next [`TargetManager::apply`], because more initial targets
    /// are expected.
    pub fn expect_more(&mut self, expected: bool) {
        self.expects_more = expected;
    }

    /// Applies the target set `desired`. Unchanged targets continue. Removed targets disappear immediately with all
    /// their series, including counters; their running polls are not published.
    ///
    /// The first call ends the wait for initial targets, unless more are expected.
    ///
    /// The first polls of new targets start one after the other at the request rate of their workspace.
    pub async fn apply(&mut self, desired: TargetSet) -> Changes {
        let (started, changes) = self.replace(desired).await;
        for poll_loop in started {
            self.supervisor.start(poll_loop.id.clone(), poll_loop);
        }
        changes
    }

    /// Polls every target of `desired` once, without a schedule. Returns the outcomes.
    pub async fn poll_once(&mut self, desired: TargetSet) -> Vec<PollOutcome> {
        let (started, _) = self.replace(desired).await;
        // Poll jobs last, because they need the polled deployments.
        let (jobs, others): (Vec<_>, Vec<_>) =
            started.into_iter().partition(|poll_loop| poll_loop.query.jobs().is_some());
        let mut outcomes = poll_all(others).await;
        outcomes.extend(poll_all(jobs).await);
        outcomes
    }

    /// Restarts poll loops that panic. Never returns.
    ///
    /// # Cancel safety
    ///
    /// The future may be dropped and created again.
    pub async fn supervise(&mut self) {
        self.supervisor.run().await;
    }

    /// Stops all poll loops and waits for their end.
    pub async fn shutdown(&mut self) {
        self.supervisor.shutdown().await;
    }

    /// Stops the loops of removed targets, and publishes the desired targets. Returns the loops to start.
    async fn replace(&mut self, desired: TargetSet) -> (Vec<Arc<PollLoop>>, Changes) {
        let (running, started, changes) = self.reconcile(desired.targets);
        for id in self.running.keys().filter(|id| !running.contains_key(*id)) {
            self.supervisor.stop(id);
        }
        for poll_loop in &started {
            self.supervisor.stop(&poll_loop.id);
        }
        self.update_telemetry(&running);
        let configuration = PublisherConfig {
            targets: running
                .iter()
                .map(|(id, running)| (id.clone(), running.settings(desired.first_value_hold)))
                .collect(),
            groups: running
                .iter()
                .map(|(id, running)| (id.group(), running.target.query.collector()))
                .collect(),
            workspaces: desired.workspaces.into(),
            render: Arc::new(desired.render),
            max_series: desired.max_series,
        };
        if let Err(problem) = self.publisher.configure(configuration, self.initial.as_ref()).await {
            error!(%problem, "series of removed targets may be served until the next poll of their namespace");
        }
        // From now on, readiness depends only on the targets.
        self.initial.take_if(|_| !self.expects_more);
        self.running = running;
        (started, changes)
    }

    /// The desired loops, and those of them that must be started.
    fn reconcile(
        &mut self,
        desired: BTreeMap<Arc<TargetId>, DesiredTarget>,
    ) -> (BTreeMap<Arc<TargetId>, RunningTarget>, Vec<Arc<PollLoop>>, Changes) {
        let mut before: BTreeMap<_, _> =
            self.running.iter().map(|(id, running)| (id.clone(), running.clone())).collect();
        let (mut running, mut started, mut changes) = (BTreeMap::new(), Vec::new(), Changes::default());
        let mut first_polls = FirstPolls::new();
        for (id, target) in desired {
            let known = before.remove(&id);
            if let Some(known) = known.as_ref().filter(|known| known.target.equals(&target)) {
                changes.unchanged += 1;
                running.insert(id, known.clone());
                continue;
            }
            *(if known.is_some() { &mut changes.changed } else { &mut changes.added }) += 1;
            let first = first_polls.next(&id.workspace, &target);
            let poll_loop = Arc::new(self.poll_loop(&id, &target, first));
            started.push(poll_loop.clone());
            running.insert(id, RunningTarget { target, generation: poll_loop.generation });
        }
        changes.removed = before.len();
        (running, started, changes)
    }

    fn poll_loop(&mut self, id: &Arc<TargetId>, target: &DesiredTarget, first: Instant) -> PollLoop {
        self.last_generation += 1;
        let (now, wall_clock) = (Instant::now(), self.clock.since_epoch());
        PollLoop {
            id: id.clone(),
            query: target.query.clone(),
            settings: target.settings,
            schedule: Schedule::new(id, target.settings.interval, first, now, wall_clock),
            generation: self.last_generation,
            publisher: self.publisher.clone(),
            telemetry: self.telemetry.clone(),
            observer: self.observer.clone(),
            started: AtomicBool::new(false),
        }
    }

    /// Initializes the counters of new namespaces with 0, and removes those of removed namespaces.
    fn update_telemetry(&self, running: &BTreeMap<Arc<TargetId>, RunningTarget>) {
        let (before, after) = (namespaces(self.running.keys()), namespaces(running.keys()));
        for (workspace, namespace) in before.difference(&after) {
            self.telemetry.remove_namespace(workspace, namespace);
        }
        for (workspace, namespace) in after.difference(&before) {
            self.telemetry.init_namespace(workspace, namespace);
        }
    }
}

impl RunningTarget {
    fn settings(&self, first_value_hold: Option<Duration>) -> TargetSettings {
        TargetSettings {
            region: self.target.region.clone(),
            interval: self.target.settings.interval,
            expire_after: self.target.settings.expire_after(),
            first_value_hold,
            jobs: self.target.query.jobs().map(JobsQuery::mode),
            generation: self.generation,
        }
    }
}

/// Polls each of `loops` once, concurrently.
async fn poll_all(loops: Vec<Arc<PollLoop>>) -> Vec<PollOutcome> {
    let polls = loops.into_iter().map(|poll_loop| async move {
        let polling = poll_loop.clone();
        // Start at the request rate, so that no poll spends its timeout waiting for the rate limit.
        let polled = tokio::spawn(async move {
            sleep_until(polling.schedule.first()).await;
            polling.poll().await
        });
        polled.await.unwrap_or_else(|_| {
            poll_loop.on_panic();
            PollOutcome::Failure(ErrorClass::Internal)
        })
    });
    join_all(polls).await
}

/// The workspace and namespace of each target that has one.
fn namespaces<'t>(targets: impl Iterator<Item = &'t Arc<TargetId>>) -> BTreeSet<(&'t str, &'t str)> {
    let of_namespaces = targets.filter(|id| !id.namespace.is_empty());
    of_namespaces.map(|id| (id.workspace.as_str(), id.namespace.as_str())).collect()
}

/// Spreads the first polls of new targets at the request rate of their workspace, over at most one interval.
struct FirstPolls {
    now: Instant,
    /// Number of started targets by workspace.
    started: HashMap<String, u32>,
}

impl FirstPolls {
    fn new() -> Self {
        Self { now: Instant::now(), started: HashMap::new() }
    }

    fn next(&mut self, workspace: &str, target: &DesiredTarget) -> Instant {
        let started = self.started.entry(workspace.to_owned()).or_default();
        let delay = Duration::try_from_secs_f64(f64::from(*started) / target.requests_per_second);
        *started = started.saturating_add(1);
        self.now + delay.unwrap_or(Duration::MAX).min(target.settings.interval)
    }
}
