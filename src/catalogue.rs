//! The catalogue of all metrics: every family that the exporter can serve, whether it has series at the moment or not.
//!
//! Each family is described once, next to the code that writes it. The reference, the tables of the README and the tests
//! are derived from here.

mod drop_order;

use strum::VariantArray as _;

use crate::{
    api::{self, Operation as _},
    collectors,
    console::{DescribeInstances, DescribeNamespaces, ListEditableNamespace},
    exposition::{
        Section,
        targets::{Targets, Workspaces},
    },
    model::{DeploymentStatus, DeploymentsOperation, ErrorClass, ExecutionMode, JobState, PollOutcome},
    telemetry,
};

pub use drop_order::drop_order;

/// Every family, in the order of the reference.
pub fn sections() -> Vec<Section> {
    let mut sections: Vec<_> = collectors::all().iter().map(|collector| collector.section()).collect();
    sections.extend([Section::of::<Workspaces>(), Section::of::<Targets>()]);
    sections.extend(telemetry::sections());
    sections
}

/// What the values of each label are, for every label of the catalogue.
pub fn label_descriptions() -> Vec<(&'static str, String)> {
    let reasons = api::RETRY_REASONS.map(ErrorClass::as_str);
    let outcomes: Vec<_> = PollOutcome::all().map(PollOutcome::as_str).collect();
    let operations = [
        DeploymentsOperation::ListDeployments.as_str(),
        DeploymentsOperation::GetDeploymentsByLabel.as_str(),
        DescribeInstances::ACTION,
        DescribeNamespaces::ACTION,
        ListEditableNamespace::ACTION,
    ];
    let statuses: Vec<_> = DeploymentStatus::VARIANTS.iter().map(|status| status.as_str()).collect();
    let collectors: Vec<_> = collectors::all().iter().map(|collector| collector.name()).collect();
    let described = |label, description: &str| (label, description.to_owned());
    vec![
        described("workspace", "id of the workspace; empty for requests that concern a whole region"),
        described("namespace", "name of the namespace"),
        described("deployment_id", "`deploymentId`, unique within the namespace"),
        described("deployment", "`name` of the deployment; not unique, and may change"),
        ("execution_mode", values(&ExecutionMode::ALL.map(ExecutionMode::as_str))),
        described("engine_version", "version of the Flink engine, such as `vvr-8.0.5-flink-1.17`"),
        described("artifact_kind", "kind of the program, such as `SQLSCRIPT`, `JAR`, `PYTHON`"),
        described("resource_mode", "`BASIC` or `EXPERT`: the effective setting of a streaming deployment"),
        described("deployment_mode", "`PER_JOB`, `SESSION` or another mode of the deployment target"),
        described("queue", "queue that the deployment runs in; empty in mode `SESSION`"),
        described("session_cluster", "session cluster that the deployment runs in; empty in other modes"),
        described("creator", "UID of the user who created the deployment"),
        described("modifier", "UID of the user who last modified the deployment"),
        ("state", state_values()),
        (
            "status",
            format!(
                "status of a deployment: {}; of workspaces, orders and namespaces as the API returns it, such as \
                 `RUNNING`, `NORMAL`, `SUCCESS`",
                values(&statuses)
            ),
        ),
        described(
            "setting",
            "resource setting: `basic` and `expert` for streaming, `batch` for batch; effective or not",
        ),
        described("component", "`jobmanager`, `taskmanager`"),
        described("group", "name of the slot sharing group in the resource plan"),
        described(
            "pool",
            "memory pool of a slot sharing group: `heap`, `off_heap`, `managed`; pool of compute units: `guaranteed`, \
             `elastic`, `ha`",
        ),
        described(
            "label_KEY",
            "value of a deployment label, for each key that `metrics.deployment_labels` selects",
        ),
        described("account_id", "id of the account that owns the workspace"),
        described("instance_id", "id of the order of the workspace, such as `f-cn-000000000000`"),
        described("name", "name of the workspace"),
        described("charge_type", "`PRE` for a subscription, `POST` for pay-as-you-go"),
        described("architecture", "CPU architecture, such as `X86`"),
        described("resource_group_id", "id of the resource group"),
        described("monitor_type", "monitoring service of the workspace, such as `ARMS`"),
        described("tag_KEY", "value of a workspace tag, for each key that `metrics.workspace_tags` selects"),
        described("region", "region of the workspace; empty if only its endpoint is configured"),
        described(
            "discovery",
            "name of the discovery entry: by default its region; the id of a workspace with `namespaces: all`",
        ),
        described("endpoint", "address of the workspace's API"),
        ("collector", format!("collector that polls the target: {}", values(&collectors))),
        described(
            "selection",
            "selected deployments, such as `execution_mode=STREAMING,label=team=payments`; empty for the whole \
             namespace",
        ),
        ("outcome", values(&outcomes)),
        (
            "reason",
            format!(
                "why the job failed, a code of the API; or why the previous attempt failed: {}",
                values(&reasons)
            ),
        ),
        ("operation", values(&operations)),
        described("code", "HTTP status; for requests to the API also `timeout` and `network`"),
        described("field", "path of the field within the object"),
        described("handler", "what the exporter was asked for, such as `/metrics`"),
        described("family", "name of the metric, such as `aliyun_flink_deployment_jobs`"),
        described("version", "version of the exporter"),
        described("revision", "revision of the source that the exporter was built from"),
        described("rustc", "version of the compiler"),
    ]
}

fn state_values() -> String {
    format!(
        "of jobs {}; of workspaces and namespaces {}",
        values(&JobState::ALL.map(JobState::as_str)),
        values(&telemetry::DISCOVERY_STATES)
    )
}

fn values(values: &[&str]) -> String {
    values.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", ")
}
