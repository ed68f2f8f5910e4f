//! docs/metrics.md: written from the catalogue in the code.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
};

use aliyun_flink_exporter::{
    exposition::{
        families::{self, IDENTITY},
        targets,
    },
    model::JobState,
    snapshot::Outcome,
    telemetry::{Described, Telemetry},
};

use crate::support::Start;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/metrics.md");
const REGENERATE: &str = "UPDATE_REFERENCE=1 cargo test --test outside reference";

/// Where each value comes from: the field of the API's reply, or the exporter's own doing.
const ORIGINS: [(&str, &str); 41] = [
    (
        "aliyun_flink_deployment_info",
        "`executionMode`, `engineVersion`, `artifact.kind`, `streamingResourceSetting.resourceSettingMode`, \
         `deploymentTarget.mode`, `deploymentTarget.name`, `creator`, `modifier`",
    ),
    ("aliyun_flink_deployment_labels", "`labels`"),
    ("aliyun_flink_deployment_jobs", "`jobSummary`"),
    ("aliyun_flink_deployment_created_timestamp_seconds", "`createdAt`"),
    ("aliyun_flink_deployment_modified_timestamp_seconds", "`modifiedAt`"),
    ("aliyun_flink_deployment_changes_pending", "`deploymentHasChanged`"),
    (
        "aliyun_flink_deployment_parallelism",
        "`parallelism` of each setting; `expert` from `expertResourceSetting.resourcePlan`",
    ),
    ("aliyun_flink_deployment_cpu_cores", SPEC),
    ("aliyun_flink_deployment_memory_bytes", SPEC),
    ("aliyun_flink_deployment_max_slots", "`batchResourceSetting.maxSlot`"),
    ("aliyun_flink_deployment_taskmanager_slots", "`flinkConf.taskmanager.numberOfTaskSlots`"),
    ("aliyun_flink_deployment_slot_group_cpu_cores", PLAN),
    ("aliyun_flink_deployment_slot_group_memory_bytes", PLAN),
    ("aliyun_flink_deployment_slot_group_slots", PLAN),
    ("aliyun_flink_deployment_requested_slots", COMPUTED),
    ("aliyun_flink_deployment_requested_cpu_cores", COMPUTED),
    ("aliyun_flink_deployment_requested_memory_bytes", COMPUTED),
    ("aliyun_flink_deployment_requested_compute_units", COMPUTED),
    ("aliyun_flink_workspace_info", "the configuration"),
    ("aliyun_flink_target_up", POLLING),
    ("aliyun_flink_target_deployments", POLLING),
    ("aliyun_flink_target_last_success_timestamp_seconds", POLLING),
    ("aliyun_flink_target_poll_duration_seconds", POLLING),
    ("aliyun_flink_target_polls_total", POLLING),
    ("aliyun_flink_exporter_api_requests_total", "the client of the API"),
    ("aliyun_flink_exporter_api_request_duration_seconds", "the client of the API"),
    ("aliyun_flink_exporter_api_retries_total", "the client of the API"),
    ("aliyun_flink_exporter_invalid_values_total", "decoding the API's replies"),
    ("aliyun_flink_exporter_inconsistent_listings_total", "`totalSize` and the ids of the API's pages"),
    ("aliyun_flink_exporter_http_requests_total", "the exporter's HTTP server"),
    ("aliyun_flink_exporter_credentials_expiry_timestamp_seconds", "the source of the credentials"),
    ("aliyun_flink_exporter_config_last_reload_successful", "reading the configuration"),
    ("aliyun_flink_exporter_config_last_reload_success_timestamp_seconds", "reading the configuration"),
    ("aliyun_flink_exporter_build_info", "the build"),
    ("process_cpu_seconds_total", PROCESS),
    ("process_resident_memory_bytes", PROCESS),
    ("process_virtual_memory_bytes", PROCESS),
    ("process_open_fds", PROCESS),
    ("process_max_fds", PROCESS),
    ("process_threads", PROCESS),
    ("process_start_time_seconds", PROCESS),
];
const SPEC: &str = "`jobmanagerResourceSettingSpec` and `taskmanagerResourceSettingSpec` of each setting; `expert` has the first";
const PLAN: &str = "`streamingResourceSetting.expertResourceSetting.resourcePlan`";
const COMPUTED: &str = "computed from the setting in force, see README.md";
const POLLING: &str = "the exporter's polls";
const PROCESS: &str = "`/proc/self`";

