//! The simulated API as a command of its own, and the exporter against it.

use std::net::TcpListener;

use crate::support::{Finished, Program, Start};

const SIMULATE: [&str; 8] = [
    "simulate",
    "--listen-address",
    "127.0.0.1:0",
    "--workspace",
    "w1",
    "--deployments",
    "7",
    "--namespaces=2",
];

/// Polls a namespace that every simulated fleet has.
async fn polled(simulator: &Program, workspace: &str) -> Finished {
    let endpoint = format!("http://{}", simulator.address());
    polled_at(&endpoint, workspace).await
}

async fn polled_at(endpoint: &str, workspace: &str) -> Finished {
    let yaml = format!(
        "api: {{max_retries: 0}}\n\
         workspaces: [{{id: {workspace}, endpoint: '{endpoint}', namespaces: [default-namespace]}}]\n"
    );
    Start::new(&["once"]).config(&yaml).finish().await
}

fn assert_ended_as(finished: Finished, outcome: &str) {
    let finished = finished.with_code(1);
    let polls = finished.metrics();
    polls.find("aliyun_flink_target_polls_total").label("outcome", outcome).value(1.0);
}

#[tokio::test]
async fn the_simulator_serves_its_fleet_to_clients_with_its_key() {
    let start =
        Start::bare(&SIMULATE).args(&["--access-key-id", Start::ID, "--access-key-secret", Start::SECRET]);
    let simulator = start.listening().await;
    let metrics = polled(&simulator, "w1").await.with_code(0).metrics();
    metrics.find("aliyun_flink_target_objects").value(7.0);
    assert_ended_as(polled(&simulator, "w2").await, "not_found");
}

#[tokio::test]
async fn a_wrong_key_is_an_authentication_error() {
    for key in [
        ["--access-key-id", Start::ID, "--access-key-secret", "another"],
        ["--access-key-id", "another", "--access-key-secret", Start::SECRET],
    ] {
        let simulator = Start::bare(&SIMULATE).args(&key).listening().await;
        assert_ended_as(polled(&simulator, "w1").await, "auth");
    }
}

#[tokio::test]
async fn after_the_simulator_stops_polls_fail_with_network_errors() {
    let simulator = Start::bare(&SIMULATE).listening().await;
    let address = simulator.address();
    polled(&simulator, "w1").await.with_code(0);
    simulator.signal("TERM").await;
    simulator.finish().await.with_code(0);
    TcpListener::bind(address).expect("the port is free again");
    // Nobody answers there.
    let finished = polled_at("http://127.0.0.1:1", "w1").await;
    let counted = finished.metrics();
    counted.find("aliyun_flink_exporter_api_requests_total").label("code", "network").value(1.0);
    assert_ended_as(finished, "network");
}
