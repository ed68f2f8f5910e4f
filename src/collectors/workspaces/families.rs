//! The metric families of workspaces.

use std::sync::LazyLock;

use crate::{
    collectors::exported_labels::ExportedLabels,
    exposition::{
        Family, FamilyHeaders, IdentityWriter, MetricFamilies, NO_LABELS, ObjectGroup, Origin, SampleWriter,
        Unit, static_labels,
    },
    model::{PoolComputeUnits, WorkspaceInstance},
};

/// The value of `ChargeType` of a subscription.
const SUBSCRIPTION: &str = "PRE";

/// The families of [`WorkspaceObject`].
#[derive(Debug)]
pub struct Workspaces;

/// A workspace, and which of its tags are exported.
#[derive(Debug)]
pub struct WorkspaceObject<'a> {
    instance: &'a WorkspaceInstance,
    exported_tags: &'a ExportedLabels,
}

/// The workspace, to be rendered.
pub fn group<'a, 'd: 'a>(
    workspace: &str,
    instances: impl IntoIterator<Item = &'d WorkspaceInstance>,
    exported_tags: &'a ExportedLabels,
) -> ObjectGroup<'a, Workspaces> {
    let objects = instances.into_iter().map(|instance| WorkspaceObject { instance, exported_tags });
    ObjectGroup::new(&[workspace], objects)
}

impl MetricFamilies for Workspaces {
    type Object<'a> = WorkspaceObject<'a>;

    const TITLE: &'static str = "Workspace instance metrics";
    const IDENTITY_LABELS: &'static [&'static str] = &["workspace"];

    fn families() -> &'static [Family<Self>] {
        &FAMILIES
    }

    fn identity(_: &WorkspaceObject<'_>, _: &mut IdentityWriter<'_>) {}

    fn headers() -> &'static FamilyHeaders {
        static HEADERS: LazyLock<FamilyHeaders> = LazyLock::new(FamilyHeaders::of::<Workspaces>);
        &HEADERS
    }
}

const fn fields(fields: &'static [&'static str]) -> Origin {
    Origin::Api { operations: &["DescribeInstances"], fields }
}

