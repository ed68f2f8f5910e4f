//! The metric families of deployments.

use std::sync::LazyLock;

pub use crate::collectors::exported_labels::ExportedLabels;
use crate::{
    exposition::{
        Family, FamilyDescriptor, FamilyHeaders, IdentityWriter, MetricFamilies, MetricType, NO_LABELS,
        ObjectGroup, Origin, SampleWriter, StaticLabels, Unit, static_labels,
    },
    model::{
        Deployment, DeploymentStatus, JobState, ProcessSpec, RequestedResources, ResourcePlan, SlotGroup,
        Transitions,
    },
};

/// The families of [`DeploymentObject`].
#[derive(Debug)]
pub struct Deployments;

/// A deployment with its requested resources and transitions.
#[derive(Debug)]
pub struct DeploymentObject<'a> {
    deployment: &'a Deployment,
    requested: RequestedResources,
    transitions: Transitions,
    exported_labels: &'a ExportedLabels,
}

/// The group of a namespace's deployments with their transitions.
pub fn group<'a, 'd: 'a>(
    workspace: &str,
    namespace: &str,
    deployments: impl IntoIterator<Item = (&'d Deployment, Transitions)>,
    exported_labels: &'a ExportedLabels,
) -> ObjectGroup<'a, Deployments> {
    ObjectGroup::new(&[workspace, namespace], objects(deployments, exported_labels))
}

fn objects<'a, 'd: 'a>(
    deployments: impl IntoIterator<Item = (&'d Deployment, Transitions)>,
    exported_labels: &'a ExportedLabels,
) -> impl Iterator<Item = DeploymentObject<'a>> {
    deployments.into_iter().map(move |(deployment, transitions)| DeploymentObject {
        deployment,
        transitions,
        requested: RequestedResources::of(deployment),
        exported_labels,
    })
}

impl MetricFamilies for Deployments {
    type Object<'a> = DeploymentObject<'a>;

    const TITLE: &'static str = "Deployment metrics";
    const IDENTITY_LABELS: &'static [&'static str] =
        &["workspace", "namespace", "deployment_id", "deployment"];

    fn families() -> &'static [Family<Self>] {
        &FAMILIES
    }

    fn identity(object: &DeploymentObject<'_>, labels: &mut IdentityWriter<'_>) {
        labels.value(&object.deployment.id);
        labels.value(&object.deployment.name);
    }

    fn headers() -> &'static FamilyHeaders {
        static HEADERS: LazyLock<FamilyHeaders> = LazyLock::new(FamilyHeaders::of::<Deployments>);
        &HEADERS
    }
}

/// Both operations return the same objects.
const fn fields(fields: &'static [&'static str]) -> Origin {
    Origin::Api { operations: &["ListDeployments", "GetDeploymentsByLabel"], fields }
}

const PROCESS_SPECS: Origin = fields(&[
    "streamingResourceSetting.basicResourceSetting.{jobmanager,taskmanager}ResourceSettingSpec",
    "streamingResourceSetting.expertResourceSetting.jobmanagerResourceSettingSpec",
    "batchResourceSetting.basicResourceSetting.{jobmanager,taskmanager}ResourceSettingSpec",
]);
const RESOURCE_PLAN: Origin = fields(&["streamingResourceSetting.expertResourceSetting.resourcePlan"]);
const STATUS: Origin =
    Origin::Computed("jobSummary over several polls, and ListDeployments' filter by status");
const REQUESTED: Origin = Origin::Computed("the effective resource setting");

