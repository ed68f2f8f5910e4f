use std::{collections::HashSet, sync::Arc, time::Duration};

use tokio::time::{Instant, advance, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::testing::{EXPIRE_AFTER, Fixture, deployments, target};
use crate::{
    exposition::{Encoding, Format, MetricsBody},
    model::{Deployment, ErrorClass, LabelKeys},
    store::Freshness,
    telemetry::Telemetry,
};

/// Runs the expiry task for this long.
async fn run_expiry(fixture: &Fixture, span: Duration) {
    assert!(timeout(span, fixture.publisher.run_expiry()).await.is_err());
}

#[tokio::test]
async fn a_deployment_that_two_selections_match_is_served_once_as_last_seen() {
    let (all, some) = (target("n", ""), target("n", "name=x"));
    let fixture = Fixture::new(&[all.clone(), some.clone()]).await;
    fixture.succeed(&all, deployments(&[("a", 1), ("b", 1)])).await;
    fixture.succeed(&some, deployments(&[("b", 2), ("c", 2)])).await;
    assert_eq!(fixture.served().await, ["a=1", "b=2", "c=2"]);
    fixture.succeed(&all, deployments(&[("a", 3), ("b", 3)])).await;
    assert_eq!(fixture.served().await, ["a=3", "b=3", "c=2"]);
    // An equal result makes the selection the most recent again.
    fixture.succeed(&some, deployments(&[("b", 2), ("c", 2)])).await;
    assert_eq!(fixture.served().await, ["a=3", "b=2", "c=2"]);
    fixture.configure(std::slice::from_ref(&some)).await;
    assert_eq!(fixture.served().await, ["b=2", "c=2"]);
}

#[tokio::test]
async fn a_listed_deployment_replaces_a_retained_one() {
    let (all, some) = (target("n", ""), target("n", "name=x"));
    let fixture = Fixture::new(&[all.clone(), some.clone()]).await;
    fixture.succeed(&all, deployments(&[("a", 2), ("b", 1)])).await;
    fixture.succeed(&some, deployments(&[("a", 5)])).await;
    fixture.list(&all, deployments(&[("b", 1)]), false).await;
    assert_eq!(fixture.served().await, ["a=5", "b=1"]);
}

#[tokio::test(start_paused = true)]
async fn failed_polls_leave_the_data_until_it_expires_to_the_second() {
    let id = target("n", "");
    let fixture = Fixture::new(std::slice::from_ref(&id)).await;
    let start = Instant::now();
    fixture.succeed(&id, deployments(&[("a", 1)])).await;
    assert_eq!(fixture.status(&id).freshness(), Freshness::Fresh);
    fixture.fail(&id, ErrorClass::Throttled, "slow down");
    run_expiry(&fixture, EXPIRE_AFTER.saturating_sub(Duration::from_millis(100))).await;
    assert_eq!(start.elapsed(), Duration::from_millis(299_900));
    assert_eq!(fixture.status(&id).freshness(), Freshness::Stale);
    assert_eq!(fixture.served().await, ["a=1"]);
    assert!(fixture.text().await.contains("selection=\"\"} 0\n"), "target_up");
    run_expiry(&fixture, Duration::from_millis(200)).await;
    assert_eq!(fixture.status(&id).freshness(), Freshness::Expired);
    let text = fixture.text().await;
    assert!(!text.contains("aliyun_flink_deployment_"), "{text}");
    assert!(!text.contains("aliyun_flink_target_objects"), "{text}");
    assert!(text.contains("outcome=\"throttled\"} 1\n"), "{text}");

    fixture.succeed(&id, deployments(&[("a", 1)])).await;
    assert_eq!(fixture.status(&id).freshness(), Freshness::Fresh);
    assert_eq!(fixture.served().await, ["a=1"]);
}

#[tokio::test(start_paused = true)]
async fn a_reader_withdraws_expired_data_if_the_expiry_task_hangs() {
    let (all, some, other) = (target("n", ""), target("n", "name=x"), target("m", ""));
    let fixture = Fixture::new(&[all.clone(), some.clone(), other.clone()]).await;
    fixture.succeed(&all, deployments(&[("a", 1), ("b", 1)])).await;
    fixture.succeed(&other, deployments(&[("c", 1)])).await;
    advance(Duration::from_secs(10)).await;
    fixture.succeed(&some, deployments(&[("b", 2)])).await;
    advance(EXPIRE_AFTER.saturating_sub(Duration::from_secs(5))).await;
    assert_eq!(fixture.served().await, ["b=2"], "no task withdraws anything here");
    assert_eq!(fixture.status(&all).freshness(), Freshness::Expired);
    advance(Duration::from_secs(5)).await;
    assert_eq!(fixture.status(&some).freshness(), Freshness::Expired);
    assert!(fixture.served().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn data_that_was_renewed_is_not_withdrawn() {
    let id = target("n", "");
    let fixture = Fixture::new(std::slice::from_ref(&id)).await;
    for _ in 0..5 {
        fixture.succeed(&id, deployments(&[("a", 1)])).await;
        run_expiry(&fixture, EXPIRE_AFTER.saturating_sub(Duration::from_secs(1))).await;
        assert_eq!(fixture.served().await, ["a=1"]);
    }
}

#[tokio::test]
async fn an_exporter_that_was_ready_stays_ready_when_a_target_is_added() {
    let id = target("n", "");
    let fixture = Fixture::new(std::slice::from_ref(&id)).await;
    assert!(!fixture.readiness.is_ready());
    fixture.fail(&id, ErrorClass::Api, "");
    assert!(fixture.readiness.is_ready());
    fixture.configure(&[id, target("m", "")]).await;
    assert!(fixture.readiness.is_ready());
}

#[tokio::test]
async fn an_exporter_is_ready_only_when_the_first_polls_are_published() {
    let id = target("n", "");
    let fixture = Fixture::new(std::slice::from_ref(&id)).await;
    let change = fixture.commit(&id, deployments(&[("a", 1)]), true).await.unwrap();
    assert!(!fixture.readiness.is_ready() && fixture.served().await.is_empty());
    fixture.publisher.publish_group(&change.group).await.unwrap();
    drop(change);
    assert!(fixture.readiness.is_ready());
    assert_eq!(fixture.served().await, ["a=1"]);
}

#[tokio::test]
async fn an_initial_target_that_is_removed_does_not_keep_the_exporter_from_being_ready() {
    let (kept, removed) = (target("n", ""), target("m", ""));
    let fixture = Fixture::new(&[kept.clone(), removed]).await;
    fixture.succeed(&kept, Vec::new()).await;
    assert!(!fixture.readiness.is_ready());
    fixture.configure(&[kept]).await;
    assert!(fixture.readiness.is_ready());
}

#[tokio::test]
async fn a_reader_keeps_the_snapshot_it_took() {
    let id = target("n", "");
    let fixture = Fixture::new(std::slice::from_ref(&id)).await;
    fixture.succeed(&id, deployments(&[("a", 1)])).await;
    let before = fixture.publisher.snapshot();
    fixture.succeed(&id, deployments(&[("b", 1)])).await;
    assert_eq!(before.targets()[0].1.objects::<Deployment>().unwrap()[0].id, "a".into());
    assert_eq!(fixture.served().await, ["b=1"]);
    assert!(before.version() < fixture.publisher.snapshot().version());
}

#[tokio::test]
async fn an_unchanged_group_is_not_rendered_again() {
    let id = target("n", "");
    let fixture = Fixture::new(std::slice::from_ref(&id)).await;
    fixture.succeed(&id, deployments(&[("a", 1)])).await;
    let groups = || fixture.publisher.snapshot().rendered.groups()[0].1.clone();
    let (before, data) = (groups(), fixture.status(&id).data.clone().unwrap().objects);
    fixture.succeed(&id, deployments(&[("a", 1)])).await;
    assert!(Arc::ptr_eq(&before, &groups()));
    let same = fixture.status(&id).data.clone().unwrap().objects;
    assert!(Arc::ptr_eq(&data, &same), "equal objects are not held twice");
    fixture.succeed(&id, deployments(&[("a", 2)])).await;
    assert!(!Arc::ptr_eq(&before, &groups()));
}

#[tokio::test]
async fn new_labels_are_rendered_with_the_next_poll() {
    let id = target("n", "");
    let fixture = Fixture::new(std::slice::from_ref(&id)).await;
    let labelled =
        vec![Deployment { labels: vec![("team".into(), "a".into())], ..deployments(&[("a", 1)]).remove(0) }];
    fixture.succeed(&id, labelled.clone()).await;
    fixture.configure_labels(std::slice::from_ref(&id), LabelKeys::All).await;
    fixture.succeed(&id, labelled).await;
    assert!(fixture.text().await.contains("label_team=\"a\""));
}

#[tokio::test]
async fn once_writes_the_text_that_would_be_served() {
    let ids = [target("a", "name=x"), target("a", "name=y"), target("b", "")];
    let (rendered, unrendered) = (Fixture::new(&ids).await, Fixture::new(&ids).await);
    unrendered.publisher.disable_rendering();
    for fixture in [&rendered, &unrendered] {
        fixture.succeed(&ids[0], deployments(&[("a", 1), ("b", 2)])).await;
        fixture.succeed(&ids[1], deployments(&[("c", 3), ("a", 9)])).await;
        fixture.list(&ids[1], deployments(&[("c", 3)]), false).await;
        fixture.succeed(&ids[2], deployments(&[("a", 4)])).await;
    }
    let mut written = Vec::new();
    unrendered.publisher.write(&mut written).unwrap();
    let without_times = |text: &str| -> Vec<String> {
        text.lines()
            .filter(|line| !line.contains("_last_success_") && !line.contains("_since_timestamp_"))
            .map(str::to_owned)
            .collect()
    };
    let written = String::from_utf8(written).unwrap();
    assert_eq!(without_times(&written), without_times(&rendered.text().await));
    assert!(written.contains("deployment_id=\"c\""), "{written}");
}

#[tokio::test]
async fn failed_jobs_are_summed_where_they_are_known() {
    let id = target("n", "");
    let fixture = Fixture::new(std::slice::from_ref(&id)).await;
    fixture.succeed(&id, vec![Deployment::default()]).await;
    assert_eq!(fixture.status(&id).failed_jobs(), None);
    fixture.succeed(&id, deployments(&[("a", 2), ("b", 3)])).await;
    assert_eq!(fixture.status(&id).failed_jobs(), Some(5));
}

#[tokio::test]
async fn a_report_of_an_unknown_target_changes_nothing() {
    let fixture = Fixture::new(&[target("n", "")]).await;
    fixture.succeed(&target("gone", ""), deployments(&[("a", 1)])).await;
    fixture.fail(&target("gone", ""), ErrorClass::Api, "");
    assert!(fixture.served().await.is_empty());
    assert_eq!(fixture.publisher.snapshot().targets().len(), 1);
}

#[tokio::test]
async fn unchanged_responses_are_assembled_and_compressed_once() {
    let ids = [target("a", ""), target("b", "")];
    let fixture = Fixture::new(&ids).await;
    for id in &ids {
        fixture.succeed(id, deployments(&[("a", 1)])).await;
    }
    let first = fixture.publisher.body(Format::Text, Encoding::Gzip).await.unwrap();
    fixture.publisher.store().schedule(&ids[0], Instant::now(), Instant::now());
    fixture.publisher.publish_next_poll(&ids[0]);
    let second = fixture.publisher.body(Format::Text, Encoding::Gzip).await.unwrap();
    assert!(Arc::ptr_eq(&first, &second), "no metric shows the time of the next poll");
    fixture.succeed(&ids[0], deployments(&[("a", 2)])).await;
    let third = fixture.publisher.body(Format::Text, Encoding::Gzip).await.unwrap();
    let pointers =
        |body: &MetricsBody| body.pieces().iter().map(|piece| piece.as_ptr()).collect::<HashSet<_>>();
    let (before, after) = (pointers(&first), pointers(&third));
    // New are the jobs of one namespace, and the targets' counts of polls, times of success and durations.
    assert!(before.difference(&after).count() <= 4 && before.len() > 10, "{before:?} {after:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_see_all_of_a_change_of_targets_or_nothing_of_it() {
    let before = [target("n", ""), target("n", "name=x"), target("m", "")];
    let after = [target("n", ""), target("l", "")];
    let fixture = Fixture::new(&before).await;
    let mut seen = HashSet::new();
    for _ in 0..50 {
        fixture.configure(&before).await;
        for (id, deployment) in before.iter().zip(["a", "b", "c"]) {
            fixture.succeed(id, deployments(&[(deployment, 1)])).await;
        }
        let (publisher, stop) = (fixture.publisher.clone(), CancellationToken::new());
        let stopped = stop.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let mut seen = HashSet::new();
            while !stopped.is_cancelled() {
                let snapshot = publisher.snapshot();
                let text = snapshot.rendered.text();
                let has = |id: &str| text.contains(&format!("deployment_id=\"{id}\""));
                seen.insert((snapshot.targets().len(), has("a"), has("b"), has("c")));
            }
            seen
        });
        sleep(Duration::from_millis(1)).await;
        fixture.configure(&after).await;
        sleep(Duration::from_millis(1)).await;
        stop.cancel();
        seen.extend(reading.await.unwrap());
    }
    assert_eq!(seen, [(3, true, true, true), (2, true, false, false)].into());
}

#[tokio::test]
async fn series_over_the_limit_are_dropped_in_every_format_and_return_below_95_percent() {
    let id = target("n", "");
    let fixture = Fixture::new(std::slice::from_ref(&id)).await;
    let fleet = |count: usize| -> Vec<Deployment> {
        let deployment = |number: usize| Deployment {
            id: number.to_string().into(),
            created: Some(1.0),
            changes_pending: Some(true),
            ..Deployment::default()
        };
        (0..count).map(deployment).collect()
    };
    fixture.succeed(&id, fleet(100)).await;
    let own = Telemetry::new().unwrap().own_series();
    let all = fixture.publisher.snapshot().series().served;
    let limit = all.total() + all.families() + own;
    let dropped = |family| fixture.publisher.snapshot().series().dropped.get(family);
    let created = "aliyun_flink_deployment_created_timestamp_seconds";
    fixture.configure_max_series(std::slice::from_ref(&id), limit).await;
    assert_eq!(dropped(created), 0, "exactly the limit");

    fixture.succeed(&id, fleet(101)).await;
    assert_eq!(dropped(created), 101, "{:?}", fixture.publisher.snapshot().series());
    for format in Format::ALL {
        let body = fixture.publisher.body(format, Encoding::Identity).await.unwrap();
        let text = body.to_vec().unwrap();
        assert!(!String::from_utf8(text).unwrap().contains("created_timestamp"), "{format:?}");
        assert_eq!(body.series(), &fixture.publisher.snapshot().series());
    }
    let gzip = fixture.publisher.body(Format::Text, Encoding::Gzip).await.unwrap();
    assert_eq!(gzip.series().dropped.total(), 202, "creation times and pending changes");

    fixture.succeed(&id, fleet(98)).await;
    assert_eq!(dropped(created), 98, "more than 95 %");
    fixture.succeed(&id, fleet(80)).await;
    assert_eq!(dropped(created), 0);
    fixture.succeed(&id, fleet(1000)).await;
    assert_eq!(dropped(created), 1000, "{:?}", fixture.publisher.snapshot().series());
    fixture.configure_max_series(std::slice::from_ref(&id), 0).await;
    assert_eq!(dropped(created), 0, "no limit");
}
