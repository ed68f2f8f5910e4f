use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::time::{Instant, advance};

use super::{Latch, Listed, PollFailure, PollReport, StatusLookup, Store, TargetSettings};
use crate::{
    clock::Clock,
    model::{Deployment, ErrorClass, Objects, TargetId},
    snapshot::testing::{deployments, target},
};

const INTERVAL: Duration = Duration::from_secs(60);

fn settings(expire_after: u64, generation: u64) -> TargetSettings {
    let expire_after = Duration::from_secs(expire_after);
    TargetSettings {
        region: "cn-test".into(),
        interval: INTERVAL,
        expire_after,
        first_value_hold: None,
        jobs: None,
        generation,
    }
}

fn set(store: &Store, targets: &[(&TargetId, TargetSettings)], latch: Option<&Latch>) -> Vec<String> {
    let targets: BTreeMap<_, _> =
        targets.iter().map(|(id, settings)| (Arc::new((*id).clone()), settings.clone())).collect();
    store.set_targets(&targets, latch).into_iter().map(|group| group.namespace).collect()
}

fn store(targets: &[(&TargetId, TargetSettings)]) -> Store {
    let store = Store::new(Clock::paused(Duration::from_secs(1_000_000)));
    set(&store, targets, None);
    store
}

fn report(deployments: Vec<Deployment>, consistent: bool) -> PollReport<Listed> {
    let objects = Box::new(Objects::listed(deployments));
    report_of(Listed { objects, consistent, pages: 1, answer: StatusLookup::NotNeeded })
}

fn report_of<T>(result: T) -> PollReport<T> {
    let now = Instant::now();
    PollReport {
        result,
        requested_at: now,
        took: Duration::from_secs(1),
        next_poll: now + INTERVAL,
        next_report_due: now + 2 * INTERVAL,
    }
}

fn failure() -> PollReport<PollFailure> {
    report_of(PollFailure { class: ErrorClass::Api, message: String::new() })
}

#[tokio::test(start_paused = true)]
async fn a_commit_returns_the_data_before_and_after() {
    let id = target("n", "");
    let store = store(&[(&id, settings(300, 1))]);
    let first = store.commit(&id, 1, report(deployments(&[("a", 1)]), true)).await.unwrap();
    assert!(first.before.is_none());
    let same = store.commit(&id, 1, report(deployments(&[("a", 1)]), true)).await.unwrap();
    let revisions =
        |change: &super::Change| [&change.before, &change.after].map(|data| data.as_ref().unwrap().revision);
    assert_eq!(revisions(&same), [1, 1]);
    drop(store.commit_failure(&id, 1, failure()).unwrap());
    assert_eq!(
        store.target(&id).unwrap().data.as_ref().unwrap().revision,
        1,
        "a failed poll leaves the data"
    );
    let changed = store.commit(&id, 1, report(deployments(&[("a", 2)]), true)).await.unwrap();
    assert_eq!(revisions(&changed), [1, 2]);
    let failed_jobs = |data: &Option<super::TargetData>| {
        data.as_ref().unwrap().objects.downcast::<Deployment>().unwrap().all()[0].jobs
    };
    assert_ne!(failed_jobs(&changed.before), failed_jobs(&changed.after));
    assert_eq!(changed.group, id.group());
}