static FAMILIES: [Family<Deployments>; 21] = [
    Family::gauge(
        "aliyun_flink_deployment_info",
        Unit::One,
        "Information about the deployment; always 1. Labels are empty if the API returned no value.",
        &[
            "execution_mode",
            "engine_version",
            "artifact_kind",
            "resource_mode",
            "deployment_mode",
            "queue",
            "session_cluster",
            "creator",
            "modifier",
        ],
        fields(&[
            "executionMode",
            "engineVersion",
            "artifact.kind",
            "streamingResourceSetting.resourceSettingMode",
            "deploymentTarget.mode",
            "deploymentTarget.name",
            "creator",
            "modifier",
        ]),
        |of, samples| info(of, samples),
    ),
    Family::gauge(
        "aliyun_flink_deployment_jobs",
        Unit::Count("jobs"),
        "Number of jobs of the deployment, by state. The states cancelled, finished and failed count all jobs that \
         the service keeps.",
        &["state"],
        fields(&["jobSummary"]),
        |of, samples| jobs(of, samples),
    ),
    Family::gauge(
        "aliyun_flink_deployment_status",
        Unit::One,
        "Status of the deployment; always 1. UNKNOWN if the API does not show how the last job ended.",
        &["status"],
        STATUS,
        |of, samples| {
            if let Some(observed) = of.transitions.status {
                samples.integer(status_label(observed.status), Some(1));
            }
        },
    ),
    Family::gauge(
        "aliyun_flink_deployment_status_since_timestamp_seconds",
        Unit::Timestamp,
        "Time when the current status was first observed, in seconds since the Unix epoch. No series if the status \
         began before the first poll.",
        &["status"],
        STATUS,
        |of, samples| {
            if let Some(observed) = of.transitions.status {
                samples.float(status_label(observed.status), observed.since.map(|since| since.as_secs_f64()));
            }
        },
    ),
    Family {
        descriptor: FamilyDescriptor {
            name: "aliyun_flink_deployment_jobs_ended_total",
            metric_type: MetricType::Counter,
            unit: Unit::Count("jobs"),
            help: "Total number of jobs of the deployment that were observed to end, by final state.",
            labels: &["state"],
            origin: Origin::Computed("increases of the counts in jobSummary between polls"),
        },
        write: jobs_ended,
    },
    Family::gauge(
        "aliyun_flink_deployment_created_timestamp_seconds",
        Unit::Timestamp,
        "Creation time of the deployment, in seconds since the Unix epoch.",
        &[],
        fields(&["createdAt"]),
        |of, samples| samples.float(NO_LABELS, of.deployment.created),
    ),
    Family::gauge(
        "aliyun_flink_deployment_modified_timestamp_seconds",
        Unit::Timestamp,
        "Time of the last modification of the deployment, in seconds since the Unix epoch.",
        &[],
        fields(&["modifiedAt"]),
        |of, samples| samples.float(NO_LABELS, of.deployment.modified),
    ),
    Family::gauge(
        "aliyun_flink_deployment_changes_pending",
        Unit::Boolean,
        "Whether the deployment was modified after its running job started.",
        &[],
        fields(&["deploymentHasChanged"]),
        |of, samples| samples.integer(NO_LABELS, of.deployment.changes_pending.map(u64::from)),
    ),
    Family::gauge(
        "aliyun_flink_deployment_parallelism",
        Unit::Count("parallel instances"),
        "Parallelism, by resource setting, effective or not. For expert, the maximum of all operators in the \
         resource plan.",
        &["setting"],
        fields(&[
            "streamingResourceSetting.basicResourceSetting.parallelism",
            "streamingResourceSetting.expertResourceSetting.resourcePlan",
            "batchResourceSetting.basicResourceSetting.parallelism",
        ]),
        |of, samples| parallelism(of, samples),
    ),
    Family::gauge(
        "aliyun_flink_deployment_cpu_cores",
        Unit::CpuCores,
        "CPU cores of one JobManager or TaskManager, by resource setting, effective or not.",
        &["setting", "component"],
        PROCESS_SPECS,
        |of, samples| {
            processes(of.deployment, |labels, process| samples.float(labels, process.cpu_cores));
        },
    ),
    Family::gauge(
        "aliyun_flink_deployment_memory_bytes",
        Unit::Bytes,
        "Memory of one JobManager or TaskManager in bytes, by resource setting, effective or not.",
        &["setting", "component"],
        PROCESS_SPECS,
        |of, samples| {
            processes(of.deployment, |labels, process| samples.integer(labels, process.memory_bytes));
        },
    ),
    Family::gauge(
        "aliyun_flink_deployment_max_slots",
        Unit::TaskSlots,
        "Maximum number of task slots that a batch job uses at the same time.",
        &["setting"],
        fields(&["batchResourceSetting.maxSlot"]),
        |of, samples| {
            let batch = of.deployment.resources.batch.as_ref();
            samples.integer(static_labels!(setting = "batch"), batch.and_then(|batch| batch.max_slots));
        },
    ),
    Family::gauge(
        "aliyun_flink_deployment_taskmanager_slots",
        Unit::TaskSlots,
        "Number of task slots of one TaskManager. No series if the deployment does not set \
         taskmanager.numberOfTaskSlots.",
        &[],
        fields(&["flinkConf.taskmanager.numberOfTaskSlots"]),
        |of, samples| samples.integer(NO_LABELS, of.deployment.resources.taskmanager_slots.given()),
    ),
    Family::gauge(
        "aliyun_flink_deployment_slot_group_cpu_cores",
        Unit::CpuCores,
        "CPU cores of one slot of a slot sharing group in the resource plan.",
        &["group"],
        RESOURCE_PLAN,
        |of, samples| {
            groups(of.deployment, |name, group| samples.float(&[("group", name)], group.cpu_cores));
        },
    ),
    Family::gauge(
        "aliyun_flink_deployment_slot_group_memory_bytes",
        Unit::Bytes,
        "Memory of one slot of a slot sharing group in the resource plan in bytes, by memory pool.",
        &["group", "pool"],
        RESOURCE_PLAN,
        |of, samples| {
            groups(of.deployment, |name, group| {
                samples.integer(&[("group", name), ("pool", "heap")], group.heap_bytes);
                samples.integer(&[("group", name), ("pool", "off_heap")], group.off_heap_bytes);
                samples.integer(&[("group", name), ("pool", "managed")], group.managed_bytes);
            });
        },
    ),
    Family::gauge(
        "aliyun_flink_deployment_slot_group_slots",
        Unit::TaskSlots,
        "Number of slots of a slot sharing group in the resource plan, which is the maximum parallelism of its \
         operators.",
        &["group"],
        RESOURCE_PLAN,
        |of, samples| {
            groups(of.deployment, |name, group| samples.integer(&[("group", name)], group.slots));
        },
    ),
    Family::gauge(
        "aliyun_flink_deployment_requested_slots",
        Unit::TaskSlots,
        "Number of task slots that one running job requests with the effective resource setting. An upper bound \
         for batch jobs.",
        &[],
        REQUESTED,
        |of, samples| samples.integer(NO_LABELS, of.requested.slots),
    ),
    Family::gauge(
        "aliyun_flink_deployment_requested_cpu_cores",
        Unit::CpuCores,
        "CPU cores that one running job requests with the effective resource setting, JobManager and TaskManagers \
         together.",
        &[],
        REQUESTED,
        |of, samples| samples.float(NO_LABELS, of.requested.cpu_cores),
    ),
    Family::gauge(
        "aliyun_flink_deployment_requested_memory_bytes",
        Unit::Bytes,
        "Memory that one running job requests with the effective resource setting in bytes, JobManager and \
         TaskManagers together. No series in expert mode.",
        &[],
        REQUESTED,
        |of, samples| samples.float(NO_LABELS, of.requested.memory_bytes),
    ),
    Family::gauge(
        "aliyun_flink_deployment_requested_compute_units",
        Unit::ComputeUnits,
        "Compute units (1 core and 4 GiB) that one running job requests with the effective resource setting. No \
         series in expert mode.",
        &[],
        REQUESTED,
        |of, samples| samples.float(NO_LABELS, of.requested.compute_units),
    ),
    Family::gauge(
        "aliyun_flink_deployment_labels",
        Unit::One,
        "Deployment labels selected by metrics.deployment_labels; always 1.",
        &["label_KEY"],
        fields(&["labels"]),
        |of, samples| of.exported_labels.write(&of.deployment.labels, samples),
    ),
];

