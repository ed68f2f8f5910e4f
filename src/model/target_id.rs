//! What identifies a target, and the group of targets whose objects are rendered together.

use std::fmt;

/// The name of a collector, as the label `collector` shows it.
pub type CollectorName = &'static str;

/// The name of the collector of deployments.
pub const DEPLOYMENTS: CollectorName = "deployments";

/// The name of the collector of jobs.
pub const JOBS: CollectorName = "jobs";

/// The identity of a target: a collector applied to one scope. Parts that do not apply to the scope are empty.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetId {
    /// The workspace's id.
    pub workspace: String,
    /// The namespace; empty if the scope is a workspace.
    pub namespace: String,
    /// The collector.
    pub collector: CollectorName,
    /// The selection as a label value; empty for everything in the scope.
    pub selection: String,
}

impl TargetId {
    /// The group that the target belongs to.
    pub fn group(&self) -> GroupId {
        GroupId {
            workspace: self.workspace.clone(),
            namespace: self.namespace.clone(),
            collector: self.collector,
        }
    }
}

impl GroupId {
    /// The group of another collector in the same scope.
    #[must_use]
    pub fn of_collector(&self, collector: CollectorName) -> Self {
        Self { collector, ..self.clone() }
    }
}

impl fmt::Display for TargetId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.workspace)?;
        if !self.namespace.is_empty() {
            write!(formatter, "/{}", self.namespace)?;
        }
        if !self.selection.is_empty() {
            write!(formatter, "[{}]", self.selection)?;
        }
        Ok(())
    }
}

/// Targets of one collector and one scope. Their selections may return the same object, whose series must be served
/// once, so a group is rendered as a whole.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId {
    /// The workspace's id.
    pub workspace: String,
    /// The namespace; empty if the scope is a workspace.
    pub namespace: String,
    /// The collector.
    pub collector: CollectorName,
}
