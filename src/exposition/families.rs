//! The catalogue: every metric family that is served of a deployment, and where its values come from.

use super::{
    Description, Kind,
    text::{Fixed, NONE, Samples, labels},
};
use crate::model::{Deployment, JobState, ProcessSpec, Requested, ResourcePlan, SlotGroup};

/// A deployment, and what is computed of it.
#[derive(Debug)]
pub(super) struct Subject<'d> {
    pub(super) deployment: &'d Deployment,
    pub(super) requested: Requested,
    /// Where its identity labels end in those of its namespace.
    pub(super) identity_end: usize,
}

/// A family of gauges, one or more for each deployment.
#[derive(Debug, Clone, Copy)]
pub struct Family {
    /// What documents it.
    pub description: Description,
    /// Its labels beside the identity.
    pub labels: &'static [&'static str],
    /// Writes a deployment's samples.
    pub(super) write: fn(&Subject<'_>, &mut Samples<'_>),
}

const fn gauge(
    name: &'static str,
    help: &'static str,
    labels: &'static [&'static str],
    write: fn(&Subject<'_>, &mut Samples<'_>),
) -> Family {
    Family { description: Description { name, kind: Kind::Gauge, help }, labels, write }
}

/// The labels that tell a deployment from all others.
pub const IDENTITY: [&str; 4] = ["workspace", "namespace", "deployment_id", "deployment"];

/// The deployment labels' family, whose labels are the user's choice.
pub const LABELS: Description = Description {
    name: "aliyun_flink_deployment_labels",
    kind: Kind::Gauge,
    help: "1, with the deployment's labels chosen by metrics.deployment_labels, as of the last poll.",
};

/// The families in the order they are served.
pub const FAMILIES: [Family; 17] = [
    gauge(
        "aliyun_flink_deployment_info",
        "1, with what describes the deployment, as of the last poll; a label is empty where the API gave nothing.",
        &[
            "execution_mode",
            "engine_version",
            "artifact_kind",
            "resource_mode",
            "target_mode",
            "target",
            "creator",
            "modifier",
        ],
        info,
    ),
    gauge(
        "aliyun_flink_deployment_jobs",
        "Jobs of the deployment by state, as of the last poll; cancelled, finished and failed count over its \
         history.",
        &["state"],
        jobs,
    ),
    gauge(
        "aliyun_flink_deployment_created_timestamp_seconds",
        "When the deployment was created, in seconds since the Unix epoch, as of the last poll.",
        &[],
        |of, samples| samples.number(&NONE, of.deployment.created),
    ),
    gauge(
        "aliyun_flink_deployment_modified_timestamp_seconds",
        "When the deployment was last modified, in seconds since the Unix epoch, as of the last poll.",
        &[],
        |of, samples| samples.number(&NONE, of.deployment.modified),
    ),
    gauge(
        "aliyun_flink_deployment_changes_pending",
        "1 if the deployment was changed since its last start, 0 if not, as of the last poll.",
        &[],
        |of, samples| samples.count(&NONE, of.deployment.changes_pending.map(u64::from)),
    ),
    gauge(
        "aliyun_flink_deployment_parallelism",
        "Parallelism by resource setting, in force or not, as of the last poll; expert is the highest of the \
         resource plan's operators.",
        &["setting"],
        parallelism,
    ),
    gauge(
        "aliyun_flink_deployment_cpu_cores",
        "CPU cores of one process of the component by resource setting, in force or not, as of the last poll.",
        &["setting", "component"],
        |of, samples| {
            processes(of.deployment, |labels, process| samples.number(labels, process.cpu_cores));
        },
    ),
    gauge(
        "aliyun_flink_deployment_memory_bytes",
        "Memory in bytes of one process of the component by resource setting, in force or not, as of the last \
         poll.",
        &["setting", "component"],
        |of, samples| {
            processes(of.deployment, |labels, process| samples.count(labels, process.memory_bytes));
        },
    ),
    gauge(
        "aliyun_flink_deployment_max_slots",
        "The most task slots that a batch job may take at once, as of the last poll.",
        &["setting"],
        |of, samples| {
            let batch = of.deployment.resources.batch.as_ref();
            samples.count(&labels!(setting = "batch"), batch.and_then(|batch| batch.max_slots));
        },
    ),
    gauge(
        "aliyun_flink_deployment_taskmanager_slots",
        "Task slots of one task manager, as of the last poll; no series where the deployment does not set \
         taskmanager.numberOfTaskSlots.",
        &[],
        |of, samples| samples.count(&NONE, of.deployment.resources.taskmanager_slots.given()),
    ),
    gauge(
        "aliyun_flink_deployment_slot_group_cpu_cores",
        "CPU cores of one slot of a slot sharing group of the resource plan, as of the last poll.",
        &["group"],
        |of, samples| {
            groups(of.deployment, |name, group| samples.number(&[("group", name)], group.cpu_cores));
        },
    ),
    gauge(
        "aliyun_flink_deployment_slot_group_memory_bytes",
        "Memory in bytes of one slot of a slot sharing group of the resource plan, by pool, as of the last poll.",
        &["group", "pool"],
        |of, samples| {
            groups(of.deployment, |name, group| {
                samples.count(&[("group", name), ("pool", "heap")], group.heap_bytes);
                samples.count(&[("group", name), ("pool", "off_heap")], group.off_heap_bytes);
                samples.count(&[("group", name), ("pool", "managed")], group.managed_bytes);
            });
        },
    ),
    gauge(
        "aliyun_flink_deployment_slot_group_slots",
        "Slots of a slot sharing group of the resource plan: the highest parallelism of its operators, as of the \
         last poll.",
        &["group"],
        |of, samples| {
            groups(of.deployment, |name, group| samples.count(&[("group", name)], group.slots));
        },
    ),
    gauge(
        "aliyun_flink_deployment_requested_slots",
        "Task slots that one running job asks for by the setting in force, as of the last poll; an upper bound \
         for batch.",
        &[],
        |of, samples| samples.count(&NONE, of.requested.slots),
    ),
    gauge(
        "aliyun_flink_deployment_requested_cpu_cores",
        "CPU cores that one running job asks for by the setting in force, job manager and task managers \
         together, as of the last poll.",
        &[],
        |of, samples| samples.number(&NONE, of.requested.cpu_cores),
    ),
    gauge(
        "aliyun_flink_deployment_requested_memory_bytes",
        "Memory in bytes that one running job asks for by the setting in force, job manager and task managers \
         together, as of the last poll; no series in expert mode.",
        &[],
        |of, samples| samples.number(&NONE, of.requested.memory_bytes),
    ),
    gauge(
        "aliyun_flink_deployment_requested_compute_units",
        "Compute units (1 core and 4 GiB) that one running job asks for by the setting in force, as of the last \
         poll; no series in expert mode.",
        &[],
        |of, samples| samples.number(&NONE, of.requested.compute_units),
    ),
];

