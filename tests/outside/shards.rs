//! Several exporters that share the targets of one account.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::{Exposition, Program, Start};

const NAMESPACES: usize = 7;

async fn simulator() -> Program {
    let namespaces = format!("--namespaces={NAMESPACES}");
    let flags = ["simulate", "--listen-address", "127.0.0.1:0", "--workspace", "w1", "--workspaces=2"];
    Start::bare(&flags).args(&[&namespaces, "--deployments=4"]).listening().await
}

/// A configuration that polls each target once during a test.
fn configuration(simulator: &Program) -> String {
    let endpoint = format!("http://{}", simulator.address());
    format!(
        "poll: {{interval: 1h}}\n\
         api: {{max_retries: 0, requests_per_second: 1000, console_requests_per_second: 1000}}\n\
         collectors: {{queues: true, session_clusters: true, engine_versions: true, \
         jobs: {{mode: failures, requests_per_second: 1000}}}}\n\
         discovery: [{{region: cn-hangzhou, endpoint: '{endpoint}', console_endpoint: '{endpoint}'}}]\n"
    )
}

fn shard(simulator: &Program, index: usize, total: usize) -> Start {
    let (index, total) = (index.to_string(), total.to_string());
    let flags = ["--shard.index", &index, "--shard.total", &total];
    Start::daemon().args(&flags).config(&configuration(simulator))
}

/// Waits until every target has been polled, including those for which readiness does not wait.
async fn polled(program: &Program) -> Exposition {
    let all = |metrics: &Exposition| {
        let targets = metrics.find("aliyun_flink_target_poll_interval_seconds").all().len();
        metrics.find("aliyun_flink_target_up").all().len() == targets
    };
    program.metrics_with("every target", all).await
}

/// The series with this prefix, without those that depend on the activity of the simulated fleet.
fn series(metrics: &Exposition, prefix: &str) -> BTreeSet<(String, BTreeMap<String, String>)> {
    let changes = |name: &str| {
        ["status_since_timestamp", "last_failure", "session_cluster_started"]
            .iter()
            .any(|part| name.contains(part))
    };
    let polled = metrics.series().filter(|series| series.name.starts_with(prefix) && !changes(&series.name));
    let labels = |labels: &BTreeMap<String, String>| {
        let labels = labels.iter().filter(|(name, _)| *name != "status");
        labels.map(|(name, value)| (name.clone(), value.clone())).collect()
    };
    polled.map(|series| (series.name.clone(), labels(&series.labels))).collect()
}

