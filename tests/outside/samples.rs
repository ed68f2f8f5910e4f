//! The replies printed in the API reference, through the whole program.

use crate::support::{Exposition, Reply, Start, StubApi, sample};

const LIST: &str = "[default-namespace]";
const BY_LABEL: &str =
    "[{name: default-namespace, select: {label: {key: test, values: [test]}}, api: by_label}]";

async fn serving(name: &str) -> StubApi {
    let body = sample(name);
    StubApi::start(move |_| Reply::ok(body.clone())).await
}

fn assert_is_the_sample(metrics: &Exposition) {
    let of = |name: &str| {
        metrics
            .find(&format!("aliyun_flink_deployment_{name}"))
            .label("workspace", "edcef0000b4f")
            .label("namespace", "default-namespace")
            .label("deployment_id", "00000000-0000-0000-0000-0000012312****")
            .label("deployment", "deploymentName")
    };
    let states = [
        ("starting", 1.0),
        ("running", 2.0),
        ("cancelling", 0.0),
        ("cancelled", 5.0),
        ("finished", 4.0),
        ("failed", 6.0),
    ];
    for (state, jobs) in states {
        of("jobs").label("state", state).value(jobs);
    }
    assert_eq!(metrics.find("aliyun_flink_deployment_jobs").all().len(), states.len());

    of("created_timestamp_seconds").value(1_714_058_507.0);
    of("modified_timestamp_seconds").value(1_714_058_843.0);
    of("changes_pending").value(1.0);
    of("info").labels(&[
        ("workspace", "edcef0000b4f"),
        ("namespace", "default-namespace"),
        ("deployment_id", "00000000-0000-0000-0000-0000012312****"),
        ("deployment", "deploymentName"),
        ("execution_mode", "STREAMING"),
        ("engine_version", "vvr-6.0.0-flink-1.15"),
        ("artifact_kind", "SQLSCRIPT"),
        ("resource_mode", "EXPERT"),
        ("deployment_mode", "PER_JOB"),
        ("queue", "vvp-workload"),
        ("session_cluster", ""),
        ("creator", "27846363877456****"),
        ("modifier", "27846363877456****"),
    ]);

    for setting in ["basic", "expert"] {
        let of_setting = |name| of(name).label("setting", setting);
        of_setting("cpu_cores").label("component", "jobmanager").value(2.0);
        of_setting("memory_bytes").label("component", "jobmanager").value(4_294_967_296.0);
    }
    of("cpu_cores").label("setting", "basic").label("component", "taskmanager").value(2.0);
    of("cpu_cores").label("setting", "expert").label("component", "taskmanager").absent();
    of("cpu_cores").label("setting", "batch").absent();
    of("parallelism").label("setting", "basic").value(4.0);
    of("parallelism").label("setting", "expert").value(1.0);
    of("parallelism").label("setting", "batch").value(4.0);
    of("max_slots").label("setting", "batch").value(10.0);
    of("taskmanager_slots").value(1.0);

    of("slot_group_cpu_cores").label("group", "default").value(1.13);
    of("slot_group_slots").label("group", "default").value(1.0);
    let memory = |pool| of("slot_group_memory_bytes").label("group", "default").label("pool", pool);
    memory("heap").value(1_073_741_824.0);
    memory("off_heap").value(33_554_432.0);
    memory("managed").absent();

    of("requested_slots").value(1.0);
    of("requested_cpu_cores").value(3.13);
    of("requested_memory_bytes").absent();
    of("requested_compute_units").absent();

    metrics.find("aliyun_flink_target_objects").value(1.0);
    metrics.find("aliyun_flink_target_up").value(1.0);
    metrics.find("aliyun_flink_exporter_invalid_values_total").absent();
}

#[tokio::test]
async fn once_prints_the_values_of_the_sample_of_list_deployments() {
    let api = serving("list_deployments").await;
    let finished = Start::new(&["once"]).polling(&api, LIST, "").finish().await.with_code(0);
    assert_is_the_sample(&finished.metrics());
    finished.metrics().find("aliyun_flink_deployment_labels").absent();
}

#[tokio::test]
async fn once_prints_the_values_of_the_sample_of_get_deployments_by_label() {
    let api = serving("get_deployments_by_label").await;
    let finished = Start::new(&["once"]).polling(&api, BY_LABEL, "").finish().await.with_code(0);
    assert_is_the_sample(&finished.metrics());
    finished.metrics().find("aliyun_flink_target_up").label("selection", "label=test=test").value(1.0);
}

#[tokio::test]
async fn run_serves_the_values_of_both_samples() {
    for (name, namespaces) in [("list_deployments", LIST), ("get_deployments_by_label", BY_LABEL)] {
        let api = serving(name).await;
        let program = Start::daemon().polling(&api, namespaces, "").ready().await;
        assert_is_the_sample(&program.metrics().await);
    }
}

#[tokio::test]
async fn configured_deployment_labels_are_served() {
    let api = serving("get_deployments_by_label").await;
    for (keys, expected) in [
        ("['*']", vec![("label_test", "test"), ("label_test2", "1")]),
        ("[test]", vec![("label_test", "test")]),
    ] {
        let rest = format!("metrics: {{deployment_labels: {keys}}}\n");
        let finished = Start::new(&["once"]).polling(&api, BY_LABEL, &rest).finish().await.with_code(0);
        let identity = [
            ("workspace", "edcef0000b4f"),
            ("namespace", "default-namespace"),
            ("deployment_id", "00000000-0000-0000-0000-0000012312****"),
            ("deployment", "deploymentName"),
        ];
        let labels = [&identity[..], &expected].concat();
        finished.metrics().find("aliyun_flink_deployment_labels").labels(&labels);
        assert_is_the_sample(&finished.metrics());
    }
}

#[tokio::test]
async fn disabled_metrics_have_no_series() {
    let api = serving("list_deployments").await;
    let rest = "metrics: {jobs: false, resources: false}\n";
    let finished = Start::new(&["once"]).polling(&api, LIST, rest).finish().await.with_code(0);
    let metrics = finished.metrics();
    metrics.find("aliyun_flink_deployment_info").value(1.0);
    for name in ["jobs", "parallelism", "cpu_cores", "slot_group_slots", "requested_slots", "max_slots"] {
        metrics.find(&format!("aliyun_flink_deployment_{name}")).absent();
    }
}

#[tokio::test]
async fn a_deployment_that_two_selections_match_is_served_once() {
    let api = serving("list_deployments").await;
    let namespaces = "[default-namespace, {name: default-namespace, select: {name: deploymentName}}]";
    let finished = Start::new(&["once"]).polling(&api, namespaces, "").finish().await.with_code(0);
    let metrics = finished.metrics();
    metrics.find("aliyun_flink_deployment_created_timestamp_seconds").value(1_714_058_507.0);
    for selection in ["", "name=deploymentName"] {
        metrics.find("aliyun_flink_target_objects").label("selection", selection).value(1.0);
    }
}
