//! The metric families of namespaces.

use std::sync::LazyLock;

use crate::{
    exposition::{
        Family, FamilyHeaders, IdentityWriter, MetricFamilies, NO_LABELS, ObjectGroup, Origin, Unit,
        static_labels,
    },
    model::NamespaceInstance,
};

/// The families of namespaces.
#[derive(Debug)]
pub struct Namespaces;

/// The namespaces of one workspace, to be rendered together.
pub fn group<'d>(
    workspace: &str,
    namespaces: impl IntoIterator<Item = &'d NamespaceInstance>,
) -> ObjectGroup<'d, Namespaces> {
    ObjectGroup::new(&[workspace], namespaces)
}

impl MetricFamilies for Namespaces {
    type Object<'a> = &'a NamespaceInstance;

    const TITLE: &'static str = "Namespace metrics";
    const IDENTITY_LABELS: &'static [&'static str] = &["workspace", "namespace"];

    fn families() -> &'static [Family<Self>] {
        &FAMILIES
    }

    fn identity(namespace: &&NamespaceInstance, labels: &mut IdentityWriter<'_>) {
        labels.value(&namespace.name);
    }

    fn headers() -> &'static FamilyHeaders {
        static HEADERS: LazyLock<FamilyHeaders> = LazyLock::new(FamilyHeaders::of::<Namespaces>);
        &HEADERS
    }
}

const fn fields(fields: &'static [&'static str]) -> Origin {
    Origin::Api { operations: &["DescribeNamespaces"], fields }
}

static FAMILIES: [Family<Namespaces>; 6] = [
    Family::gauge(
        "aliyun_flink_namespace_status",
        Unit::One,
        "Status of the last operation on the namespace as returned by the API; always 1.",
        &["status"],
        fields(&["Status"]),
        |namespace, samples| {
            let status = &*namespace.status;
            samples.integer(&[("status", status)], (!status.is_empty()).then_some(1));
        },
    ),
    Family::gauge(
        "aliyun_flink_namespace_quota_compute_units",
        Unit::ComputeUnits,
        "Quota of the namespace in compute units (1 core and 4 GiB).",
        &[],
        fields(&["ResourceSpec.Cpu"]),
        |namespace, samples| samples.float(NO_LABELS, namespace.quota),
    ),
    Family::gauge(
        "aliyun_flink_namespace_pool_quota_compute_units",
        Unit::ComputeUnits,
        "Quota of the namespace in compute units (1 core and 4 GiB), by pool.",
        &["pool"],
        fields(&["GuaranteedResourceSpec.Cpu", "ElasticResourceSpec.Cpu"]),
        |namespace, samples| {
            samples.float(static_labels!(pool = "guaranteed"), namespace.guaranteed_quota);
            samples.float(static_labels!(pool = "elastic"), namespace.elastic_quota);
        },
    ),
    Family::gauge(
        "aliyun_flink_namespace_used_compute_units",
        Unit::ComputeUnits,
        "Used compute units (1 core and 4 GiB) of the namespace.",
        &[],
        fields(&["ResourceUsed.Cu"]),
        |namespace, samples| samples.float(NO_LABELS, namespace.used.compute_units),
    ),
    Family::gauge(
        "aliyun_flink_namespace_used_cpu_cores",
        Unit::CpuCores,
        "Used CPU cores of the namespace.",
        &[],
        fields(&["ResourceUsed.Cpu"]),
        |namespace, samples| samples.float(NO_LABELS, namespace.used.cpu_cores),
    ),
    Family::gauge(
        "aliyun_flink_namespace_used_memory_bytes",
        Unit::Bytes,
        "Used memory of the namespace in bytes.",
        &[],
        fields(&["ResourceUsed.MemoryGB"]),
        |namespace, samples| samples.float(NO_LABELS, namespace.used.memory_bytes),
    ),
];
