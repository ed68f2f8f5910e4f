//! The metrics that users rely on are there, and are written of.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use crate::support::{Exposition, Start};

/// Labels of every deployment series.
const IDENTITY: [&str; 4] = ["workspace", "namespace", "deployment_id", "deployment"];
/// Labels of every target series.
const TARGET: [&str; 3] = ["workspace", "namespace", "selection"];

type Row = (&'static str, &'static str, &'static [&'static str]);

/// `aliyun_flink_deployment_…`: name, type, labels beside the identity.
const DEPLOYMENT: [Row; 18] = [
    (
        "info",
        "gauge",
        &[
            "execution_mode",
            "engine_version",
            "artifact_kind",
            "resource_mode",
            "target_mode",
            "target",
            "creator",
            "modifier",
        ],
    ),
    // As the demo configures it.
    ("labels", "gauge", &["label_team", "label_env"]),
    ("jobs", "gauge", &["state"]),
    ("created_timestamp_seconds", "gauge", &[]),
    ("modified_timestamp_seconds", "gauge", &[]),
    ("changes_pending", "gauge", &[]),
    ("parallelism", "gauge", &["setting"]),
    ("cpu_cores", "gauge", &["setting", "component"]),
    ("memory_bytes", "gauge", &["setting", "component"]),
    ("max_slots", "gauge", &["setting"]),
    ("taskmanager_slots", "gauge", &[]),
    ("slot_group_cpu_cores", "gauge", &["group"]),
    ("slot_group_memory_bytes", "gauge", &["group", "pool"]),
    ("slot_group_slots", "gauge", &["group"]),
    ("requested_slots", "gauge", &[]),
    ("requested_cpu_cores", "gauge", &[]),
    ("requested_memory_bytes", "gauge", &[]),
    ("requested_compute_units", "gauge", &[]),
];

/// `aliyun_flink_target_…`: name, type, labels beside the target's.
const TARGETS: [Row; 5] = [
    ("up", "gauge", &[]),
    ("deployments", "gauge", &[]),
    ("last_success_timestamp_seconds", "gauge", &[]),
    ("poll_duration_seconds", "gauge", &[]),
    ("polls_total", "counter", &["outcome"]),
];

/// `aliyun_flink_…`: name, type, all labels.
const OTHERS: [Row; 10] = [
    ("workspace_info", "gauge", &["workspace", "region", "endpoint"]),
    ("exporter_build_info", "gauge", &["version", "revision", "rustc"]),
    ("exporter_api_requests_total", "counter", &["workspace", "operation", "code"]),
    ("exporter_api_request_duration_seconds", "histogram", &["operation"]),
    ("exporter_api_retries_total", "counter", &["workspace", "reason"]),
    ("exporter_invalid_values_total", "counter", &["operation", "field"]),
    ("exporter_inconsistent_listings_total", "counter", &["workspace", "namespace"]),
    ("exporter_http_requests_total", "counter", &["handler", "code"]),
    ("exporter_config_last_reload_successful", "gauge", &[]),
    ("exporter_config_last_reload_success_timestamp_seconds", "gauge", &[]),
];

#[derive(Debug, PartialEq)]
struct Documented {
    kind: &'static str,
    labels: BTreeSet<String>,
}

fn documented() -> BTreeMap<String, Documented> {
    let tables: [(&str, &[&str], &[Row]); 3] =
        [("deployment_", &IDENTITY, &DEPLOYMENT), ("target_", &TARGET, &TARGETS), ("", &[], &OTHERS)];
    let mut all = BTreeMap::new();
    for (prefix, common, rows) in tables {
        for (name, kind, labels) in rows {
            let labels = common.iter().chain(*labels).map(|label| (*label).to_owned()).collect();
            all.insert(format!("aliyun_flink_{prefix}{name}"), Documented { kind, labels });
        }
    }
    all
}

