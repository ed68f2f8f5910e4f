//! When the collector `jobs` sends its requests.

use std::{collections::BTreeSet, time::Duration};

use tokio::time::Instant;

use crate::support::{Exposition, JobFleet, Start, job_settings, steady_deployment, until};

const LAST_FAILURE: &str = "aliyun_flink_deployment_last_failure_info";

fn polls(metrics: &Exposition, collector: &str) -> f64 {
    metrics.find("aliyun_flink_target_polls_total").label("collector", collector).sum()
}

fn successful_polls(metrics: &Exposition, collector: &str) -> f64 {
    let polls = metrics.find("aliyun_flink_target_polls_total").label("collector", collector);
    polls.label("outcome", "success").sum()
}

#[tokio::test]
async fn requests_after_many_simultaneous_failures_keep_the_rate() {
    let fleet = JobFleet::new((0..40).map(steady_deployment));
    let api = fleet.serve().await;
    let settings = job_settings("interval: 1d, requests_per_second: 20");
    let program = Start::daemon().polling(&api, "[n1]", &settings).ready().await;
    let before = Instant::now();
    for number in 0..40 {
        fleet.fail(&format!("d{number}"), 1_700_000_000, "Code");
    }
    let all = |metrics: &Exposition| metrics.find(LAST_FAILURE).all().len() == 40;
    let metrics = program.metrics_with("every reason", all).await;
    let arrivals = fleet.arrivals();
    assert_eq!(arrivals.len(), 40);
    // Requests may arrive late, but they never start early: 39 intervals of 50 ms.
    let took = *arrivals.last().unwrap() - before;
    assert!(took >= Duration::from_millis(1950), "{took:?}");
    assert!(successful_polls(&metrics, "deployments") > 0.0);
    let failed = polls(&metrics, "jobs") - successful_polls(&metrics, "jobs");
    assert!(failed < 0.5, "{failed} rounds failed");
}

#[tokio::test]
async fn a_round_requests_each_deployment_once_and_spreads_the_requests() {
    let fleet = JobFleet::new((0..10).map(steady_deployment));
    let api = fleet.serve().await;
    let settings = job_settings("mode: active, interval: 4s, requests_per_second: 1000");
    let _program = Start::daemon().polling(&api, "[n1]", &settings).ready().await;
    until("three rounds", async || (fleet.requested().len() >= 30).then_some(())).await;
    let (requested, arrivals) = (fleet.requested(), fleet.arrivals());
    for round in [0..10, 10..20] {
        assert_eq!(requested[round].iter().collect::<BTreeSet<_>>().len(), 10, "{requested:?}");
    }
    // Nine gaps of 360 ms if no request is late. Without the spread, they would take a few milliseconds.
    let took = arrivals[19] - arrivals[10];
    assert!(took > Duration::from_millis(1500), "{took:?}: {arrivals:?}");
}

#[tokio::test]
async fn a_failure_during_a_round_is_requested_next() {
    let last = [("z".to_owned(), steady_deployment(0).1)];
    let fleet = JobFleet::new((0..40).map(steady_deployment).chain(last));
    let api = fleet.serve().await;
    let settings = job_settings("mode: active, interval: 1d, requests_per_second: 2");
    let program = Start::daemon().polling(&api, "[n1]", &settings).ready().await;
    until("a few requests", async || (fleet.requested().len() >= 3).then_some(())).await;
    fleet.fail("z", 1_700_001_000, "Code");
    let failed = |metrics: &Exposition| metrics.find(LAST_FAILURE).all().len() == 1;
    let metrics = program.metrics_with("the reason", failed).await;
    let requested = fleet.requested();
    assert!(requested.len() < 30, "the others wait: {requested:?}");
    // The round continues, and its results are served meanwhile.
    let rounds = polls(&metrics, "jobs");
    assert!(rounds < 1.5, "the first round had nothing to request: {rounds}");
    assert!(!metrics.find("aliyun_flink_deployment_used_cpu_cores").all().is_empty());
}
