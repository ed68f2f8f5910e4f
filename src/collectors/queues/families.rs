//! The metric families of queues.

use std::sync::LazyLock;

use super::Queues;
use crate::{
    exposition::{Family, FamilyHeaders, IdentityWriter, MetricFamilies, NO_LABELS, Origin, Unit},
    model::Queue,
};

impl MetricFamilies for Queues {
    type Object<'a> = &'a Queue;

    const TITLE: &'static str = "Queue metrics";
    const IDENTITY_LABELS: &'static [&'static str] = &["workspace", "namespace", "queue"];

    fn families() -> &'static [Family<Self>] {
        &FAMILIES
    }

    fn identity(queue: &&Queue, labels: &mut IdentityWriter<'_>) {
        labels.value(&queue.name);
    }

    fn headers() -> &'static FamilyHeaders {
        static HEADERS: LazyLock<FamilyHeaders> = LazyLock::new(FamilyHeaders::of::<Queues>);
        &HEADERS
    }
}

const fn fields(fields: &'static [&'static str]) -> Origin {
    Origin::Api { operations: &["ListDeploymentTargets"], fields }
}

static FAMILIES: [Family<Queues>; 6] = [
    Family::gauge(
        "aliyun_flink_queue_limit_cpu_cores",
        Unit::CpuCores,
        "Maximum CPU cores of the queue.",
        &[],
        fields(&["quota.limit.cpu"]),
        |queue, samples| samples.float(NO_LABELS, queue.limit.cpu_cores),
    ),
    Family::gauge(
        "aliyun_flink_queue_limit_memory_bytes",
        Unit::Bytes,
        "Maximum memory of the queue in bytes.",
        &[],
        fields(&["quota.limit.memory"]),
        |queue, samples| samples.integer(NO_LABELS, queue.limit.memory_bytes),
    ),
    Family::gauge(
        "aliyun_flink_queue_request_cpu_cores",
        Unit::CpuCores,
        "Guaranteed CPU cores of the queue.",
        &[],
        fields(&["quota.request.cpu"]),
        |queue, samples| samples.float(NO_LABELS, queue.request.cpu_cores),
    ),
    Family::gauge(
        "aliyun_flink_queue_request_memory_bytes",
        Unit::Bytes,
        "Guaranteed memory of the queue in bytes.",
        &[],
        fields(&["quota.request.memory"]),
        |queue, samples| samples.integer(NO_LABELS, queue.request.memory_bytes),
    ),
    Family::gauge(
        "aliyun_flink_queue_used_cpu_cores",
        Unit::CpuCores,
        "CPU cores used by jobs in the queue.",
        &[],
        fields(&["quota.used.cpu"]),
        |queue, samples| samples.float(NO_LABELS, queue.used.cpu_cores),
    ),
    Family::gauge(
        "aliyun_flink_queue_used_memory_bytes",
        Unit::Bytes,
        "Memory used by jobs in the queue in bytes.",
        &[],
        fields(&["quota.used.memory"]),
        |queue, samples| samples.integer(NO_LABELS, queue.used.memory_bytes),
    ),
];
