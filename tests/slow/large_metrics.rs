//! A response whose metrics exceed the limit. Rendering them up to the limit takes long in a debug build.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use serde_json::json;

use crate::{
    LOAD,
    support::{Exposition, Reply, Start, StubApi, page_of},
};

/// Enough to exceed the limit.
const DEPLOYMENTS: usize = 600;

const BY_LABEL: &str = "[{name: n1, api: by_label, select: {label: {key: k, values: [v]}}}]";

#[tokio::test]
async fn metrics_that_are_too_large_fail_the_poll_and_the_previous_data_stays() {
    let _load = LOAD.lock().await;
    // Each slot sharing group takes a few bytes and has five series, each with the whole name of the deployment.
    let groups: Vec<_> =
        (0..250).map(|group| json!({"name": format!("{group}"), "cpu": 1, "heap": "1 gb"})).collect();
    let plan = json!({"ssgProfiles": groups}).to_string();
    let resources = json!({"expertResourceSetting": {"resourcePlan": plan}});
    let deployment = |number: usize| {
        let name = format!("{number}{}", "n".repeat(1000));
        json!({"deploymentId": number.to_string(), "name": name, "streamingResourceSetting": resources})
    };
    let page = page_of(&(0..DEPLOYMENTS).map(deployment).collect::<Vec<_>>());
    let hostile = Arc::new(AtomicBool::new(false));
    let is_hostile = hostile.clone();
    let api = StubApi::start(move |_| {
        let good = page_of(&[json!({"deploymentId": "good"})]);
        Reply::json(200, if is_hostile.load(Ordering::Relaxed) { &page } else { &good })
    })
    .await;
    let program = Start::daemon().polling(&api, BY_LABEL, "poll: {timeout: 10m}\n").ready().await;
    hostile.store(true, Ordering::Relaxed);
    let rejected = |metrics: &Exposition| {
        let polls = metrics.find("aliyun_flink_target_polls_total");
        polls.label("outcome", "invalid_response").one().value > 0.0
    };
    let metrics = program.metrics_with("the rejected poll", rejected).await;
    metrics.find("aliyun_flink_target_up").value(0.0);
    metrics.find("aliyun_flink_deployment_info").labels_contain(&[("deployment_id", "good")]);
    metrics.find("aliyun_flink_target_objects").value(1.0);
    let memory = metrics.find("process_resident_memory_bytes").one().value;
    assert!(memory < 200e6, "{memory} bytes");
    let status = program.get("/api/v1/status").await.body;
    let error = format!("the metrics of {DEPLOYMENTS} objects exceed 260 MiB");
    assert!(status.contains(&error), "{status}");
}
