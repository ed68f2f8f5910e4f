//! Deployments and targets as the text that Prometheus reads.

/// What is exported of a deployment beside its identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The counts of jobs by state.
    pub jobs: bool,
    /// The resource settings and what is computed from them.
    pub resources: bool,
    /// The deployment labels on `aliyun_flink_deployment_labels`.
    pub deployment_labels: LabelKeys,
}

impl Default for Settings {
    fn default() -> Self {
        Self { jobs: true, resources: true, deployment_labels: LabelKeys::default() }
    }
}

/// Which deployment labels are exported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LabelKeys {
    /// Those with the listed keys; none if the list is empty.
    Listed(Vec<String>),
    /// All that a deployment has.
    All,
}

impl Default for LabelKeys {
    fn default() -> Self {
        Self::Listed(Vec::new())
    }
}