fn info(of: &DeploymentObject<'_>, samples: &mut SampleWriter<'_>) {
    let info = &of.deployment.info;
    let labels = [
        ("execution_mode", &*info.execution_mode),
        ("engine_version", &info.engine_version),
        ("artifact_kind", &info.artifact_kind),
        ("resource_mode", &info.resource_mode),
        ("deployment_mode", &info.deployment_mode),
        ("queue", &info.queue),
        ("session_cluster", &info.session_cluster),
        ("creator", &info.creator),
        ("modifier", &info.modifier),
    ];
    samples.integer(&labels, Some(1));
}

fn jobs(of: &DeploymentObject<'_>, samples: &mut SampleWriter<'_>) {
    for state in JobState::ALL {
        samples.integer(state_label(state), of.deployment.jobs.get(state));
    }
}

fn jobs_ended(of: &DeploymentObject<'_>, samples: &mut SampleWriter<'_>) {
    for (state, jobs) in JobState::ENDED.into_iter().zip(of.transitions.jobs_ended) {
        samples.integer(state_label(state), jobs);
    }
}

fn state_label(state: JobState) -> &'static StaticLabels {
    match state {
        JobState::Starting => static_labels!(state = "starting"),
        JobState::Running => static_labels!(state = "running"),
        JobState::Cancelling => static_labels!(state = "cancelling"),
        JobState::Cancelled => static_labels!(state = "cancelled"),
        JobState::Finished => static_labels!(state = "finished"),
        JobState::Failed => static_labels!(state = "failed"),
    }
}

