use std::path::Path;

use tempfile::TempDir;
use tokio::time::Instant;

use super::*;
use crate::{
    clock::Clock,
    model::{Deployment, DeploymentStatus, JobCounts, Objects, ObservedStatus, Transitions},
    snapshot::testing::target,
    store::{Listed, PollReport, StatusLookup, TargetSettings},
};
use std::collections::BTreeMap;

const START: Duration = Duration::from_secs(1_000_000);

/// A store with a state file and one target.
struct Run {
    store: Arc<Store>,
    clock: Clock,
}

impl Run {
    async fn start(path: &Path, clock: Clock) -> Self {
        let store = Arc::new(Store::new(clock));
        store.load_state(path.to_owned()).await;
        let settings = TargetSettings {
            region: "".into(),
            interval: Duration::from_secs(60),
            expire_after: Duration::from_secs(600),
            first_value_hold: Some(Duration::ZERO),
            jobs: None,
            generation: 1,
        };
        store.set_targets(&[(Arc::new(target("n", "")), settings)].into(), None);
        Self { store, clock }
    }

    /// Polls a deployment that was created long ago.
    async fn poll(&self, counts: [u64; 6], answer: StatusLookup) {
        self.poll_created(counts, answer, 0.0).await;
    }

    async fn poll_created(&self, counts: [u64; 6], answer: StatusLookup, created: f64) {
        let jobs = JobCounts::new(counts.map(Some));
        let deployment = Deployment { id: "d".into(), jobs, created: Some(created), ..Deployment::default() };
        let objects = Box::new(Objects::listed(vec![deployment]));
        let now = Instant::now();
        let report = PollReport {
            result: Listed { objects, consistent: true, pages: 1, answer },
            requested_at: now,
            took: Duration::ZERO,
            next_poll: now + Duration::from_secs(60),
            next_report_due: now + Duration::from_secs(120),
        };
        self.store.commit(&target("n", ""), 1, report).await.unwrap();
    }

    /// The status, whether its beginning is known, and the failed jobs.
    fn served(&self) -> (DeploymentStatus, bool, Option<u64>) {
        let deployment = Deployment { id: "d".into(), ..Deployment::default() };
        let (_, group) = self.store.group_objects(&target("n", "").group());
        let [Transitions { status: Some(ObservedStatus { status, since }), jobs_ended }] =
            group.transitions(&[&deployment])[..]
        else {
            panic!("no status");
        };
        (status, since.is_some(), jobs_ended[2])
    }

    async fn stop(self) -> Clock {
        self.store.record_state(Duration::ZERO).await;
        self.store.close_state(Duration::from_secs(60)).await;
        self.clock
    }
}

fn path() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.redb");
    (directory, path)
}

const RUNNING: [u64; 6] = [0, 1, 0, 0, 0, 3];

fn failed(jobs: u64) -> [u64; 6] {
    [0, 0, 0, 0, 0, jobs]
}

/// Runs for two polls, of which the second sees a failure, and stops.
async fn first_run(path: &Path) -> Clock {
    let run = Run::start(path, Clock::paused(START)).await;
    run.poll(RUNNING, StatusLookup::NotNeeded).await;
    run.poll(failed(4), StatusLookup::NotNeeded).await;
    assert_eq!(run.served(), (DeploymentStatus::Failed, true, Some(1)));
    assert!(run.store.state_file().unwrap().healthy());
    run.stop().await
}

#[tokio::test]
async fn a_restart_within_an_hour_continues_without_a_gap() {
    let (_directory, path) = path();
    let clock = first_run(&path).await;
    clock.set_by(3500);
    let run = Run::start(&path, clock).await;
    run.poll(failed(6), StatusLookup::NotNeeded).await;
    assert_eq!(run.served(), (DeploymentStatus::Failed, true, Some(1)), "the value served last is held");
    run.poll(failed(6), StatusLookup::NotNeeded).await;
    assert_eq!(run.served(), (DeploymentStatus::Failed, true, Some(3)));
}

#[tokio::test]
async fn jobs_that_ended_during_a_long_stop_are_not_counted() {
    let (_directory, path) = path();
    let clock = first_run(&path).await;
    clock.set_by(3700);
    let run = Run::start(&path, clock).await;
    run.poll(failed(6), StatusLookup::NotNeeded).await;
    run.poll(failed(7), StatusLookup::NotNeeded).await;
    assert_eq!(run.served(), (DeploymentStatus::Failed, true, Some(2)), "2 are history");
    let clock = run.stop().await;
    clock.set_by(3700);
    let run = Run::start(&path, clock).await;
    run.poll(failed(7), StatusLookup::NotNeeded).await;
    assert_eq!(
        run.served(),
        (DeploymentStatus::Failed, true, Some(2)),
        "nothing changed, so the status is kept"
    );
}

#[tokio::test]
async fn a_start_without_a_poll_does_not_make_history_count() {
    let (_directory, path) = path();
    let clock = first_run(&path).await;
    clock.set_by(3700);
    let clock = Run::start(&path, clock).await.stop().await;
    let run = Run::start(&path, clock).await;
    run.poll(failed(6), StatusLookup::NotNeeded).await;
    run.poll(failed(6), StatusLookup::NotNeeded).await;
    assert_eq!(run.served(), (DeploymentStatus::Failed, false, Some(1)), "2 are history");
}

