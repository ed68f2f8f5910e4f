//! A deployment, as far as metrics need it.

use strum::IntoStaticStr;

use super::{ResourcePlan, SharedStr};

/// One deployment of a namespace.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Deployment {
    /// `deploymentId`, unique in its namespace; never empty.
    pub id: Box<str>,
    /// `name`.
    pub name: Box<str>,
    /// What describes it.
    pub info: DeploymentInfo,
    /// The wanted labels, sorted by key.
    pub labels: Vec<(SharedStr, SharedStr)>,
    /// `jobSummary`.
    pub jobs: JobCounts,
    /// `createdAt`, seconds since the Unix epoch.
    pub created: Option<f64>,
    /// `modifiedAt`, seconds since the Unix epoch.
    pub modified: Option<f64>,
    /// `deploymentHasChanged`: changed since its last start.
    pub changes_pending: Option<bool>,
    /// The resource settings.
    pub resources: ResourceSettings,
}

/// What describes a deployment; empty where the API gave nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeploymentInfo {
    /// `executionMode`.
    pub execution_mode: SharedStr,
    /// `engineVersion`.
    pub engine_version: SharedStr,
    /// `artifact.kind`.
    pub artifact_kind: SharedStr,
    /// `streamingResourceSetting.resourceSettingMode`.
    pub resource_mode: SharedStr,
    /// `deploymentTarget.mode`.
    pub deployment_mode: SharedStr,
    /// `deploymentTarget.name`, unless the mode is `SESSION`.
    pub queue: SharedStr,
    /// `deploymentTarget.name`, if the mode is `SESSION`.
    pub session_cluster: SharedStr,
    /// `creator`.
    pub creator: SharedStr,
    /// `modifier`.
    pub modifier: SharedStr,
}

/// A state of the counts in `jobSummary`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum JobState {
    /// Being started.
    Starting,
    /// Running.
    Running,
    /// Being cancelled.
    Cancelling,
    /// Cancelled, over the deployment's history.
    Cancelled,
    /// Finished, over the deployment's history.
    Finished,
    /// Failed, over the deployment's history.
    Failed,
}

impl JobState {
    /// Every state, in the API's order.
    pub const ALL: [Self; 6] =
        [Self::Starting, Self::Running, Self::Cancelling, Self::Cancelled, Self::Finished, Self::Failed];

    /// The states of jobs that have not ended.
    pub const LIVE: [Self; 3] = [Self::Starting, Self::Running, Self::Cancelling];

    /// The states in which jobs end.
    pub const ENDED: [Self; 3] = [Self::Cancelled, Self::Finished, Self::Failed];

    /// The state as the label `state` spells it.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The number of jobs in each state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JobCounts {
    counts: [Option<u64>; 6],
    /// The states whose count was returned but could not be decoded, as bits.
    invalid: u8,
}

impl JobCounts {
    /// Counts as the API returned them, in the order of [`JobState::ALL`].
    pub fn new(counts: [Option<u64>; 6]) -> Self {
        Self { counts, invalid: 0 }
    }

    /// The same counts, where that of `state` was returned but could not be decoded.
    #[must_use]
    pub fn with_invalid(mut self, state: JobState) -> Self {
        self.counts[state as usize] = None;
        self.invalid |= 1 << state as u8;
        self
    }

    /// The count of one state; none if it was not returned or could not be decoded.
    pub fn get(&self, state: JobState) -> Option<u64> {
        self.counts[state as usize]
    }

    /// Whether the count of one state was returned but could not be decoded.
    pub fn is_invalid(&self, state: JobState) -> bool {
        self.invalid & (1 << state as u8) != 0
    }

    /// Whether no count was returned that says anything about jobs. An ended count that could not be decoded does not.
    pub fn is_empty(&self) -> bool {
        self.counts.iter().all(Option::is_none) && !JobState::LIVE.iter().any(|&state| self.is_invalid(state))
    }
}

/// CPU and memory of one process.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ProcessSpec {
    /// CPU cores.
    pub cpu_cores: Option<f64>,
    /// Memory in bytes.
    pub memory_bytes: Option<u64>,
}

/// `basicResourceSetting`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct BasicSetting {
    /// `parallelism`.
    pub parallelism: Option<u64>,
    /// The job manager.
    pub jobmanager: ProcessSpec,
    /// One task manager.
    pub taskmanager: ProcessSpec,
}

/// `expertResourceSetting`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ExpertSetting {
    /// The job manager.
    pub jobmanager: ProcessSpec,
    /// `resourcePlan`.
    pub plan: Option<ResourcePlan>,
}

/// `batchResourceSetting`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct BatchSetting {
    /// `maxSlot`.
    pub max_slots: Option<u64>,
    /// `basicResourceSetting`.
    pub basic: Option<BasicSetting>,
}

/// Every resource setting that a deployment carries, in force or not.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ResourceSettings {
    /// `streamingResourceSetting.basicResourceSetting`.
    pub basic: Option<BasicSetting>,
    /// `streamingResourceSetting.expertResourceSetting`.
    pub expert: Option<ExpertSetting>,
    /// `batchResourceSetting`.
    pub batch: Option<BatchSetting>,
    /// `flinkConf["taskmanager.numberOfTaskSlots"]`.
    pub taskmanager_slots: TaskSlots,
}

/// The slots of one task manager.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TaskSlots {
    /// Not given: Flink's default of one holds.
    #[default]
    Absent,
    /// Given as this number; 0 counts as not given.
    Given(u64),
    /// Given as a number below zero, which counts as not given.
    Negative,
    /// Given, but not as a number: nothing can be computed from it.
    Unreadable,
}

impl TaskSlots {
    /// The number to export.
    pub fn given(self) -> Option<u64> {
        match self {
            Self::Given(slots) => Some(slots),
            Self::Absent | Self::Negative | Self::Unreadable => None,
        }
    }

    /// The number in force: one if absent or not positive, none if it can't be known.
    pub fn effective(self) -> Option<u64> {
        match self {
            Self::Given(slots) => Some(slots.max(1)),
            Self::Absent | Self::Negative => Some(1),
            Self::Unreadable => None,
        }
    }
}
