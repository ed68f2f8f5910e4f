//! Documented metrics, flags and defaults exist, and the README stays short.

use std::{collections::BTreeSet, fs};

use crate::support::{Exposition, Start};

async fn demo_metrics() -> Exposition {
    Start::demo().ready().await.metrics().await
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
            &[
                "api",
                "auth",
                "internal",
                "invalid_response",
                "network",
                "not_found",
                "permission",
                "success",
                "throttled",
                "timeout",
            ],
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
async fn every_flag_is_documented() {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/command-line.md")).unwrap();
    let flags = flags().await;
    assert!(flags.contains("--config.file") && flags.contains("--fault.throttle"), "{flags:?}");
    let missing: Vec<_> = flags.into_iter().filter(|name| !page.contains(name.as_str())).collect();
    assert!(missing.is_empty(), "not in docs/command-line.md: {missing:?}");
}

#[tokio::test]
async fn the_documented_defaults_are_in_the_help() {
    let help = Start::bare(&["run", "--help"]).finish().await.with_code(0).stdout;
    for default in ["[default: :10978]", "[default: /metrics]", "[default: info]", "[default: logfmt]"] {
        assert!(help.contains(default), "{default} is not in\n{help}");
    }
}

#[test]
fn the_readme_has_at_most_200_lines() {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    assert!(readme.lines().count() <= 200, "{} lines: move details to docs/", readme.lines().count());
}
