//! API objects in normalized units, and the identities of targets. No I/O, no wire format.
//!
//! Units are bytes, cores and seconds. A value that is missing or invalid in the API's response is `None`.

mod compute_units;
mod deployment;
mod deployment_jobs;
mod engine_version;
mod failure_message;
mod failure_reason;
mod job;
mod job_failure;
mod last_failure;
mod memory_size;
mod namespace;
mod object_set;
mod observed_status;
mod poll_outcome;
mod queue;
mod requested_resources;
mod resource_plan;
mod selection;
mod session_cluster;
mod shard;
mod shared_str;
mod target_id;
mod workspace;

pub use compute_units::compute_units;
pub use deployment::{
    BasicSetting, BatchSetting, Deployment, DeploymentInfo, ExpertSetting, JobCounts, JobState, ProcessSpec,
    ResourceSettings, TaskSlots,
};
pub use deployment_jobs::{DeploymentJobs, LiveJobTotals};
pub use engine_version::EngineVersion;
pub use failure_message::{FailureMessage, MAX_MESSAGE};
pub use job::{Job, JobsMode};
pub use job_failure::JobFailure;
pub use last_failure::LastFailure;
pub use memory_size::{MemoryError, parse_memory};
pub use namespace::{EditableNamespace, NamespaceInstance, is_namespace_name};
pub use object_set::{Misses, Object, ObjectSet, Objects, merge};
pub use observed_status::{DeploymentStatus, LastJobStatuses, ObservedStatus, Transitions};
pub use poll_outcome::{ErrorClass, PollOutcome};
pub use queue::Queue;
pub use requested_resources::RequestedResources;
pub use resource_plan::{PlanNode, ResourcePlan, SlotGroup};
pub use selection::{DeploymentsOperation, ExecutionMode, JobStatus, LabelSelector, Selection};
pub use session_cluster::SessionCluster;
pub use shard::Shard;
pub use shared_str::{SharedStr, prefix};
pub use target_id::{CollectorName, DEPLOYMENTS, GroupId, JOBS, TargetId};
pub use workspace::{PoolComputeUnits, UsedResources, WorkspaceInstance};

/// Which deployment labels are exported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LabelKeys {
    /// Labels with these keys.
    Listed(Vec<String>),
    /// All labels.
    All,
}

impl LabelKeys {
    /// Whether a label with this key is exported.
    pub fn selects(&self, key: &str) -> bool {
        match self {
            Self::Listed(keys) => keys.iter().any(|listed| listed == key),
            Self::All => true,
        }
    }

    /// Whether no label is exported.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Listed(keys) if keys.is_empty())
    }
}

impl Default for LabelKeys {
    fn default() -> Self {
        Self::Listed(Vec::new())
    }
}

/// Which fields of a deployment are decoded in addition to its identity. Fields that no metric needs are skipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldSelection {
    /// The counts of jobs by state.
    pub jobs: bool,
    /// The resource settings.
    pub resources: bool,
    /// The deployment labels.
    pub labels: LabelKeys,
}

impl Default for FieldSelection {
    fn default() -> Self {
        Self { jobs: true, resources: true, labels: LabelKeys::default() }
    }
}
