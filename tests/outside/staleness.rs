//! The data that is served while polls fail.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use crate::support::{Exposition, Reply, Start, StubApi, sample, unsuccessful};

fn failed_polls(metrics: &Exposition) -> f64 {
    metrics.find("aliyun_flink_target_polls_total").label("outcome", "api").one().value
}

/// An API that returns the sample, or an unsuccessful response with HTTP 200 while `broken`.
async fn breakable(broken: Arc<AtomicBool>) -> StubApi {
    let body = sample("list_deployments");
    StubApi::start(move |_| {
        if broken.load(Ordering::Relaxed) {
            Reply::json(200, &unsuccessful("990001", "service is busy"))
        } else {
            Reply::ok(body.clone())
        }
    })
    .await
}

#[tokio::test]
async fn an_unsuccessful_response_is_an_error_and_not_an_empty_fleet() {
    let broken = Arc::new(AtomicBool::new(false));
    let api = breakable(broken.clone()).await;
    let start = Start::daemon().polling(&api, "[n1]", "api: {max_retries: 0}\n");
    let program = start.ready().await;
    broken.store(true, Ordering::Relaxed);
    let metrics = program.metrics_with("failed polls", |metrics| failed_polls(metrics) >= 3.0).await;
    metrics.find("aliyun_flink_target_up").value(0.0);
    metrics.find("aliyun_flink_target_objects").value(1.0);
    metrics.find("aliyun_flink_deployment_jobs").label("state", "failed").value(6.0);
    let status = program.get("/api/v1/status").await.body;
    assert!(status.contains("service is busy") && status.contains("\"stale\""), "{status}");

    broken.store(false, Ordering::Relaxed);
    let recovered = |metrics: &Exposition| metrics.find("aliyun_flink_target_up").one().value > 0.0;
    program.metrics_with("a good poll", recovered).await;
}

#[tokio::test]
async fn an_unsuccessful_first_poll_serves_no_deployments() {
    let api = breakable(Arc::new(AtomicBool::new(true))).await;
    let start = Start::new(&["once"]).polling(&api, "[n1]", "api: {max_retries: 0}\n");
    let finished = start.finish().await.with_code(1);
    finished.metrics().find("aliyun_flink_target_up").value(0.0);
    finished.metrics().find("aliyun_flink_target_objects").absent();
}

#[tokio::test]
async fn stale_data_is_withdrawn_and_returns_with_the_next_success() {
    let broken = Arc::new(AtomicBool::new(false));
    let api = breakable(broken.clone()).await;
    let rest = "api: {max_retries: 0}\npoll: {stale_after: 2s}\n";
    let program = Start::daemon().polling(&api, "[n1]", rest).ready().await;
    let served = |metrics: &Exposition| metrics.find("aliyun_flink_deployment_jobs").exists();
    program.metrics_with("the first series", served).await;

    broken.store(true, Ordering::Relaxed);
    let metrics = program.metrics_with("withdrawal", |metrics| !served(metrics)).await;
    assert!(failed_polls(&metrics) >= 1.0);
    metrics.find("aliyun_flink_target_objects").absent();
    metrics.find("aliyun_flink_target_up").value(0.0);
    assert!(metrics.find("aliyun_flink_target_last_success_timestamp_seconds").exists());
    assert!(!metrics.families.iter().any(|family| family.name.starts_with("aliyun_flink_deployment_")));

    broken.store(false, Ordering::Relaxed);
    program.metrics_with("the return of the series", served).await;
}
