//! Decoding of the basic resource setting and of `flinkConf`, which deployments and session clusters have in common.

use lenient_json::{InvalidValue, Lenient, Scalar, lenient_object};

use crate::{
    api::Decoder,
    model::{BasicSetting, ProcessSpec, TaskSlots},
};

lenient_object! {
    pub(super) struct WireBasic<'a> {
        parallelism: Scalar<'a> = "parallelism",
        jobmanager: Lenient<WireSpec<'a>> = "jobmanagerResourceSettingSpec",
        taskmanager: Lenient<WireSpec<'a>> = "taskmanagerResourceSettingSpec",
    }
}

lenient_object! {
    pub(super) struct WireSpec<'a> { cpu: Scalar<'a> = "cpu", memory: Scalar<'a> = "memory" }
}

lenient_object! {
    pub(super) struct WireFlinkConf<'a> { taskmanager_slots: Scalar<'a> = "taskmanager.numberOfTaskSlots" }
}

/// The paths under which invalid values of a process's resources are counted.
pub(super) struct SpecPaths {
    spec: &'static str,
    cpu: &'static str,
    memory: &'static str,
}

/// The paths under which invalid values of a basic resource setting are counted.
pub(super) struct BasicPaths {
    setting: &'static str,
    parallelism: &'static str,
    jobmanager: SpecPaths,
    taskmanager: SpecPaths,
}

macro_rules! spec_paths {
    ($path:expr) => {
        SpecPaths { spec: $path, cpu: concat!($path, ".cpu"), memory: concat!($path, ".memory") }
    };
}

macro_rules! basic_paths {
    ($path:expr) => {
        BasicPaths {
            setting: $path,
            parallelism: concat!($path, ".parallelism"),
            jobmanager: spec_paths!(concat!($path, ".jobmanagerResourceSettingSpec")),
            taskmanager: spec_paths!(concat!($path, ".taskmanagerResourceSettingSpec")),
        }
    };
}

/// The basic setting of a streaming deployment.
pub(super) const STREAMING_BASIC: BasicPaths = basic_paths!("streamingResourceSetting.basicResourceSetting");
/// The JobManager in the expert setting of a streaming deployment.
pub(super) const EXPERT_JOBMANAGER: SpecPaths =
    spec_paths!("streamingResourceSetting.expertResourceSetting.jobmanagerResourceSettingSpec");
/// The basic setting of a batch deployment.
pub(super) const BATCH_BASIC: BasicPaths = basic_paths!("batchResourceSetting.basicResourceSetting");
/// The basic setting of a session cluster.
pub(super) const SESSION_CLUSTER_BASIC: BasicPaths = basic_paths!("basicResourceSetting");

/// Decodes a basic resource setting; none if it is missing or invalid.
pub(super) fn basic(
    values: &mut Decoder,
    paths: &BasicPaths,
    wire: Lenient<WireBasic<'_>>,
) -> Option<BasicSetting> {
    let wire = values.valid(paths.setting, wire.value())?;
    Some(BasicSetting {
        parallelism: values.valid(paths.parallelism, wire.parallelism.count()),
        jobmanager: spec(values, &paths.jobmanager, wire.jobmanager),
        taskmanager: spec(values, &paths.taskmanager, wire.taskmanager),
    })
}

/// Decodes the resources of one process.
pub(super) fn spec(values: &mut Decoder, paths: &SpecPaths, wire: Lenient<WireSpec<'_>>) -> ProcessSpec {
    let Some(wire) = values.valid(paths.spec, wire.value()) else { return ProcessSpec::default() };
    ProcessSpec {
        cpu_cores: values.cores(paths.cpu, wire.cpu),
        memory_bytes: values.memory(paths.memory, wire.memory),
    }
}

/// Decodes the number of task slots of one TaskManager.
pub(super) fn taskmanager_slots(values: &mut Decoder, flink_conf: Lenient<WireFlinkConf<'_>>) -> TaskSlots {
    const SLOTS_PATH: &str = "flinkConf.taskmanager.numberOfTaskSlots";
    let slots = flink_conf.value().and_then(|conf| conf.unwrap_or_default().taskmanager_slots.integer());
    match slots.map(|slots| slots.map(u64::try_from)) {
        Ok(None) => TaskSlots::Absent,
        Ok(Some(Ok(slots))) => TaskSlots::Given(slots),
        Ok(Some(Err(_))) => {
            values.invalid(SLOTS_PATH);
            TaskSlots::Negative
        }
        Err(InvalidValue) => {
            values.invalid(SLOTS_PATH);
            TaskSlots::Unreadable
        }
    }
}
