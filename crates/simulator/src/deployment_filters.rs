//! The filters of the queries for deployments.

use strum::{EnumString, IntoStaticStr, VariantArray};

/// `executionMode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, EnumString)]
#[strum(serialize_all = "UPPERCASE")]
pub(crate) enum ExecutionMode {
    Streaming,
    Batch,
}

impl ExecutionMode {
    /// The name in the API.
    pub(crate) fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The filter `status`: the state of a deployment's latest job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, VariantArray)]
#[strum(serialize_all = "UPPERCASE")]
pub(crate) enum JobStatus {
    Cancelled,
    Failed,
    Running,
    /// The job is starting or being cancelled.
    Transitioning,
    Finished,
}

/// Deployments that have the label `key` with any of `values`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LabelSelector {
    pub(crate) key: String,
    pub(crate) values: Vec<String>,
}

/// The filters of a query. The default selects the whole namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DeploymentFilters {
    pub(crate) name: Option<String>,
    pub(crate) execution_mode: Option<ExecutionMode>,
    pub(crate) status: Option<JobStatus>,
    pub(crate) creator: Option<String>,
    pub(crate) modifier: Option<String>,
    pub(crate) label: Option<LabelSelector>,
}
