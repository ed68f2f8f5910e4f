//! Faults of the API and the network. Each fault by itself is in `tests/slow/fault_table.rs`.

use std::sync::Arc;

use aliyun_flink_exporter::{
    clock::Clock,
    simulator::{Faults, Settings, Simulator},
};
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::support::{Exposition, Raw, RawApi, Reply, Start, StubApi, http, page_of};

#[tokio::test]
async fn the_demo_serves_every_namespace_under_every_fault() {
    let program = Start::demo()
        .args(&["--fault.throttle", "0.2", "--fault.server-error", "0.1", "--fault.reset", "0.1"])
        .args(&["--fault.truncate", "0.1", "--fault.unsuccessful", "0.1"])
        .listening()
        .await;
    let namespaces = |metrics: &Exposition| {
        metrics.find("aliyun_flink_target_objects").label("collector", "deployments").all().len()
    };
    program.metrics_with("all namespaces", |metrics| namespaces(metrics) == 3).await;
    let retried = |metrics: &Exposition| metrics.find("aliyun_flink_exporter_api_retries_total").sum() > 0.0;
    program
        .metrics_with("a retry", |metrics| {
            assert_eq!(namespaces(metrics), 3, "a failed poll does not withdraw data");
            retried(metrics)
        })
        .await;
}

#[tokio::test]
async fn the_counted_requests_are_those_that_the_api_received() {
    let settings = Settings {
        access_key: Some((Start::ID.to_owned(), Start::SECRET.into())),
        deployments: 40,
        faults: Faults { throttle: 0.1, server_error: 0.1, reset: 0.1, truncate: 0.1, unsuccessful: 0.1 },
        ..Settings::default()
    };
    let simulator = Arc::new(Simulator::new(settings, Clock::System));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let stopping = CancellationToken::new();
    let serving = tokio::spawn(simulator.clone().serve(listener, stopping.clone()));
    let yaml = format!(
        "api: {{page_size: 10, max_retries: 30, requests_per_second: 1000, max_concurrent_requests: 16}}\n\
         workspaces: [{{id: w1, endpoint: '{endpoint}', namespaces: [{}]}}]\n",
        simulator.namespaces().join(", "),
    );
    let finished = Start::new(&["once"]).config(&yaml).finish().await.with_code(0);
    stopping.cancel();
    serving.await.unwrap();

    let metrics = finished.metrics();
    let counted =
        |code: &str| metrics.find("aliyun_flink_exporter_api_requests_total").label("code", code).sum();
    let mut interrupted = 0.0;
    let mut all = 0.0;
    for ((operation, status), seen) in simulator.requests_seen() {
        assert_eq!(operation, "ListDeployments");
        let seen = f64::from(u32::try_from(seen).unwrap());
        all += seen;
        if status == 200 {
            interrupted = seen - counted("200");
        } else {
            assert!((counted(&status.to_string()) - seen).abs() < 0.5, "{status}: {seen} were seen");
        }
    }
    assert!(
        (counted("network") - interrupted).abs() < 0.5,
        "connections that broke during a response with status 200"
    );
    metrics.find("aliyun_flink_exporter_api_request_duration_seconds_count").value(all);
    let retries = metrics.find("aliyun_flink_exporter_api_retries_total").sum();
    assert!(retries > 0.0 && retries < all);
}

#[tokio::test]
async fn unresolvable_names_and_servers_without_tls_are_network_errors() {
    let plain = StubApi::start(|_| Reply::Never).await;
    let tls = plain.endpoint().replace("http:", "https:");
    for endpoint in [tls.as_str(), "https://no-such-host.invalid"] {
        let yaml = format!(
            "api: {{max_retries: 1}}\nworkspaces: [{{id: w, endpoint: '{endpoint}', namespaces: [n]}}]\n"
        );
        let finished = Start::new(&["once"]).config(&yaml).finish().await.with_code(1);
        let metrics = finished.metrics();
        metrics.find("aliyun_flink_target_polls_total").label("outcome", "network").value(1.0);
        metrics.find("aliyun_flink_exporter_api_requests_total").label("code", "network").value(2.0);
        assert!(finished.stderr.contains("no connection"), "{}", finished.stderr);
    }
}

#[tokio::test]
async fn absurd_values_are_left_out_and_counted() {
    let mut data = [0, 1].map(|id| json!({"deploymentId": format!("d{id}"), "name": format!("n{id}")}));
    data[0]["name"] = json!("x".repeat(10_000_000));
    data[0]["jobSummary"] = json!({"failed": -3, "running": 1e300, "starting": 2});
    data[0]["streamingResourceSetting"] =
        json!({"expertResourceSetting": {"resourcePlan": "[".repeat(1_000_000)}});
    let reply = http(200, "", page_of(&data).to_string().as_bytes());
    let api = RawApi::start(move |_| Raw::Bytes(reply.clone())).await;
    let yaml = format!("workspaces: [{{id: w, endpoint: '{}', namespaces: [n]}}]\n", api.endpoint());
    let finished = Start::new(&["once"]).config(&yaml).finish().await.with_code(0);
    let metrics = finished.metrics();
    assert_eq!(metrics.find("aliyun_flink_deployment_info").all().len(), 2);
    let jobs = metrics.find("aliyun_flink_deployment_jobs");
    assert_eq!(jobs.all().len(), 1);
    jobs.label("state", "starting").value(2.0);
    let counted = metrics.find("aliyun_flink_exporter_invalid_values_total");
    assert!((counted.sum() - 4.0).abs() < 0.5, "the name, two counts and the plan");
    assert!(finished.stderr.len() < 5_000, "values are not logged");
    assert!(metrics.find("process_resident_memory_bytes").one().value < 250e6);
}