fn owned(labels: &[&str]) -> Vec<String> {
    labels.iter().map(|label| (*label).to_owned()).collect()
}

fn of_deployments() -> Vec<Described> {
    let families = families::FAMILIES.iter().map(|family| (family.description, family.labels));
    let all = families.chain([(families::LABELS, &["label_KEY"][..])]);
    all.map(|(description, labels)| Described {
        name: description.name.to_owned(),
        kind: description.kind.as_str().to_owned(),
        help: description.help.to_owned(),
        labels: owned(&[&IDENTITY, labels].concat()),
    })
    .collect()
}

fn of_targets() -> Vec<Described> {
    let described = |family: &targets::Family| Described {
        name: family.description.name.to_owned(),
        kind: family.description.kind.as_str().to_owned(),
        help: family.description.help.to_owned(),
        labels: owned(family.labels),
    };
    targets::FAMILIES.iter().map(described).collect()
}

fn of_the_exporter() -> (Vec<Described>, Vec<Described>) {
    let all = Telemetry::catalogue().unwrap();
    all.into_iter().partition(|metric| !metric.name.starts_with("process_"))
}

/// What a value counts, as the metric's name ends.
fn unit(metric: &Described) -> &'static str {
    let name = metric.name.strip_suffix("_total").unwrap_or(&metric.name);
    let units = [
        ("_timestamp_seconds", "seconds since the Unix epoch"),
        ("_start_time_seconds", "seconds since the Unix epoch"),
        ("_seconds", "seconds"),
        ("_bytes", "bytes"),
        ("_cores", "CPU cores"),
        ("_slots", "task slots"),
        ("_compute_units", "compute units"),
        ("_jobs", "jobs"),
        ("_deployments", "deployments"),
        ("_parallelism", "parallel instances"),
        ("_polls", "polls"),
        ("_requests", "requests"),
        ("_retries", "requests"),
        ("_values", "values"),
        ("_listings", "walks over the pages"),
        ("_fds", "file descriptors"),
        ("_threads", "threads"),
        ("_info", "always 1"),
        ("_labels", "always 1"),
        ("_up", "0 or 1"),
        ("_pending", "0 or 1"),
        ("_successful", "0 or 1"),
    ];
    let found = units.iter().find(|(ending, _)| name.ends_with(ending));
    found.unwrap_or_else(|| panic!("no unit for {}", metric.name)).1
}

fn section(out: &mut String, metrics: &[Described]) {
    let origins: BTreeMap<_, _> = ORIGINS.into_iter().collect();
    for metric in metrics {
        let Described { name, kind, help, labels } = metric;
        let origin = origins.get(&**name).unwrap_or_else(|| panic!("no origin for {name}"));
        let labels = labels.iter().map(|label| format!("`{label}`")).collect::<Vec<_>>().join(", ");
        let labels = if labels.is_empty() { "none".to_owned() } else { labels };
        let unit = unit(metric);
        write!(
            out,
            "### {name}\n\n{help}\n\n- type: {kind}\n- unit: {unit}\n- labels: {labels}\n- from: {origin}\n\n"
        )
        .unwrap();
    }
}

