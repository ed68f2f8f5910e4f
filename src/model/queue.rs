//! A queue of a namespace.

use super::{Object, ProcessSpec};

/// A queue, which `ListDeploymentTargets` calls a deployment target.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Queue {
    /// `name`, unique in its namespace; never empty.
    pub name: Box<str>,
    /// `quota.limit`: the maximum for its jobs.
    pub limit: ProcessSpec,
    /// `quota.request`: the guaranteed resources.
    pub request: ProcessSpec,
    /// `quota.used`: the resources used by its jobs.
    pub used: ProcessSpec,
}

impl Object for Queue {
    fn key(&self) -> &str {
        &self.name
    }
}