#[tokio::test(start_paused = true)]
async fn a_report_of_a_replaced_poll_loop_is_ignored() {
    let id = target("n", "");
    let store = store(&[(&id, settings(300, 1))]);
    set(&store, &[(&id, settings(300, 2))], None);
    assert!(store.commit(&id, 1, report(deployments(&[("a", 1)]), true)).await.is_none());
    assert!(store.target(&id).unwrap().last_poll().is_none());
    assert!(store.commit(&id, 2, report(deployments(&[("a", 1)]), true)).await.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_target_keeps_its_state_when_its_settings_change_and_expires_by_the_new_ones() {
    let id = target("n", "");
    let store = store(&[(&id, settings(300, 1))]);
    drop(store.commit_failure(&id, 1, failure()).unwrap());
    store.commit(&id, 1, report(deployments(&[("a", 1)]), true)).await.unwrap();
    let start = Instant::now();
    assert!(set(&store, &[(&id, settings(600, 2))], None).is_empty());
    let status = store.target(&id).unwrap();
    assert_eq!((status.history.iter().count(), status.object_count()), (2, Some(1)));
    assert_eq!(status.polls().map(|(_, polls)| polls).sum::<u64>(), 2);
    assert_eq!(store.next_expiry(), Some(start + Duration::from_secs(600)));
    advance(Duration::from_secs(599)).await;
    assert!(store.expire(Instant::now()).is_empty());
    advance(Duration::from_secs(1)).await;
    assert_eq!(store.expire(Instant::now()).into_values().flatten().collect::<Vec<_>>(), [Arc::new(id)]);
    assert_eq!(store.next_expiry(), None);
}

#[tokio::test(start_paused = true)]
async fn a_removed_target_leaves_nothing_behind() {
    let (kept, removed, alone) = (target("n", ""), target("n", "name=x"), target("m", ""));
    let store = store(&[(&kept, settings(300, 1)), (&removed, settings(300, 1)), (&alone, settings(300, 1))]);
    for id in [&kept, &removed, &alone] {
        store.commit(id, 1, report(deployments(&[("a", 1)]), true)).await.unwrap();
    }
    let lost = set(&store, &[(&kept, settings(300, 1))], None);
    assert_eq!(lost, ["n"], "a group that is gone as a whole has nothing left to render");
    assert!(store.target(&removed).is_none() && store.group(&alone.group()).is_empty());
    advance(Duration::from_secs(1000)).await;
    assert_eq!(store.stuck(Instant::now()).len(), 1);
    assert_eq!(store.expire(Instant::now()).len(), 1);
    // It comes back as a new one.
    set(&store, &[(&kept, settings(300, 1)), (&removed, settings(300, 1))], None);
    assert!(store.target(&removed).unwrap().last_poll().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_loop_that_does_not_report_in_time_is_stuck_until_it_reports() {
    let (id, other) = (target("n", ""), target("m", ""));
    let store = store(&[(&id, settings(300, 1)), (&other, settings(300, 1))]);
    assert!(store.stuck(Instant::now() + 100 * INTERVAL).is_empty(), "no loop has been started yet");
    let now = Instant::now();
    store.schedule(&id, now, now + INTERVAL);
    store.schedule(&other, now, now + 3 * INTERVAL);
    advance(INTERVAL.saturating_sub(Duration::from_secs(1))).await;
    assert!(store.stuck(Instant::now()).is_empty());
    advance(Duration::from_secs(2)).await;
    assert_eq!(store.stuck(Instant::now()), [Arc::new(id.clone())]);
    drop(store.commit_failure(&id, 1, failure()).unwrap());
    assert!(store.stuck(Instant::now()).is_empty());
    // A replaced loop owes nothing.
    set(&store, &[(&id, settings(300, 2)), (&other, settings(300, 2))], None);
    assert!(store.stuck(Instant::now() + 100 * INTERVAL).is_empty());
}

#[tokio::test(start_paused = true)]
async fn misses_are_counted_across_failed_polls_and_new_settings() {
    let id = target("n", "");
    let store = store(&[(&id, settings(300, 1))]);
    store.commit(&id, 1, report(deployments(&[("a", 1), ("b", 1)]), true)).await.unwrap();
    let count = || store.target(&id).unwrap().object_count();
    store.commit(&id, 1, report(deployments(&[("a", 1)]), false)).await.unwrap();
    drop(store.commit_failure(&id, 1, failure()).unwrap());
    set(&store, &[(&id, settings(300, 2))], None);
    for _ in 0..2 {
        store.commit(&id, 2, report(deployments(&[("a", 1)]), false)).await.unwrap();
        assert_eq!(count(), Some(2));
    }
    store.commit(&id, 2, report(deployments(&[("a", 1)]), false)).await.unwrap();
    assert_eq!(count(), Some(1));
}

#[tokio::test(start_paused = true)]
async fn a_field_is_newly_invalid_until_it_was_valid_again() {
    let id = target("n", "");
    let store = store(&[(&id, settings(300, 1))]);
    let invalid = |fields: &[&'static str]| {
        let news = store.newly_invalid(&id, fields.iter().map(|&field| ("ListDeployments", field)));
        news.into_iter().map(|(_, field)| field).collect::<Vec<_>>()
    };
    assert_eq!(invalid(&["name", "status"]), ["name", "status"]);
    assert_eq!(invalid(&["name", "status"]), Vec::<&str>::new());
    assert_eq!(invalid(&["name"]), Vec::<&str>::new());
    assert_eq!(invalid(&["name", "status"]), ["status"]);
}

#[tokio::test(start_paused = true)]
async fn a_revoked_commit_is_a_failed_poll_that_leaves_the_data_before() {
    let id = target("n", "");
    let store = store(&[(&id, settings(300, 1))]);
    store.commit(&id, 1, report(deployments(&[("a", 1), ("b", 1)]), true)).await.unwrap();
    let expiry = store.next_expiry();
    advance(Duration::from_secs(10)).await;
    let change = store.commit(&id, 1, report(deployments(&[("a", 2)]), false)).await.unwrap();
    let revoke = |change| {
        let failure = PollFailure { class: ErrorClass::Internal, message: "not rendered".into() };
        store.revoke(&id, 1, change, failure);
        store.target(&id).unwrap()
    };
    let status = revoke(change);
    assert_eq!((status.object_count(), status.is_up(), store.next_expiry()), (Some(2), Some(false), expiry));
    let polls: Vec<_> = status.polls().filter(|(_, polls)| *polls > 0).collect();
    assert_eq!(
        polls.iter().map(|(outcome, _)| outcome.as_str()).collect::<Vec<_>>(),
        ["success", "internal"]
    );
    assert_eq!(status.history.last().unwrap().error.as_deref(), Some("not rendered"));

    let change = store.commit(&id, 1, report(deployments(&[("a", 2)]), true)).await.unwrap();
    advance(Duration::from_secs(400)).await;
    let status = revoke(change);
    assert_eq!((status.object_count(), store.next_expiry()), (None, None), "expired meanwhile");
}
