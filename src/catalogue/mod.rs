//! The catalogue of all metric families that the exporter can serve.
//!
//! Each family is described once, next to the code that writes it. docs/metrics.md and the tests are derived from the
//! catalogue.

mod drop_order;

use strum::VariantArray as _;

use crate::{
    api::{self, Operation as _},
    collectors::{
        self, engine_versions::ListEngineVersionMetadata, jobs::ListJobs, queues::ListDeploymentTargets,
        session_clusters::ListSessionClusters,
    },
    console::{DescribeInstances, DescribeNamespaces, ListEditableNamespace},
    exposition::{
        ReferenceSection,
        target_families::{Targets, Workspaces},
    },
    model::{DeploymentStatus, DeploymentsOperation, ErrorClass, ExecutionMode, JobState, PollOutcome},
    telemetry,
};

pub use drop_order::drop_order;

/// Every family, in the order of the reference.
pub fn sections() -> Vec<ReferenceSection> {
    let mut sections: Vec<_> = collectors::all().iter().map(|collector| collector.section()).collect();
    sections.extend([ReferenceSection::of::<Workspaces>(), ReferenceSection::of::<Targets>()]);
    sections.extend(telemetry::sections());
    sections
}

/// A description of the values of each label in the catalogue.
pub fn label_descriptions() -> Vec<(&'static str, String)> {
    let reasons = api::RETRY_REASONS.map(ErrorClass::as_str);
    let outcomes: Vec<_> = PollOutcome::all().map(PollOutcome::as_str).collect();
    let operations = [
        DeploymentsOperation::ListDeployments.as_str(),
        DeploymentsOperation::GetDeploymentsByLabel.as_str(),
        DescribeInstances::ACTION,
        DescribeNamespaces::ACTION,
        ListEditableNamespace::ACTION,
        ListDeploymentTargets::ACTION,
        ListSessionClusters::ACTION,
        ListEngineVersionMetadata::ACTION,
        ListJobs::ACTION,
    ];
    let statuses: Vec<_> = DeploymentStatus::VARIANTS.iter().map(|status| status.as_str()).collect();
    let collectors: Vec<_> = collectors::all().iter().map(|collector| collector.name()).collect();
    let described = |label, description: &str| (label, description.to_owned());
    vec![
        described("workspace", "workspace ID; empty for requests that concern a whole region"),
        described("namespace", "namespace"),
        described("deployment_id", "deployment ID (`deploymentId`), unique within the namespace"),
        described("deployment", "deployment name; can change and is not unique"),
        ("execution_mode", values(&ExecutionMode::ALL.map(ExecutionMode::as_str))),
        described("engine_version", "engine version, such as `vvr-8.0.5-flink-1.17`"),
        described("artifact_kind", "kind of the artifact, such as `SQLSCRIPT`, `JAR` or `PYTHON`"),
        described(
            "resource_mode",
            "effective resource setting of a streaming deployment: `BASIC` or `EXPERT`",
        ),
        described("deployment_mode", "mode of the deployment target, such as `PER_JOB` or `SESSION`"),
        described("queue", "queue; for a deployment, empty in mode `SESSION`"),
        described("session_cluster", "session cluster; for a deployment, empty except in mode `SESSION`"),
        described("creator", "UID of the user who created the object"),
        described("modifier", "UID of the user who last modified the deployment"),
        ("state", state_values()),
        (
            "status",
            format!(
                "for deployments: {}; for other objects the status as returned by the API, such as `RUNNING`, \
                 `NORMAL` or `SUCCESS`",
                values(&statuses)
            ),
        ),
        described(
            "setting",
            "resource setting: `basic` and `expert` for streaming deployments, `batch` for batch deployments",
        ),
        described("component", "`jobmanager`, `taskmanager`"),
        described("group", "slot sharing group in the resource plan"),
        described(
            "pool",
            "memory pool of a slot sharing group (`heap`, `off_heap`, `managed`), or pool of compute units (`guaranteed`, \
             `elastic`, `ha`)",
        ),
        described(
            "label_KEY",
            "value of the deployment label `KEY`, if `metrics.deployment_labels` selects it",
        ),
        described("account_id", "ID of the account that owns the workspace"),
        described("instance_id", "ID of the workspace's order, such as `f-cn-000000000000`"),
        described("name", "workspace name"),
        described("charge_type", "`PRE` for a subscription, `POST` for pay-as-you-go"),
        described("architecture", "CPU architecture, such as `X86`"),
        described("resource_group_id", "resource group ID"),
        described("monitor_type", "monitoring service of the workspace, such as `ARMS`"),
        described("tag_KEY", "value of the workspace tag `KEY`, if `metrics.workspace_tags` selects it"),
        described("region", "region; empty if only the endpoint is configured"),
        described(
            "discovery",
            "name of the discovery entry: by default its region, or the workspace ID for `namespaces: all`",
        ),
        described("endpoint", "endpoint of the workspace's API"),
        ("collector", format!("collector of the target: {}", values(&collectors))),
        described(
            "selection",
            "selection of deployments, such as `execution_mode=STREAMING,label=team=payments`; empty for a whole \
             namespace",
        ),
        ("outcome", values(&outcomes)),
        (
            "reason",
            format!(
                "for jobs, the reason code of the failure; for retries, the error class of the previous attempt: {}",
                values(&reasons)
            ),
        ),
        ("operation", values(&operations)),
        described("code", "HTTP status code; for API requests also `timeout` and `network`"),
        described("field", "path of the field in the object"),
        described("handler", "HTTP endpoint, such as `/metrics`"),
        described("family", "metric name, such as `aliyun_flink_deployment_jobs`"),
        described("version", "version of the exporter"),
        described("revision", "source revision"),
        described("rustc", "compiler version"),
    ]
}

fn state_values() -> String {
    format!(
        "for jobs: {}; for discovery: {}",
        values(&JobState::ALL.map(JobState::as_str)),
        values(&telemetry::DISCOVERY_STATES)
    )
}

fn values(values: &[&str]) -> String {
    values.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", ")
}
