//! A deployment, with the fields that metrics need.

use std::sync::Arc;

use strum::IntoStaticStr;

use super::{ResourcePlan, SharedStr};

/// One deployment of a namespace.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Deployment {
    /// `deploymentId`, unique in its namespace; never empty.
    pub id: Box<str>,
    /// `name`.
    pub name: Box<str>,
    /// Descriptive fields, shared by deployments for which they are the same.
    pub info: Arc<DeploymentInfo>,
    /// The selected labels, sorted by key.
    pub labels: Vec<(SharedStr, SharedStr)>,
    /// `jobSummary`.
    pub jobs: JobCounts,
    /// `createdAt`, seconds since the Unix epoch.
    pub created: Option<f64>,
    /// `modifiedAt`, seconds since the Unix epoch.
    pub modified: Option<f64>,
    /// `deploymentHasChanged`: whether it was changed after its running job started.
    pub changes_pending: Option<bool>,
    /// The resource settings, shared by deployments for which they are the same.
    pub resources: Arc<ResourceSettings>,
}

/// Descriptive fields of a deployment. A field is empty if the API returned no value.
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

/// A job state, as the counts in `jobSummary`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum JobState {
    /// Starting.
    Starting,
    /// Running.
    Running,
    /// Being cancelled.
    Cancelling,
    /// Cancelled: the total of all jobs that the service keeps.
    Cancelled,
    /// Finished: the total of all jobs that the service keeps.
    Finished,
    /// Failed: the total of all jobs that the service keeps.
    Failed,
}

impl JobState {
    /// All states, in the order of the API.
    pub const ALL: [Self; 6] =
        [Self::Starting, Self::Running, Self::Cancelling, Self::Cancelled, Self::Finished, Self::Failed];

    /// The states of jobs that have not ended.
    pub const LIVE: [Self; 3] = [Self::Starting, Self::Running, Self::Cancelling];

    /// The states in which jobs end.
    pub const ENDED: [Self; 3] = [Self::Cancelled, Self::Finished, Self::Failed];

    /// The value of the label `state`.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The number of jobs in each state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JobCounts {
    /// Zero where there is none.
    counts: [u64; 6],
    /// The states that have a count, as bits.
    present: u8,
    /// The states whose count was returned but could not be decoded, as bits.
    invalid: u8,
}

impl JobCounts {
    /// Counts as the API returned them, in the order of [`JobState::ALL`].
    pub fn new(counts: [Option<u64>; 6]) -> Self {
        let present = (0..).zip(counts).map(|(bit, count)| u8::from(count.is_some()) << bit).sum();
        Self { counts: counts.map(Option::unwrap_or_default), present, invalid: 0 }
    }

    /// Marks the count of `state` as returned but invalid.
    #[must_use]
    pub fn with_invalid(mut self, state: JobState) -> Self {
        self.counts[state as usize] = 0;
        self.present &= !(1 << state as u8);
        self.invalid |= 1 << state as u8;
        self
    }

    /// The count of a state; none if not returned or invalid.
    pub fn get(&self, state: JobState) -> Option<u64> {
        (self.present & (1 << state as u8) != 0).then_some(self.counts[state as usize])
    }

    /// Whether the count of a state was returned but invalid.
    pub fn is_invalid(&self, state: JobState) -> bool {
        self.invalid & (1 << state as u8) != 0
    }

    /// Whether any count is above 0.
    pub fn has_any(&self) -> bool {
        JobState::ALL.into_iter().any(|state| self.get(state).unwrap_or(0) > 0)
    }

    /// Whether there is no usable count. An invalid count of an ended state is not usable.
    pub fn is_empty(&self) -> bool {
        self.present == 0 && !JobState::LIVE.iter().any(|&state| self.is_invalid(state))
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
    /// The JobManager.
    pub jobmanager: ProcessSpec,
    /// One TaskManager.
    pub taskmanager: ProcessSpec,
}

/// `expertResourceSetting`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ExpertSetting {
    /// The JobManager.
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

/// All resource settings of a deployment, effective or not.
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

/// The number of task slots of one TaskManager.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TaskSlots {
    /// Not set. Flink's default is one slot.
    #[default]
    Absent,
    /// Set to this number. 0 counts as not set.
    Given(u64),
    /// Set to a negative number, which counts as not set.
    Negative,
    /// Set, but not a number.
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

    /// The effective number: one if not set or not positive, none if it is not a number.
    pub fn effective(self) -> Option<u64> {
        match self {
            Self::Given(slots) => Some(slots.max(1)),
            Self::Absent | Self::Negative => Some(1),
            Self::Unreadable => None,
        }
    }
}
