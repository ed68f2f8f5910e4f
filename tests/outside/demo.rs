//! The demo, without configuration or credentials.

use std::collections::{BTreeMap, BTreeSet};

use aliyun_flink_exporter::simulator::{FAILURE_MARK, SECRET_MARK};

use crate::support::{Exposition, Start, until};

const STATES: [&str; 6] = ["cancelled", "cancelling", "failed", "finished", "running", "starting"];

fn states_by_deployment(metrics: &Exposition) -> BTreeMap<(String, String), BTreeSet<String>> {
    let mut deployments: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    for series in metrics.find("aliyun_flink_deployment_jobs").all() {
        let label = |name: &str| series.labels[name].clone();
        deployments.entry((label("namespace"), label("deployment_id"))).or_default().insert(label("state"));
    }
    deployments
}

#[tokio::test]
async fn the_demo_prints_where_to_find_metrics_and_status() {
    let program = Start::demo().listening().await;
    let printed = until("the output", async || {
        let printed = program.stdout();
        (printed.lines().count() >= 3).then_some(printed)
    })
    .await;
    let lines: Vec<_> = printed.lines().collect();
    assert_eq!(lines.len(), 3, "{printed}");
    let url = format!("http://{}", program.address());
    assert!(lines[0].contains(&format!("{url}/metrics")), "{printed}");
    assert!(lines[1].contains(&format!("{url}/")), "{printed}");
    assert!(lines[2].contains(&program.address().to_string()), "{printed}");
}

#[tokio::test]
async fn a_hundred_deployments_of_two_namespaces_show_all_six_states() {
    let program = Start::demo().ready().await;
    let metrics = program.metrics().await;
    let deployments = states_by_deployment(&metrics);
    let whole = deployments.iter().filter(|(_, states)| states.iter().eq(STATES));
    let namespaces: Vec<_> = whole.map(|((namespace, _), _)| namespace.as_str()).collect();
    assert!(namespaces.len() >= 100, "{}", namespaces.len());
    assert!(namespaces.iter().collect::<BTreeSet<_>>().len() >= 2, "{namespaces:?}");
    for state in STATES {
        assert!(metrics.find("aliyun_flink_deployment_jobs").label("state", state).exists());
    }
    assert!(metrics.find("aliyun_flink_deployment_jobs").label("state", "running").sum() > 0.0);
    assert!(metrics.find("aliyun_flink_deployment_jobs").label("state", "failed").sum() > 0.0);
    for series in metrics.find("aliyun_flink_target_up").all() {
        assert!(series.value > 0.0, "{series}");
    }
}

#[tokio::test]
async fn the_demo_has_the_requested_size() {
    let start = Start::demo().args(&["--namespaces", "5", "--deployments", "130"]);
    let program = start.ready().await;
    let metrics = program.metrics().await;
    let sizes = metrics.find("aliyun_flink_target_objects").label("collector", "deployments").all();
    assert_eq!(sizes.len(), 5);
    for series in sizes {
        assert!((130.0..=141.0).contains(&series.value), "{series}");
    }
}

#[tokio::test]
async fn secrets_in_deployments_and_jobs_are_not_exposed() {
    for format in ["logfmt", "json"] {
        let start = Start::demo().args(&["--log.level", "trace", "--log.format", format]);
        let program = start.args(&["--fault.unsuccessful", "0.1", "--fault.truncate", "0.1"]).ready().await;
        // The jobs contain secrets and messages of failures.
        program.metrics_with_jobs().await;
        let mut places = Vec::new();
        for path in ["/metrics", "/", "/api/v1/status"] {
            places.push((path, program.get(path).await.body));
        }
        program.signal("TERM").await;
        let finished = program.finish().await.with_code(0);
        assert!(finished.stderr.lines().count() > 5, "{}", finished.stderr);
        places.push(("stdout", finished.stdout));
        places.push(("stderr", finished.stderr));
        for (place, text) in places {
            for secret in [
                SECRET_MARK,
                FAILURE_MARK,
                "INSERT INTO",
                "CREATE TEMPORARY",
                "SELECT ",
                "'connector'",
                "demo-access-key",
            ] {
                assert!(!text.contains(secret), "{secret} is in {place}");
            }
        }
    }
}

#[tokio::test]
async fn the_json_log_has_one_object_per_line() {
    let program = Start::demo().args(&["--log.format", "json"]).ready().await;
    program.signal("TERM").await;
    let finished = program.finish().await.with_code(0);
    assert!(finished.stderr.contains("stopping"), "{}", finished.stderr);
    for line in finished.stderr.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(line["level"].is_string(), "{line}");
    }
}
