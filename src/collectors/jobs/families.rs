//! The metric families of jobs.

use std::sync::LazyLock;

use super::Jobs;
use crate::{
    exposition::{
        Family, FamilyDescriptor, FamilyHeaders, IdentityWriter, MetricFamilies, MetricType, NO_LABELS,
        Origin, SampleWriter, Unit,
    },
    model::{DeploymentJobs, LiveJobTotals},
};

impl MetricFamilies for Jobs {
    type Object<'a> = &'a DeploymentJobs;

    const TITLE: &'static str = "Job metrics";
    const IDENTITY_LABELS: &'static [&'static str] =
        &["workspace", "namespace", "deployment_id", "deployment"];

    fn families() -> &'static [Family<Self>] {
        &FAMILIES
    }

    fn identity(of: &&DeploymentJobs, labels: &mut IdentityWriter<'_>) {
        labels.value(&of.deployment_id);
        labels.value(&of.deployment);
    }

    fn headers() -> &'static FamilyHeaders {
        static HEADERS: LazyLock<FamilyHeaders> = LazyLock::new(FamilyHeaders::of::<Jobs>);
        &HEADERS
    }
}

const fn fields(fields: &'static [&'static str]) -> Origin {
    Origin::Api { operations: &["ListJobs"], fields }
}

static FAMILIES: [Family<Jobs>; 8] = [
    Family::gauge(
        "aliyun_flink_deployment_last_failure_info",
        Unit::One,
        "Reason code of the deployment's most recent job failure; always 1. Empty if the API returned none, other \
         if the value is not a code.",
        &["reason"],
        fields(&["status.failure.reason"]),
        |of, samples| {
            if let Some(failure) = &of.last_failure {
                samples.integer(&[("reason", &*failure.reason)], Some(1));
            }
        },
    ),
    Family::gauge(
        "aliyun_flink_deployment_last_failure_timestamp_seconds",
        Unit::Timestamp,
        "Time of the deployment's most recent job failure, in seconds since the Unix epoch.",
        &[],
        fields(&["status.failure.failedAt", "endTime"]),
        |of, samples| {
            let failure = of.last_failure.as_ref();
            samples.float(NO_LABELS, failure.and_then(|failure| failure.time));
        },
    ),
    Family::gauge(
        "aliyun_flink_deployment_job_started_timestamp_seconds",
        Unit::Timestamp,
        "Start time of the deployment's newest live job, in seconds since the Unix epoch. Only with mode active.",
        &[],
        fields(&["startTime"]),
        |of, samples| live(of, samples, |live| live.started),
    ),
    Family::gauge(
        "aliyun_flink_deployment_used_cpu_cores",
        Unit::CpuCores,
        "CPU cores used by the deployment's live jobs, without jobs in session clusters. Only with mode active.",
        &[],
        fields(&["metric.totalCpu"]),
        |of, samples| live(of, samples, |live| live.cpu_cores),
    ),
    Family::gauge(
        "aliyun_flink_deployment_used_memory_bytes",
        Unit::Bytes,
        "Memory used by the deployment's live jobs in bytes, without jobs in session clusters. Only with mode active.",
        &[],
        fields(&["metric.totalMemoryByte"]),
        |of, samples| live(of, samples, |live| live.memory_bytes),
    ),
    Family::gauge(
        "aliyun_flink_deployment_used_compute_units",
        Unit::ComputeUnits,
        "Compute units (1 core and 4 GiB) used by the deployment's live jobs, without jobs in session clusters. \
         Only with mode active.",
        &[],
        fields(&["metric.totalCpu", "metric.totalMemoryByte"]),
        |of, samples| live(of, samples, |live| live.compute_units),
    ),
    Family {
        descriptor: FamilyDescriptor {
            name: "aliyun_flink_deployment_job_restarts_total",
            metric_type: MetricType::Counter,
            unit: Unit::Count("restarts"),
            help: "Total number of restarts observed within the deployment's jobs. Only with mode active.",
            labels: &[],
            origin: Origin::Computed("increases of observedFlinkJobRestarts between answers"),
        },
        write: |of, samples| samples.integer(NO_LABELS, of.restarts),
    },
    Family::gauge(
        "aliyun_flink_deployment_health_score",
        Unit::Count("points out of 100"),
        "Lowest health score of the deployment's live jobs, from 0 to 100. Only with mode active.",
        &[],
        fields(&["status.healthScore"]),
        |of, samples| live(of, samples, |live| live.health_score),
    ),
];

fn live(of: &DeploymentJobs, samples: &mut SampleWriter<'_>, value: impl Fn(&LiveJobTotals) -> Option<f64>) {
    samples.float(NO_LABELS, of.live.as_ref().and_then(value));
}