static FAMILIES: [Family<Workspaces>; 12] = [
    Family::gauge(
        "aliyun_flink_workspace_instance_info",
        Unit::One,
        "Information about the workspace from the console API; always 1. Labels are empty if the API returned no \
         value.",
        &[
            "region",
            "account_id",
            "instance_id",
            "name",
            "charge_type",
            "architecture",
            "resource_group_id",
            "monitor_type",
        ],
        fields(&[
            "Region",
            "Uid",
            "InstanceId",
            "InstanceName",
            "ChargeType",
            "ArchitectureType",
            "ResourceGroupId",
            "MonitorType",
        ]),
        |of, samples| info(of, samples),
    ),
    Family::gauge(
        "aliyun_flink_workspace_tags",
        Unit::One,
        "Workspace tags selected by metrics.workspace_tags; always 1.",
        &["tag_KEY"],
        fields(&["Tags"]),
        |of, samples| of.exported_tags.write(&of.instance.tags, samples),
    ),
    Family::gauge(
        "aliyun_flink_workspace_status",
        Unit::One,
        "Status of the workspace as returned by the API; always 1.",
        &["status"],
        fields(&["ClusterStatus"]),
        |of, samples| word(&of.instance.status, samples),
    ),
    Family::gauge(
        "aliyun_flink_workspace_order_status",
        Unit::One,
        "Status of the workspace's order as returned by the API; always 1. CEASE means expired, RELEASE means \
         overdue.",
        &["status"],
        fields(&["OrderState"]),
        |of, samples| word(&of.instance.order_status, samples),
    ),
    Family::gauge(
        "aliyun_flink_workspace_created_timestamp_seconds",
        Unit::Timestamp,
        "Creation time of the workspace, in seconds since the Unix epoch.",
        &[],
        fields(&["ResourceCreateTime"]),
        |of, samples| samples.float(NO_LABELS, of.instance.created),
    ),
    Family::gauge(
        "aliyun_flink_workspace_expiry_timestamp_seconds",
        Unit::Timestamp,
        "Expiry time of the workspace's subscription, in seconds since the Unix epoch. No series without a \
         subscription.",
        &[],
        fields(&["ResourceExpiredTime"]),
        |of, samples| expiry(of, samples),
    ),
    Family::gauge(
        "aliyun_flink_workspace_quota_compute_units",
        Unit::ComputeUnits,
        "Quota of the workspace in compute units (1 core and 4 GiB), guaranteed and elastic pool together.",
        &[],
        fields(&["ResourceSpec.Cpu", "ElasticResourceSpec.Cpu"]),
        |of, samples| samples.float(NO_LABELS, of.instance.quota.total()),
    ),
    Family::gauge(
        "aliyun_flink_workspace_pool_quota_compute_units",
        Unit::ComputeUnits,
        "Quota of the workspace in compute units (1 core and 4 GiB), by pool.",
        &["pool"],
        fields(&["ResourceSpec.Cpu", "ElasticResourceSpec.Cpu", "HaResourceSpec.Cpu"]),
        |of, samples| pools(of.instance.quota, samples),
    ),
    Family::gauge(
        "aliyun_flink_workspace_used_compute_units",
        Unit::ComputeUnits,
        "Used compute units (1 core and 4 GiB) of the workspace.",
        &[],
        fields(&["ClusterUsedResources.UsedResource"]),
        |of, samples| samples.float(NO_LABELS, of.instance.used.compute_units),
    ),
    Family::gauge(
        "aliyun_flink_workspace_used_cpu_cores",
        Unit::CpuCores,
        "Used CPU cores of the workspace.",
        &[],
        fields(&["ClusterUsedResources.UsedCpu"]),
        |of, samples| samples.float(NO_LABELS, of.instance.used.cpu_cores),
    ),
    Family::gauge(
        "aliyun_flink_workspace_used_memory_bytes",
        Unit::Bytes,
        "Used memory of the workspace in bytes.",
        &[],
        fields(&["ClusterUsedResources.UsedMemory"]),
        |of, samples| samples.float(NO_LABELS, of.instance.used.memory_bytes),
    ),
    Family::gauge(
        "aliyun_flink_workspace_pool_used_compute_units",
        Unit::ComputeUnits,
        "Used compute units (1 core and 4 GiB) of the workspace, by pool.",
        &["pool"],
        fields(&[
            "ClusterUsedResources.GuaranteedUsedResource",
            "ClusterUsedResources.ElasticUsedResource",
            "ClusterUsedResources.HaUsedResource",
        ]),
        |of, samples| pools(of.instance.pool_used, samples),
    ),
];

fn info(of: &WorkspaceObject<'_>, samples: &mut SampleWriter<'_>) {
    let instance = of.instance;
    let labels = [
        ("region", &*instance.region),
        ("account_id", &instance.account_id),
        ("instance_id", &instance.instance_id),
        ("name", &instance.name),
        ("charge_type", &instance.charge_type),
        ("architecture", &instance.architecture),
        ("resource_group_id", &instance.resource_group_id),
        ("monitor_type", &instance.monitor_type),
    ];
    samples.integer(&labels, Some(1));
}

/// Writes a status with the value of the API; no series if not returned.
fn word(word: &str, samples: &mut SampleWriter<'_>) {
    samples.integer(&[("status", word)], (!word.is_empty()).then_some(1));
}

fn expiry(of: &WorkspaceObject<'_>, samples: &mut SampleWriter<'_>) {
    let is_subscription = &*of.instance.charge_type == SUBSCRIPTION;
    samples.float(NO_LABELS, of.instance.expires.filter(|_| is_subscription));
}

fn pools(units: PoolComputeUnits, samples: &mut SampleWriter<'_>) {
    samples.float(static_labels!(pool = "guaranteed"), units.guaranteed);
    samples.float(static_labels!(pool = "elastic"), units.elastic);
    samples.float(static_labels!(pool = "ha"), units.ha);
}
