//! The opt-in collectors of objects in namespaces and workspaces, against the simulator.

use serde_json::Value;

use crate::support::{Exposition, Program, Start};

const NAMES: [&str; 3] = ["queues", "session_clusters", "engine_versions"];

async fn simulator(flags: &[&str]) -> Program {
    let fixed = ["simulate", "--listen-address", "127.0.0.1:0", "--workspace", "w1", "--namespaces=2"];
    Start::bare(&fixed).args(flags).listening().await
}

/// Polls two namespaces of the simulator once, of which one has two targets of deployments.
async fn once(simulator: &Program, flags: &[&str], code: i32) -> Exposition {
    let yaml = format!(
        "api: {{max_retries: 0, requests_per_second: 1000}}\n\
         workspaces:\n\
         - id: w1\n  endpoint: 'http://{}'\n  namespaces:\n\
         \x20 - {{name: default-namespace, select: {{execution_mode: BATCH}}}}\n\
         \x20 - {{name: default-namespace, select: {{execution_mode: STREAMING}}}}\n\
         \x20 - payments-prod\n",
        simulator.address()
    );
    Start::new(&["once"]).args(flags).config(&yaml).finish().await.with_code(code).metrics()
}

#[tokio::test]
async fn each_collector_serves_its_objects_once() {
    let simulator = simulator(&[]).await;
    let flags = NAMES.map(|name| format!("--collector.{name}"));
    let metrics = once(&simulator, &flags.each_ref().map(String::as_str), 0).await;
    let up = |collector| metrics.find("aliyun_flink_target_up").label("collector", collector);
    assert_eq!(up("deployments").all().len(), 3);
    for (collector, targets) in [("queues", 2), ("session_clusters", 2), ("engine_versions", 1)] {
        assert_eq!(
            (up(collector).all().len(), up(collector).sum()),
            (targets, targets as f64),
            "{collector}"
        );
    }

    for amount in ["cpu_cores", "memory_bytes"] {
        let value = |what: &str, queue: &'static str| {
            let name = format!("aliyun_flink_queue_{what}_{amount}");
            let series = metrics.find(&name).label("namespace", "payments-prod").label("queue", queue).one();
            series.value
        };
        for queue in ["default-queue", "prod-queue"] {
            let [used, limit] = ["used", "limit"].map(|what| value(what, queue));
            assert!(0.0 < used && used <= limit, "{amount} of {queue}: {used} of {limit}");
        }
    }
    let queues = metrics.find("aliyun_flink_deployment_info").label("queue", "prod-queue").all().len();
    assert!(queues > 0, "deployments join with their queue");

    let cluster = |name: &str, cluster: &str| {
        let name = format!("aliyun_flink_session_cluster_{name}");
        metrics
            .find(&name)
            .label("namespace", "payments-prod")
            .label("session_cluster", cluster)
            .all()
            .first()
            .map(|series| series.value)
    };
    assert_eq!(cluster("deployments", "session-idle"), Some(0.0));
    assert_eq!((cluster("deployments", "session-old"), cluster("info", "session-old")), (None, Some(1.0)));
    assert_eq!(cluster("requested_compute_units", "session-idle"), Some(9.0));
    metrics
        .find("aliyun_flink_session_cluster_status")
        .label("namespace", "payments-prod")
        .label("session_cluster", "session-old")
        .labels_contain(&[("status", "STOPPED")]);

    let version = metrics.find("aliyun_flink_engine_version_info").label("status", "EXPIRED").one();
    let used = metrics
        .find("aliyun_flink_deployment_info")
        .label("engine_version", &version.labels["engine_version"]);
    assert!(!used.all().is_empty(), "deployments join with their engine version");
}

#[tokio::test]
async fn a_disabled_collector_sends_no_requests() {
    let simulator = simulator(&[]).await;
    let metrics = once(&simulator, &[], 0).await;
    let requests = metrics.find("aliyun_flink_exporter_api_requests_total").all();
    assert!(requests.iter().all(|series| series.labels["operation"] == "ListDeployments"), "{requests:?}");
}

#[tokio::test]
async fn doctor_names_the_permission_that_a_collector_lacks() {
    let simulator = simulator(&["--fault.denied", "ListSessionClusters"]).await;
    let yaml = format!(
        "collectors: {{queues: true, session_clusters: true, engine_versions: true}}\n\
         workspaces: [{{id: w1, endpoint: 'http://{}', namespaces: [default-namespace, payments-prod]}}]\n",
        simulator.address()
    );
    let doctor = Start::new(&["doctor", "--format", "json"]).config(&yaml).finish().await.with_code(1);
    let report: Value = serde_json::from_str(&doctor.stdout).unwrap();
    let status = |target: usize, check: &str| {
        let checks = report["targets"][target]["checks"].as_array().unwrap();
        let found = checks.iter().find(|found| found["name"] == check)?;
        Some(found["status"].as_str().unwrap())
    };
    for target in [0, 1] {
        assert_eq!(status(target, "queues"), Some("ok"));
        assert_eq!(status(target, "session_clusters"), Some("failed"));
        assert_eq!(report["targets"][target]["missing_permission"], "stream:ListSessionClusters");
    }
    assert_eq!((status(0, "engine_versions"), status(1, "engine_versions")), (Some("ok"), None));
    let calls = |target: usize| report["targets"][target]["api_calls_per_day"].as_f64().unwrap();
    // A poll a minute of deployments, one each five minutes of queues, one an hour of engine versions.
    assert!(((calls(0) - calls(1)) - 24.0).abs() < 0.5 && calls(1) >= 1440.0 + 288.0, "{}", calls(1));
}

#[tokio::test]
async fn a_collector_without_permission_does_not_affect_others() {
    let denied = ["--fault.denied", "ListDeploymentTargets", "--fault.denied", "ListEngineVersionMetadata"];
    let simulator = simulator(&denied).await;
    let flags = NAMES.map(|name| format!("--collector.{name}"));
    let metrics = once(&simulator, &flags.each_ref().map(String::as_str), 1).await;
    for (collector, outcome, targets) in [
        ("deployments", "success", 3.0),
        ("session_clusters", "success", 2.0),
        ("queues", "permission", 2.0),
        ("engine_versions", "permission", 1.0),
    ] {
        let polls = metrics.find("aliyun_flink_target_polls_total").label("collector", collector);
        let sum = polls.label("outcome", outcome).sum();
        assert!((sum - targets).abs() < 0.5, "{collector}: {sum}");
    }
}
