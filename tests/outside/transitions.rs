//! Job transitions, lookups of the status, and the state file across restarts and kills.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use serde_json::json;
use tempfile::TempDir;

use crate::support::{Exposition, Reply, Seen, Start, StubApi};

const JOBS_ENDED: &str = "aliyun_flink_deployment_jobs_ended_total";
const STATUS: &str = "aliyun_flink_deployment_status";
const STATUS_SINCE: &str = "aliyun_flink_deployment_status_since_timestamp_seconds";

/// A namespace with one deployment.
#[derive(Debug, Default)]
struct Fleet {
    running: AtomicU64,
    finished: AtomicU64,
    failed: AtomicU64,
    /// The number of jobs that fail before each listing.
    failing: AtomicU64,
}

impl Fleet {
    async fn serve(self: &Arc<Self>) -> StubApi {
        let fleet = self.clone();
        StubApi::start(move |request| fleet.reply(request)).await
    }

    /// If no job is running, the last one has failed.
    fn reply(&self, request: &Seen) -> Reply {
        if !request.query.contains("status=") {
            self.failed.fetch_add(self.failing.load(Ordering::SeqCst), Ordering::SeqCst);
        }
        let [running, finished, failed] =
            [&self.running, &self.finished, &self.failed].map(|count| count.load(Ordering::SeqCst));
        let deployment = json!({
            "deploymentId": "d", "name": "orders", "namespace": "n1", "executionMode": "STREAMING",
            "jobSummary": {"starting": 0, "running": running, "cancelling": 0, "cancelled": 0, "finished": finished, "failed": failed},
        });
        let is_found = !request.query.contains("status=") || request.query.contains("status=FAILED");
        let deployments: Vec<_> = is_found.then_some(deployment).into_iter().collect();
        Reply::json(
            200,
            &json!({
                "requestId": "r", "success": true, "httpCode": 200, "pageIndex": 1, "pageSize": 100,
                "totalSize": deployments.len(), "data": deployments,
            }),
        )
    }
}

/// Counters are served without a hold of the first value.
const NO_HOLD: &str = "metrics: {first_value_hold: 0s}\n";

fn failed(metrics: &Exposition) -> u64 {
    let value = metrics.find(JOBS_ENDED).label("state", "failed").sum();
    format!("{value}").parse().unwrap()
}

fn has_status(metrics: &Exposition, status: &str) -> bool {
    let served = metrics.find(STATUS).all();
    served.len() == 1 && served[0].labels["status"] == status
}

fn lookups(api: &StubApi) -> usize {
    api.requests().iter().filter(|request| request.query.contains("status=")).count()
}

#[tokio::test]
async fn a_failure_is_counted_and_starts_a_status_without_further_requests() {
    let fleet =
        Arc::new(Fleet { running: 1.into(), finished: 3.into(), failed: 5.into(), ..Fleet::default() });
    let api = fleet.serve().await;
    let program = Start::daemon().polling(&api, "[n1]", NO_HOLD).ready().await;
    let metrics = program.metrics().await;
    assert!(has_status(&metrics, "RUNNING"));
    metrics.find(STATUS_SINCE).absent();
    assert_eq!(failed(&metrics), 0, "five jobs failed before the first poll");
    assert_eq!(metrics.find(JOBS_ENDED).all().len(), 3);

    fleet.failed.store(6, Ordering::SeqCst);
    fleet.running.store(0, Ordering::SeqCst);
    let metrics = program.metrics_with("the failure", |metrics| failed(metrics) == 1).await;
    assert!(has_status(&metrics, "FAILED"));
    let since = metrics.find(STATUS_SINCE).one();
    assert_eq!(since.labels["status"], "FAILED");
    fleet.running.store(1, Ordering::SeqCst);
    let metrics = program.metrics_with("the restart", |metrics| has_status(metrics, "RUNNING")).await;
    assert!(metrics.find(STATUS_SINCE).one().value > since.value);
    assert_eq!((failed(&metrics), lookups(&api)), (1, 0), "the counts are sufficient");
}