async fn demo_metrics() -> Exposition {
    let program = Start::demo().ready().await;
    // The requests that the exporter answered are there from the second scrape on.
    program.metrics().await;
    program.metrics().await
}

#[tokio::test]
async fn the_demo_serves_every_documented_metric_and_no_other() {
    let metrics = demo_metrics().await;
    let documented = documented();
    let served: BTreeSet<_> = metrics
        .families
        .iter()
        .map(|family| family.name.clone())
        .filter(|name| !name.starts_with("process_"))
        .collect();
    let expected: BTreeSet<_> = documented.keys().cloned().collect();
    let differences: Vec<_> = served.symmetric_difference(&expected).collect();
    assert!(differences.is_empty(), "served or documented, but not both: {differences:?}");
    for family in metrics.families.iter().filter(|family| !family.name.starts_with("process_")) {
        let expected = &documented[&family.name];
        assert_eq!(family.kind, expected.kind, "{}", family.name);
        for series in &family.series {
            let labels: BTreeSet<_> = series.labels.keys().filter(|name| *name != "le").cloned().collect();
            assert_eq!(labels, expected.labels, "{series}");
        }
    }
}

#[tokio::test]
async fn label_values_are_the_documented_ones() {
    let metrics = demo_metrics().await;
    let values = |metric: &str, label: &str| -> BTreeSet<String> {
        metrics.find(metric).all().iter().map(|series| series.labels[label].clone()).collect()
    };
    let cases: [(&str, &str, &[&str]); 6] = [
        (
            "aliyun_flink_deployment_jobs",
            "state",
            &["cancelled", "cancelling", "failed", "finished", "running", "starting"],
        ),
        ("aliyun_flink_deployment_parallelism", "setting", &["basic", "batch", "expert"]),
        ("aliyun_flink_deployment_cpu_cores", "component", &["jobmanager", "taskmanager"]),
        ("aliyun_flink_deployment_slot_group_memory_bytes", "pool", &["heap", "managed", "off_heap"]),
        ("aliyun_flink_deployment_max_slots", "setting", &["batch"]),
        (
            "aliyun_flink_target_polls_total",
            "outcome",
            &["api", "auth", "invalid_response", "network", "permission", "success", "throttled", "timeout"],
        ),
    ];
    for (metric, label, expected) in cases {
        let expected: BTreeSet<_> = expected.iter().map(|value| (*value).to_owned()).collect();
        assert_eq!(values(metric, label), expected, "{label} of {metric}");
    }
}

async fn flags() -> BTreeSet<String> {
    let mut flags = BTreeSet::new();
    for command in ["run", "demo", "simulate", "once", "doctor", "check-config", "healthcheck", ""] {
        let arguments: Vec<_> = [command, "--help"].into_iter().filter(|word| !word.is_empty()).collect();
        let help = Start::bare(&arguments).finish().await.with_code(0).stdout;
        let words = help.split(|c: char| c.is_whitespace() || ",;()[]".contains(c));
        flags.extend(words.filter(|word| word.starts_with("--")).map(str::to_owned));
    }
    flags
}

#[tokio::test]
async fn the_readme_names_every_metric_and_every_flag() {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).expect("a README.md");
    let flags = flags().await;
    assert!(flags.contains("--config.file") && flags.contains("--fault.throttle"), "{flags:?}");
    let missing: Vec<_> =
        documented().into_keys().chain(flags).filter(|name| !readme.contains(name.as_str())).collect();
    assert!(missing.is_empty(), "not in README.md: {missing:?}");
}

#[tokio::test]
async fn every_documented_default_is_the_default() {
    let help = Start::bare(&["run", "--help"]).finish().await.with_code(0).stdout;
    for default in ["[default: 0.0.0.0:10978]", "[default: /metrics]", "[default: info]", "[default: logfmt]"]
    {
        assert!(help.contains(default), "{default} is not in\n{help}");
    }
}
