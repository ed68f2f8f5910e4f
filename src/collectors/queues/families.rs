//! The metric families of queues.

use std::sync::LazyLock;

use super::Queues;
use crate::{
    exposition::{
        Catalogue, Family, FamilyDescriptor, IdentityWriter, MetricType, NO_LABELS, Origin, SampleWriter,
        SectionHeaders, Unit,
    },
    model::Queue,
};

impl Catalogue for Queues {
    type Object<'a> = &'a Queue;

    const TITLE: &'static str = "Queue metrics";
    const IDENTITY_LABELS: &'static [&'static str] = &["workspace", "namespace", "queue"];

    fn families() -> &'static [Family<Self>] {
        &FAMILIES
    }

    fn identity(queue: &&Queue, labels: &mut IdentityWriter<'_>) {
        labels.value(&queue.name);
    }

    fn headers() -> &'static SectionHeaders {
        static HEADERS: LazyLock<SectionHeaders> = LazyLock::new(SectionHeaders::of::<Queues>);
        &HEADERS
    }
}

const fn gauge(
    name: &'static str,
    unit: Unit,
    help: &'static str,
    fields: &'static [&'static str],
    write: fn(&&Queue, &mut SampleWriter<'_>),
) -> Family<Queues> {
    let origin = Origin::Api { operations: &["ListDeploymentTargets"], fields };
    let metric_type = MetricType::Gauge;
    Family { descriptor: FamilyDescriptor { name, metric_type, unit, help, labels: &[], origin }, write }
}

static FAMILIES: [Family<Queues>; 6] = [
    gauge(
        "aliyun_flink_queue_limit_cpu_cores",
        Unit::CpuCores,
        "Maximum number of CPU cores that jobs in the queue may use.",
        &["quota.limit.cpu"],
        |queue, samples| samples.float(NO_LABELS, queue.limit.cpu_cores),
    ),
    gauge(
        "aliyun_flink_queue_limit_memory_bytes",
        Unit::Bytes,
        "Maximum memory that jobs in the queue may use, in bytes.",
        &["quota.limit.memory"],
        |queue, samples| samples.integer(NO_LABELS, queue.limit.memory_bytes),
    ),
    gauge(
        "aliyun_flink_queue_request_cpu_cores",
        Unit::CpuCores,
        "CPU cores that are guaranteed to the queue.",
        &["quota.request.cpu"],
        |queue, samples| samples.float(NO_LABELS, queue.request.cpu_cores),
    ),
    gauge(
        "aliyun_flink_queue_request_memory_bytes",
        Unit::Bytes,
        "Memory that is guaranteed to the queue, in bytes.",
        &["quota.request.memory"],
        |queue, samples| samples.integer(NO_LABELS, queue.request.memory_bytes),
    ),
    gauge(
        "aliyun_flink_queue_used_cpu_cores",
        Unit::CpuCores,
        "CPU cores that jobs in the queue use.",
        &["quota.used.cpu"],
        |queue, samples| samples.float(NO_LABELS, queue.used.cpu_cores),
    ),
    gauge(
        "aliyun_flink_queue_used_memory_bytes",
        Unit::Bytes,
        "Memory that jobs in the queue use, in bytes.",
        &["quota.used.memory"],
        |queue, samples| samples.integer(NO_LABELS, queue.used.memory_bytes),
    ),
];
