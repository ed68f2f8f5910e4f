//! An API that fails in every way at once.

use std::sync::Arc;

use aliyun_flink_exporter::{
    clock::Clock,
    simulator::{Faults, Settings, Simulator},
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::support::{Exposition, Start};

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
            assert_eq!(namespaces(metrics), 3, "a failed poll withdraws nothing");
            retried(metrics)
        })
        .await;
}

#[tokio::test]
async fn the_requests_counted_are_those_the_api_saw() {
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
    let mut broken_off = 0.0;
    let mut all = 0.0;
    for ((operation, status), seen) in simulator.requests_seen() {
        assert_eq!(operation, "ListDeployments");
        let seen = f64::from(u32::try_from(seen).unwrap());
        all += seen;
        if status == 200 {
            broken_off = seen - counted("200");
        } else {
            assert!((counted(&status.to_string()) - seen).abs() < 0.5, "{status}: {seen} were seen");
        }
    }
    assert!((counted("network") - broken_off).abs() < 0.5, "connections that broke amid a 200");
    metrics.find("aliyun_flink_exporter_api_request_duration_seconds_count").value(all);
    let tried_again = metrics.find("aliyun_flink_exporter_api_retries_total").sum();
    assert!(tried_again > 0.0 && tried_again < all);
}