#[tokio::test]
async fn three_shards_poll_each_target_once_and_serve_what_one_exporter_serves() {
    let simulator = simulator().await;
    let alone = polled(&shard(&simulator, 0, 1).ready().await).await;
    let mut shards = Vec::new();
    for index in 0..3 {
        shards.push(polled(&shard(&simulator, index, 3).ready().await).await);
    }

    let requests = |metrics: &Exposition, operation: &str| {
        metrics
            .find("aliyun_flink_exporter_api_requests_total")
            .label("operation", operation)
            .sum()
            .to_string()
    };
    let sum = |operation: &str| -> String {
        let all = shards.iter().map(|shard| requests(shard, operation).parse::<f64>().unwrap());
        all.sum::<f64>().to_string()
    };
    // The number of ListDeployments requests depends on the activity of the simulated fleet.
    for operation in ["ListDeploymentTargets", "ListSessionClusters", "ListEngineVersionMetadata"] {
        assert_eq!(sum(operation), requests(&alone, operation), "{operation}");
    }
    assert_eq!(sum("ListDeploymentTargets"), (2 * NAMESPACES).to_string());

    let targets: Vec<_> = shards.iter().map(|shard| series(shard, "aliyun_flink_target_up")).collect();
    assert!(targets.iter().all(|targets| !targets.is_empty()), "{targets:?}");
    let union: BTreeSet<_> = targets.iter().flatten().cloned().collect();
    assert_eq!(union.len(), targets.iter().map(BTreeSet::len).sum::<usize>(), "no target is polled twice");
    assert_eq!(union, series(&alone, "aliyun_flink_target_up"));

    for kind in ["deployment", "queue", "session_cluster", "engine_version", "namespace", "workspace"] {
        let prefix = format!("aliyun_flink_{kind}_");
        let of_shards: Vec<_> = shards.iter().map(|shard| series(shard, &prefix)).collect();
        let union: BTreeSet<_> = of_shards.iter().flatten().cloned().collect();
        let alone = series(&alone, &prefix);
        let different: Vec<_> = union.symmetric_difference(&alone).collect();
        assert!(different.is_empty(), "{kind}: {different:?}");
        let info = |(name, _): &&(String, _)| name != "aliyun_flink_workspace_info";
        let distinct = of_shards.iter().flatten().filter(info).count();
        assert_eq!(distinct, union.iter().filter(info).count(), "no series is served twice");
    }
    let first = shard(&simulator, 0, 3).ready().await;
    assert!(first.get("/").await.body.contains("Shard 0 of 3"));
    let status: serde_json::Value = serde_json::from_str(&first.get("/api/v1/status").await.body).unwrap();
    assert_eq!(status["shard"], serde_json::json!({"index": 0, "total": 3}));
    for (index, shard) in shards.iter().enumerate() {
        shard.find("aliyun_flink_exporter_shards").value(3.0);
        shard.find("aliyun_flink_exporter_shard_index").value(index as f64);
        for (_, labels) in series(shard, "aliyun_flink_workspace_info") {
            let up = shard.find("aliyun_flink_target_up").label("workspace", &labels["workspace"]);
            assert!(up.exists(), "workspace_info is served where a target of the workspace is polled");
        }
        let found = |name: &str| series(shard, name);
        assert_eq!(found("aliyun_flink_discovery_"), series(&alone, "aliyun_flink_discovery_"));
    }
}

#[tokio::test]
async fn a_shard_without_targets_is_ready_and_a_reload_does_not_change_the_shard() {
    let simulator = simulator().await;
    let listed = |index: usize, total: usize| {
        format!(
            "workspaces: [{{id: w1, endpoint: 'http://{}', namespaces: [default-namespace]}}]\n\
             shard: {{index: {index}, total: {total}}}\n",
            simulator.address()
        )
    };
    let mut up = Vec::new();
    for index in 0..2 {
        let program = Start::daemon().config(&listed(index, 2)).ready().await;
        let before = polled(&program).await;
        up.push(before.find("aliyun_flink_target_up").all().len());
        assert_eq!(before.find("aliyun_flink_workspace_info").all().len(), *up.last().unwrap());

        program.rewrite_config(&listed(0, 1));
        program.signal("HUP").await;
        let time = "aliyun_flink_exporter_config_last_reload_success_timestamp_seconds";
        let reloaded = |metrics: &Exposition| metrics.find(time).sum() > before.find(time).sum();
        let after = program.metrics_with("a reload", reloaded).await;
        after.find("aliyun_flink_exporter_shards").value(2.0);
        after.find("aliyun_flink_exporter_shard_index").value(index as f64);
        assert_eq!(after.find("aliyun_flink_target_up").all().len(), *up.last().unwrap());
        assert!(program.stderr().contains("shard has changed"), "{}", program.stderr());
    }
    up.sort_unstable();
    assert_eq!(up, [0, 1]);
}

#[tokio::test]
async fn a_shard_that_does_not_exist_is_a_configuration_error() {
    let simulator = simulator().await;
    let finished = shard(&simulator, 3, 3).finish().await.with_code(2);
    assert!(finished.stderr.contains("there is no shard 3 of 3"), "{}", finished.stderr);
    assert!(finished.stderr.contains("--shard.index"), "{}", finished.stderr);
}
