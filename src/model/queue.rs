//! A queue of a namespace.

use super::{Object, ProcessSpec};

/// A queue, which `ListDeploymentTargets` calls a deployment target.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Queue {
    /// `name`, unique in its namespace; never empty.
    pub name: Box<str>,
    /// `quota.limit`: what its jobs may use at most.
    pub limit: ProcessSpec,
    /// `quota.request`: what is reserved for it.
    pub request: ProcessSpec,
    /// `quota.used`: what its jobs use.
    pub used: ProcessSpec,
}

impl Object for Queue {
    fn key(&self) -> &str {
        &self.name
    }
}