#[tokio::test]
async fn an_ambiguous_status_is_looked_up_once() {
    let fleet = Arc::new(Fleet { finished: 3.into(), failed: 5.into(), ..Fleet::default() });
    let api = fleet.serve().await;
    let program =
        Start::daemon().polling(&api, "[{name: n1, select: {creator: '1'}}]", NO_HOLD).ready().await;
    assert!(has_status(&program.metrics().await, "FAILED"));
    let success = |metrics: &Exposition| {
        metrics.find("aliyun_flink_target_polls_total").label("outcome", "success").one().value
    };
    program.metrics_with("more polls", |metrics| success(metrics) >= 4.0).await;
    let requests = api.requests();
    let lookups: Vec<_> =
        requests.iter().map(|request| &request.query).filter(|query| query.contains("status=")).collect();
    assert_eq!(lookups.len(), 3, "{lookups:?}");
    assert!(lookups.iter().all(|query| query.contains("creator=1")), "{lookups:?}");
}

#[tokio::test]
async fn counters_and_failures_survive_a_kill() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("state.redb");
    let path = path.to_str().unwrap();
    let fleet = Arc::new(Fleet { running: 1.into(), failing: 1.into(), ..Fleet::default() });
    let api = fleet.serve().await;
    let mut last = 0;
    let mut first_seen = None;
    for _ in 0..6 {
        let start = Start::daemon().args(&["--state.path", path]).polling(&api, "[n1]", NO_HOLD);
        let program = start.ready().await;
        let before = last;
        program
            .metrics_with("failures", |metrics| {
                let value = failed(metrics);
                assert!(value >= last, "{value} after {last}");
                last = value;
                let count = metrics.find("aliyun_flink_deployment_jobs").label("state", "failed").one().value;
                first_seen.get_or_insert(format!("{count}").parse::<u64>().unwrap());
                value >= before + 3
            })
            .await;
        program.metrics().await.find("aliyun_flink_exporter_state_healthy").value(1.0);
        program.signal("KILL").await;
        program.finish().await;
    }
    fleet.failing.store(0, Ordering::SeqCst);
    let start = Start::daemon().args(&["--state.path", path]).polling(&api, "[n1]", NO_HOLD);
    let program = start.ready().await;
    // The first scraped count is that of the first poll or of a poll shortly after it.
    let all = fleet.failed.load(Ordering::SeqCst) - first_seen.unwrap();
    let metrics = program.metrics_with("every failure", |metrics| failed(metrics) >= all).await;
    assert!(
        failed(&metrics) < fleet.failed.load(Ordering::SeqCst),
        "failures before the first poll are not counted"
    );
    program.signal("TERM").await;
    program.finish().await.with_code(0);
}

#[tokio::test]
async fn a_second_process_waits_for_the_state_file_and_continues_from_it() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("state.redb");
    let start = |api: &StubApi| {
        Start::daemon().args(&["--state.path", path.to_str().unwrap()]).polling(api, "[n1]", NO_HOLD)
    };
    let fleet = Arc::new(Fleet { running: 1.into(), ..Fleet::default() });
    let api = fleet.serve().await;
    let first = start(&api).ready().await;
    fleet.failed.store(2, Ordering::SeqCst);
    first.metrics_with("failures", |metrics| failed(metrics) == 2).await;
    let second = start(&api).listening().await;
    assert_eq!(second.get("/-/ready").await.status, 503);
    assert_eq!(second.get("/-/healthy").await.status, 200);
    first.signal("TERM").await;
    first.finish().await.with_code(0);
    second.metrics_with("the state of the first", |metrics| failed(metrics) == 2).await;
}

#[tokio::test]
async fn an_unusable_state_file_does_not_affect_metrics() {
    let fleet = Arc::new(Fleet { running: 1.into(), ..Fleet::default() });
    let api = fleet.serve().await;
    let start = Start::daemon().args(&["--state.path", "/nonexistent/state.redb"]);
    let program = start.polling(&api, "[n1]", NO_HOLD).ready().await;
    let metrics = program.metrics().await;
    metrics.find("aliyun_flink_exporter_state_healthy").value(0.0);
    metrics.find("aliyun_flink_exporter_state_last_save_timestamp_seconds").absent();
    assert!(has_status(&metrics, "RUNNING"));
    let log = program.stderr();
    assert!(log.contains("/nonexistent/state.redb") && log.contains("create its directory"), "{log}");
    program.signal("TERM").await;
    program.finish().await.with_code(0);
}
