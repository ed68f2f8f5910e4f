//! The metric families of session clusters.

use std::sync::LazyLock;

use super::{SessionClusterObject, SessionClusters};
use crate::exposition::{Family, FamilyHeaders, IdentityWriter, MetricFamilies, NO_LABELS, Origin, Unit};

impl MetricFamilies for SessionClusters {
    type Object<'a> = SessionClusterObject<'a>;

    const TITLE: &'static str = "Session cluster metrics";
    const IDENTITY_LABELS: &'static [&'static str] = &["workspace", "namespace", "session_cluster"];

    fn families() -> &'static [Family<Self>] {
        &FAMILIES
    }

    fn identity(of: &SessionClusterObject<'_>, labels: &mut IdentityWriter<'_>) {
        labels.value(&of.cluster.name);
    }

    fn headers() -> &'static FamilyHeaders {
        static HEADERS: LazyLock<FamilyHeaders> = LazyLock::new(FamilyHeaders::of::<SessionClusters>);
        &HEADERS
    }
}

const fn fields(fields: &'static [&'static str]) -> Origin {
    Origin::Api { operations: &["ListSessionClusters"], fields }
}

const REQUESTED: Origin = Origin::Computed("`basicResourceSetting`, as for a deployment in basic mode");

static FAMILIES: [Family<SessionClusters>; 8] = [
    Family::gauge(
        "aliyun_flink_session_cluster_info",
        Unit::One,
        "Information about the session cluster; always 1. Labels are empty if the API returned no value.",
        &["engine_version", "queue", "creator"],
        fields(&["engineVersion", "deploymentTargetName", "creator"]),
        |of, samples| {
            let labels = [
                ("engine_version", &*of.cluster.engine_version),
                ("queue", &of.cluster.queue),
                ("creator", &of.cluster.creator),
            ];
            samples.integer(&labels, Some(1));
        },
    ),
    Family::gauge(
        "aliyun_flink_session_cluster_status",
        Unit::One,
        "Status of the session cluster as returned by the API; always 1.",
        &["status"],
        fields(&["status.currentSessionClusterStatus"]),
        |of, samples| {
            let status = &*of.cluster.status;
            samples.integer(&[("status", status)], (!status.is_empty()).then_some(1));
        },
    ),
    Family::gauge(
        "aliyun_flink_session_cluster_deployments",
        Unit::Count("deployments"),
        "Number of deployments that use the session cluster. No series if it is not running.",
        &[],
        fields(&["status.running.referenceDeploymentIds"]),
        |of, samples| samples.integer(NO_LABELS, of.cluster.deployments),
    ),
    Family::gauge(
        "aliyun_flink_session_cluster_requested_cpu_cores",
        Unit::CpuCores,
        "CPU cores that the session cluster requests when it runs, JobManager and TaskManagers together.",
        &[],
        REQUESTED,
        |of, samples| samples.float(NO_LABELS, of.requested.cpu_cores),
    ),
    Family::gauge(
        "aliyun_flink_session_cluster_requested_memory_bytes",
        Unit::Bytes,
        "Memory that the session cluster requests when it runs in bytes, JobManager and TaskManagers together.",
        &[],
        REQUESTED,
        |of, samples| samples.float(NO_LABELS, of.requested.memory_bytes),
    ),
    Family::gauge(
        "aliyun_flink_session_cluster_requested_compute_units",
        Unit::ComputeUnits,
        "Compute units (1 core and 4 GiB) that the session cluster requests when it runs.",
        &[],
        REQUESTED,
        |of, samples| samples.float(NO_LABELS, of.requested.compute_units),
    ),
    Family::gauge(
        "aliyun_flink_session_cluster_created_timestamp_seconds",
        Unit::Timestamp,
        "Creation time of the session cluster, in seconds since the Unix epoch.",
        &[],
        fields(&["createdAt"]),
        |of, samples| samples.float(NO_LABELS, of.cluster.created),
    ),
    Family::gauge(
        "aliyun_flink_session_cluster_started_timestamp_seconds",
        Unit::Timestamp,
        "Start time of the session cluster, in seconds since the Unix epoch. No series if it is not running.",
        &[],
        fields(&["status.running.startedAt"]),
        |of, samples| samples.float(NO_LABELS, of.cluster.started),
    ),
];
