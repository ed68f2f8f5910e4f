//! Oddities of deployments that must not spoil the exposition for all.

use serde_json::{Value, json};

use crate::support::{Exposition, Reply, Start, StubApi, page_of};

async fn metrics_of(deployments: Vec<Value>) -> Exposition {
    let api = StubApi::start(move |_| Reply::json(200, &page_of(&deployments))).await;
    let rest = "metrics: {deployment_labels: ['*']}\n";
    let finished = Start::new(&["once"]).polling(&api, "[n1]", rest).finish().await.with_code(0);
    finished.metrics()
}

#[tokio::test]
async fn names_with_special_characters_are_escaped() {
    let name = "a \"quoted\" \\back\\slash\nand a line, {brace} = 名";
    let metrics = metrics_of(vec![json!({"deploymentId": "d1", "name": name})]).await;
    assert_eq!(metrics.find("aliyun_flink_deployment_info").one().labels["deployment"], name);
}

#[tokio::test]
async fn label_keys_with_the_same_sanitized_name_are_numbered() {
    for keys in [
        &["a-b", "a.b", "a_b"][..],
        &["a-b", "a.b", "a_b_conflict1"],
        &["a-b", "a.b", "a_b_conflict2", "a-b-conflict2"],
        &["", "-", "__"],
    ] {
        let labels: Value =
            keys.iter().map(|key| ((*key).to_owned(), json!(key))).collect::<serde_json::Map<_, _>>().into();
        let metrics = metrics_of(vec![json!({"deploymentId": "d1", "labels": labels})]).await;
        let values: Vec<_> =
            metrics.find("aliyun_flink_deployment_labels").one().labels.values().cloned().collect();
        for key in keys {
            assert!(values.contains(&(*key).to_owned()), "{key} of {keys:?} is missing: {values:?}");
        }
    }
}

#[tokio::test]
async fn a_resource_plan_with_a_duplicate_group_is_left_out_and_counted() {
    let plan = json!({
        "ssgProfiles": [{"name": "g", "cpu": 1, "heap": "1 gb"}, {"name": "g", "cpu": 2, "heap": "2 gb"}],
        "nodes": [
            {"id": 1, "profile": {"group": "g", "parallelism": 2}},
            {"id": 2, "profile": {"group": "elsewhere", "parallelism": 3}},
        ],
    });
    let expert = json!({"resourcePlan": plan.to_string()});
    let metrics = metrics_of(vec![json!({
        "deploymentId": "d1",
        "executionMode": "STREAMING",
        "streamingResourceSetting": {"resourceSettingMode": "EXPERT", "expertResourceSetting": expert},
    })])
    .await;
    metrics.find("aliyun_flink_deployment_info").value(1.0);
    metrics.find("aliyun_flink_deployment_slot_group_slots").absent();
    let field = "streamingResourceSetting.expertResourceSetting.resourcePlan";
    metrics
        .find("aliyun_flink_exporter_invalid_values_total")
        .label("operation", "ListDeployments")
        .label("field", field)
        .value(1.0);
}

#[tokio::test]
async fn an_invalid_value_removes_only_its_own_series() {
    let metrics = metrics_of(vec![
        json!({"deploymentId": "d1", "name": "odd", "createdAt": "yesterday", "jobSummary": {"running": "many", "failed": 1},
               "labels": "none", "flinkConf": []}),
        json!({"deploymentId": "d2", "name": "even", "createdAt": 1_714_058_507, "jobSummary": {"running": 1}}),
        json!("no deployment"),
    ])
    .await;
    metrics.find("aliyun_flink_deployment_info").label("deployment", "odd").value(1.0);
    metrics
        .find("aliyun_flink_deployment_jobs")
        .label("deployment", "odd")
        .label("state", "failed")
        .value(1.0);
    metrics
        .find("aliyun_flink_deployment_jobs")
        .label("deployment", "odd")
        .label("state", "running")
        .absent();
    metrics.find("aliyun_flink_deployment_created_timestamp_seconds").label("deployment", "odd").absent();
    metrics
        .find("aliyun_flink_deployment_created_timestamp_seconds")
        .label("deployment", "even")
        .value(1_714_058_507.0);
    assert!(metrics.find("aliyun_flink_exporter_invalid_values_total").label("field", "createdAt").exists());
}

#[tokio::test]
async fn external_text_cannot_forge_log_lines() {
    const FORGED: &str = "level=error message=forged";
    let hostile = format!("d1\n{FORGED}\r\u{1b}[31m\" {FORGED}");
    for format in ["logfmt", "json"] {
        let deployment = json!({"deploymentId": hostile, "name": {}, "jobSummary": 7});
        let refused = json!({"Code": "InternalError", "Message": hostile, "RequestId": hostile});
        let api = StubApi::start(move |seen| {
            if seen.is_of("n1") {
                Reply::json(200, &page_of(std::slice::from_ref(&deployment)))
            } else {
                Reply::json(500, &refused)
            }
        })
        .await;
        let start = Start::new(&["once", "--log.level", "trace", "--log.format", format]);
        let finished = start.polling(&api, "[n1, n2]", "api: {max_retries: 0}\n").finish().await.with_code(1);
        assert!(finished.stderr.contains("forged"), "{}", finished.stderr);
        for line in finished.stderr.lines() {
            assert!(line.starts_with("ts=") || line.starts_with('{'), "{line:?}");
            assert!(!line.contains(['\r', '\u{1b}']), "{line:?}");
        }
    }
}