fn info(of: &Subject<'_>, samples: &mut Samples<'_>) {
    let info = &of.deployment.info;
    let labels = [
        ("execution_mode", &*info.execution_mode),
        ("engine_version", &info.engine_version),
        ("artifact_kind", &info.artifact_kind),
        ("resource_mode", &info.resource_mode),
        ("target_mode", &info.target_mode),
        ("target", &info.target),
        ("creator", &info.creator),
        ("modifier", &info.modifier),
    ];
    samples.count(&labels, Some(1));
}

fn jobs(of: &Subject<'_>, samples: &mut Samples<'_>) {
    for state in JobState::ALL {
        let labels = match state {
            JobState::Starting => labels!(state = "starting"),
            JobState::Running => labels!(state = "running"),
            JobState::Cancelling => labels!(state = "cancelling"),
            JobState::Cancelled => labels!(state = "cancelled"),
            JobState::Finished => labels!(state = "finished"),
            JobState::Failed => labels!(state = "failed"),
        };
        samples.count(&labels, of.deployment.jobs.get(state));
    }
}

fn parallelism(of: &Subject<'_>, samples: &mut Samples<'_>) {
    let resources = &of.deployment.resources;
    let basic = resources.basic.as_ref().and_then(|basic| basic.parallelism);
    let plan = resources.expert.as_ref().and_then(|expert| expert.plan.as_ref());
    let batch = resources.batch.as_ref().and_then(|batch| batch.basic.as_ref());
    samples.count(&labels!(setting = "basic"), basic);
    samples.count(&labels!(setting = "expert"), plan.and_then(ResourcePlan::parallelism));
    samples.count(&labels!(setting = "batch"), batch.and_then(|basic| basic.parallelism));
}

/// Every process that a setting describes.
fn processes(deployment: &Deployment, mut each: impl FnMut(&Fixed, ProcessSpec)) {
    let resources = &deployment.resources;
    if let Some(basic) = &resources.basic {
        each(&labels!(setting = "basic", component = "jobmanager"), basic.jobmanager);
        each(&labels!(setting = "basic", component = "taskmanager"), basic.taskmanager);
    }
    if let Some(expert) = &resources.expert {
        each(&labels!(setting = "expert", component = "jobmanager"), expert.jobmanager);
    }
    if let Some(basic) = resources.batch.as_ref().and_then(|batch| batch.basic.as_ref()) {
        each(&labels!(setting = "batch", component = "jobmanager"), basic.jobmanager);
        each(&labels!(setting = "batch", component = "taskmanager"), basic.taskmanager);
    }
}

fn groups(deployment: &Deployment, mut each: impl FnMut(&str, &SlotGroup)) {
    let expert = deployment.resources.expert.as_ref();
    let plan = expert.and_then(|expert| expert.plan.as_ref());
    for group in plan.map(ResourcePlan::groups).unwrap_or_default() {
        each(&group.name, group);
    }
}