#[tokio::test]
async fn a_deployment_created_during_a_short_stop_is_new_and_during_a_longer_one_is_not() {
    for (stopped, jobs) in [(600, 5), (3700, 0)] {
        let (_directory, path) = path();
        let run = Run::start(&path, Clock::paused(START)).await;
        let now = Instant::now();
        let nothing = Listed {
            objects: Box::new(Objects::<Deployment>::listed(Vec::new())),
            consistent: true,
            pages: 1,
            answer: StatusLookup::NotNeeded,
        };
        let report = PollReport {
            result: nothing,
            requested_at: now,
            took: Duration::ZERO,
            next_poll: now,
            next_report_due: now,
        };
        run.store.commit(&target("n", ""), 1, report).await.unwrap();
        let clock = run.stop().await;
        clock.set_by(stopped);
        let run = Run::start(&path, clock).await;
        let created = START.as_secs_f64() + 60.0;
        run.poll_created(failed(5), StatusLookup::NotNeeded, created).await;
        run.poll_created(failed(5), StatusLookup::NotNeeded, created).await;
        assert_eq!(run.served(), (DeploymentStatus::Failed, jobs > 0, Some(jobs)), "stopped for {stopped} s");
    }
}

#[tokio::test]
async fn served_values_are_in_the_file_after_a_kill() {
    let (_directory, path) = path();
    let run = Run::start(&path, Clock::paused(START)).await;
    run.poll(RUNNING, StatusLookup::NotNeeded).await;
    run.poll(failed(4), StatusLookup::NotNeeded).await;
    // As a crash leaves it.
    let copy = path.with_extension("copy");
    std::fs::copy(&path, &copy).unwrap();
    let after = Run::start(&copy, run.clock).await;
    after.poll(failed(4), StatusLookup::NotNeeded).await;
    assert_eq!(after.served(), run.served());
}

#[tokio::test]
async fn a_namespace_without_a_target_is_removed_after_a_day_of_uptime() {
    let (_directory, path) = path();
    let clock = first_run(&path).await;
    let run = Run::start(&path, clock).await;
    run.store.set_targets(&BTreeMap::new(), None);
    run.store.record_state(Duration::from_secs(86_000)).await;
    let clock = run.stop().await;
    let run = Run::start(&path, clock).await;
    run.store.set_targets(&BTreeMap::new(), None);
    let remembered = |run: &Run| run.store.shared.lock().transitions.len();
    assert_eq!(remembered(&run), 1);
    run.store.record_state(Duration::from_secs(401)).await;
    assert_eq!(remembered(&run), 0);
    let clock = run.stop().await;
    assert_eq!(remembered(&Run::start(&path, clock).await), 0, "in the file, too");
}

#[tokio::test]
async fn the_age_of_a_namespace_restarts_when_it_is_a_target_again() {
    let (_directory, path) = path();
    let clock = first_run(&path).await;
    let run = Run::start(&path, clock).await;
    let targets = run.store.targets();
    run.store.set_targets(&BTreeMap::new(), None);
    run.store.record_state(Duration::from_secs(86_000)).await;
    let settings = TargetSettings {
        region: "".into(),
        interval: Duration::from_secs(60),
        expire_after: Duration::from_secs(600),
        first_value_hold: None,
        jobs: None,
        generation: 2,
    };
    run.store.set_targets(&[(targets[0].0.clone(), settings)].into(), None);
    run.store.record_state(Duration::from_secs(60)).await;
    run.store.set_targets(&BTreeMap::new(), None);
    run.store.record_state(Duration::from_secs(86_000)).await;
    assert_eq!(run.store.shared.lock().transitions.len(), 1);
}

#[tokio::test]
async fn an_unknown_status_is_taken_from_a_file_that_becomes_free_if_its_counts_are_the_same() {
    let (_directory, path) = path();
    first_run(&path).await;
    for (counts, status) in
        [(failed(4), DeploymentStatus::Failed), ([0, 0, 0, 1, 0, 4], DeploymentStatus::Unknown)]
    {
        let (_directory, other) = self::path();
        let run = Run::start(&other, Clock::paused(START)).await;
        // Its first look is ambiguous, so that it asks, and nobody answers.
        run.poll([0, 1, 0, counts[3], 0, 4], StatusLookup::NotNeeded).await;
        run.poll(counts, StatusLookup::Failed).await;
        assert_eq!(run.served().0, DeploymentStatus::Unknown);
        let owner: Arc<dyn Owner> = Arc::new(StateOwner(Arc::downgrade(&run.store)));
        // Each state file has its own copy, because dropping one does not wait until its thread has closed the file.
        let copy = path.with_extension(format!("copy{}", counts[3]));
        std::fs::copy(&path, &copy).unwrap();
        let (_file, mut loading) =
            StateFile::start(Settings::new(copy, FORMAT_VERSION, run.clock), owner.clone());
        let Loaded::Contents(contents) = loading.wait().await else { panic!("the file is intact") };
        owner.merge(contents);
        assert_eq!(run.served().0, status);
    }
}

#[tokio::test]
async fn entries_of_discovery_survive_and_can_be_deleted() {
    let (_directory, path) = path();
    let run = Run::start(&path, Clock::paused(START)).await;
    let entry = |key: &str, value: Option<&str>| (key.into(), value.map(Into::into));
    run.store.save_discovery(vec![entry("a", Some("1")), entry("b", Some("2"))]).await;
    run.store.save_discovery(vec![entry("a", None)]).await;
    let clock = run.stop().await;
    let run = Run::start(&path, clock).await;
    assert_eq!(run.store.discovery_entries(), DiscoveryEntries::from([(b"b".to_vec(), b"2".to_vec())]));
}
