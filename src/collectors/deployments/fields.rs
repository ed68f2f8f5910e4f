//! The names that invalid values are counted under: the keys of the API, joined by dots.

/// The names that invalid values of a process' resources are counted under.
pub(super) struct SpecFields {
    pub(super) part: &'static str,
    pub(super) cpu: &'static str,
    pub(super) memory: &'static str,
}

/// The names that invalid values of a basic resource setting are counted under.
pub(super) struct BasicFields {
    pub(super) part: &'static str,
    pub(super) parallelism: &'static str,
    pub(super) jobmanager: SpecFields,
    pub(super) taskmanager: SpecFields,
}

macro_rules! spec_fields {
    ($path:expr) => {
        SpecFields { part: $path, cpu: concat!($path, ".cpu"), memory: concat!($path, ".memory") }
    };
}

macro_rules! basic_fields {
    ($path:expr) => {
        BasicFields {
            part: $path,
            parallelism: concat!($path, ".parallelism"),
            jobmanager: spec_fields!(concat!($path, ".jobmanagerResourceSettingSpec")),
            taskmanager: spec_fields!(concat!($path, ".taskmanagerResourceSettingSpec")),
        }
    };
}

pub(super) const BASIC: BasicFields = basic_fields!("streamingResourceSetting.basicResourceSetting");
pub(super) const EXPERT_JOBMANAGER: SpecFields =
    spec_fields!("streamingResourceSetting.expertResourceSetting.jobmanagerResourceSettingSpec");
pub(super) const BATCH: BasicFields = basic_fields!("batchResourceSetting.basicResourceSetting");
