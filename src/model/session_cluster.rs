//! A session cluster of a namespace.

use super::{BasicSetting, Object, TaskSlots, Text};

/// A session cluster: processes that run whether or not a deployment uses them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SessionCluster {
    /// `name`, unique in its namespace; never empty.
    pub name: Box<str>,
    /// `engineVersion`.
    pub engine_version: Text,
    /// `deploymentTargetName`.
    pub queue: Text,
    /// `creator`.
    pub creator: Text,
    /// `status.currentSessionClusterStatus`; empty if it was not returned.
    pub status: Text,
    /// The length of `status.running.referenceDeploymentIds`.
    pub deployments: Option<u64>,
    /// `basicResourceSetting`.
    pub resources: Option<BasicSetting>,
    /// `flinkConf["taskmanager.numberOfTaskSlots"]`.
    pub taskmanager_slots: TaskSlots,
    /// `createdAt`, seconds since the Unix epoch.
    pub created: Option<f64>,
    /// `status.running.startedAt`, seconds since the Unix epoch.
    pub started: Option<f64>,
}

impl Object for SessionCluster {
    fn key(&self) -> &str {
        &self.name
    }
}