fn status_label(status: DeploymentStatus) -> &'static StaticLabels {
    match status {
        DeploymentStatus::Running => static_labels!(status = "RUNNING"),
        DeploymentStatus::Transitioning => static_labels!(status = "TRANSITIONING"),
        DeploymentStatus::Failed => static_labels!(status = "FAILED"),
        DeploymentStatus::Cancelled => static_labels!(status = "CANCELLED"),
        DeploymentStatus::Finished => static_labels!(status = "FINISHED"),
        DeploymentStatus::None => static_labels!(status = "NONE"),
        DeploymentStatus::Unknown => static_labels!(status = "UNKNOWN"),
    }
}

fn parallelism(of: &DeploymentObject<'_>, samples: &mut SampleWriter<'_>) {
    let resources = &of.deployment.resources;
    let basic = resources.basic.as_ref().and_then(|basic| basic.parallelism);
    let plan = resources.expert.as_ref().and_then(|expert| expert.plan.as_ref());
    let batch = resources.batch.as_ref().and_then(|batch| batch.basic.as_ref());
    samples.integer(static_labels!(setting = "basic"), basic);
    samples.integer(static_labels!(setting = "expert"), plan.and_then(ResourcePlan::parallelism));
    samples.integer(static_labels!(setting = "batch"), batch.and_then(|basic| basic.parallelism));
}

/// The processes that the resource settings describe.
fn processes(deployment: &Deployment, mut each: impl FnMut(&'static StaticLabels, ProcessSpec)) {
    let resources = &deployment.resources;
    if let Some(basic) = &resources.basic {
        each(static_labels!(setting = "basic", component = "jobmanager"), basic.jobmanager);
        each(static_labels!(setting = "basic", component = "taskmanager"), basic.taskmanager);
    }
    if let Some(expert) = &resources.expert {
        each(static_labels!(setting = "expert", component = "jobmanager"), expert.jobmanager);
    }
    if let Some(basic) = resources.batch.as_ref().and_then(|batch| batch.basic.as_ref()) {
        each(static_labels!(setting = "batch", component = "jobmanager"), basic.jobmanager);
        each(static_labels!(setting = "batch", component = "taskmanager"), basic.taskmanager);
    }
}

fn groups(deployment: &Deployment, mut each: impl FnMut(&str, &SlotGroup)) {
    let expert = deployment.resources.expert.as_ref();
    let plan = expert.and_then(|expert| expert.plan.as_ref());
    for group in plan.map(ResourcePlan::groups).unwrap_or_default() {
        each(&group.name, group);
    }
}

#[cfg(test)]
mod tests;