fn reference() -> String {
    let values =
        |values: Vec<&str>| values.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", ");
    let states = values(JobState::ALL.map(JobState::as_str).to_vec());
    let outcomes = values(Outcome::all().map(Outcome::as_str).collect());
    let (exporter, process) = of_the_exporter();
    let mut out = format!(
        "# Metrics\n\n\
         <!-- Written from the code: {REGENERATE} -->\n\n\
         Every metric with its help as it is served, its type, unit, labels, and where the value comes from: names in \
         `code` are fields of the API's replies to `ListDeployments` and `GetDeploymentsByLabel`. A value that the API \
         did not give has no series.\n\n\
         | label | values |\n| --- | --- |\n\
         | `workspace` | the workspace's id, as configured |\n\
         | `namespace` | the namespace's name, as configured |\n\
         | `selection` | what a target selects, empty for a whole namespace: `execution_mode=STREAMING,label=team=payments` |\n\
         | `deployment_id`, `deployment` | `deploymentId` and `name`; names repeat and change, ids don't |\n\
         | `state` | {states} |\n\
         | `outcome`, `reason` | {outcomes}; a `reason` is never `success` |\n\
         | `setting` | where a value stands: `basic` and `expert` for streaming, `batch` for batch; in force or not |\n\
         | `component` | `jobmanager`, `taskmanager` |\n\
         | `pool` | `heap`, `off_heap`, `managed` |\n\
         | `group` | the slot sharing group's name in the resource plan |\n\
         | `operation` | `ListDeployments`, `GetDeploymentsByLabel` |\n\
         | `code` | the HTTP status; of requests to the API also `timeout` and `network` |\n\
         | `label_KEY` | a deployment label's value, for each key of `metrics.deployment_labels` |\n\n"
    );
    for (title, metrics) in [
        ("Of each deployment", of_deployments()),
        ("Of each target and workspace", of_targets()),
        ("Of the exporter's own work", exporter),
        ("Of its process", process),
    ] {
        writeln!(out, "## {title}\n").unwrap();
        section(&mut out, &metrics);
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

#[test]
fn the_reference_is_what_the_code_says() {
    let expected = reference();
    #[expect(clippy::disallowed_methods, reason = "the one who runs the tests may ask for the file")]
    if std::env::var_os("UPDATE_REFERENCE").is_some() {
        fs::write(FILE, &expected).unwrap();
    }
    let written = fs::read_to_string(FILE).unwrap_or_default();
    let differing = written.lines().zip(expected.lines()).find(|(written, expected)| written != expected);
    assert!(written == expected, "docs/metrics.md is not what the code says ({differing:?}): {REGENERATE}");
}

#[test]
fn every_origin_is_one_of_a_metric() {
    let (exporter, process) = of_the_exporter();
    let metrics: Vec<Described> = [of_deployments(), of_targets(), exporter, process].concat();
    let names: BTreeSet<&str> = metrics.iter().map(|metric| &*metric.name).collect();
    assert_eq!(names.len(), metrics.len(), "each is there once");
    assert_eq!(ORIGINS.iter().map(|(name, _)| *name).collect::<BTreeSet<_>>(), names);
}

#[tokio::test]
async fn the_catalogue_says_what_the_demo_serves() {
    let program = Start::demo().ready().await;
    program.metrics().await;
    let text = program.get("/metrics").await.body;
    let metrics = program.metrics().await;
    let (exporter, process) = of_the_exporter();
    let mut served = 0;
    for metric in [of_deployments(), of_targets(), exporter, process].concat() {
        let Some(family) = metrics.families.iter().find(|family| family.name == metric.name) else {
            // The demo's key does not expire.
            assert!(
                metric.name.ends_with("credentials_expiry_timestamp_seconds"),
                "{} is not served",
                metric.name
            );
            continue;
        };
        served += 1;
        assert_eq!(family.kind, metric.kind, "{}", metric.name);
        assert!(text.contains(&format!("# HELP {} {}\n", metric.name, metric.help)), "{}", metric.name);
        for series in &family.series {
            let labels: BTreeSet<&str> =
                series.labels.keys().map(String::as_str).filter(|label| *label != "le").collect();
            let expected: BTreeSet<&str> = match &*metric.name {
                "aliyun_flink_deployment_labels" => {
                    IDENTITY.into_iter().chain(["label_team", "label_env"]).collect()
                }
                _ => metric.labels.iter().map(String::as_str).collect(),
            };
            assert_eq!(labels, expected, "{series}");
        }
    }
    assert_eq!(served, metrics.families.len(), "every family that is served is in the catalogue");
}
