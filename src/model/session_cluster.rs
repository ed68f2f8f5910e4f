//! A session cluster of a namespace.

use super::{BasicSetting, Object, SharedStr, TaskSlots};

/// A session cluster: processes that run whether or not a deployment uses them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SessionCluster {
    /// `name`, unique in its namespace; never empty.
    pub name: Box<str>,
    /// `engineVersion`.
    pub engine_version: SharedStr,
    /// `deploymentTargetName`.
    pub queue: SharedStr,
    /// `creator`.
    pub creator: SharedStr,
    /// `status.currentSessionClusterStatus`; empty if it was not returned.
    pub status: SharedStr,
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
