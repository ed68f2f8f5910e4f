//! A workspace in the console API.

use super::{Object, SharedStr};

/// A workspace of a region. The API calls it an instance.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WorkspaceInstance {
    /// `ResourceId`, or `AskClusterId` if that is empty: the value of the header `workspace`. Never empty.
    pub workspace: Box<str>,
    /// `InstanceId`, the id of the order.
    pub instance_id: SharedStr,
    /// `InstanceName`.
    pub name: SharedStr,
    /// `Region`.
    pub region: SharedStr,
    /// `Uid`, the id of the account.
    pub account_id: SharedStr,
    /// `ChargeType`: `PRE` for a subscription, `POST` for pay-as-you-go.
    pub charge_type: SharedStr,
    /// `ArchitectureType`.
    pub architecture: SharedStr,
    /// `ResourceGroupId`.
    pub resource_group_id: SharedStr,
    /// `MonitorType`.
    pub monitor_type: SharedStr,
    /// `ClusterStatus` as returned by the API.
    pub status: SharedStr,
    /// `OrderState` as returned by the API.
    pub order_status: SharedStr,
    /// `Tags`, sorted by key.
    pub tags: Vec<(SharedStr, SharedStr)>,
    /// `ResourceCreateTime`, seconds since the Unix epoch.
    pub created: Option<f64>,
    /// `ResourceExpiredTime`, seconds since the Unix epoch.
    pub expires: Option<f64>,
    /// The purchased compute units of each pool.
    pub quota: PoolComputeUnits,
    /// The used resources of all pools.
    pub used: UsedResources,
    /// The used compute units of each pool.
    pub pool_used: PoolComputeUnits,
}

/// Compute units by pool.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct PoolComputeUnits {
    /// Guaranteed: part of the subscription.
    pub guaranteed: Option<f64>,
    /// Elastic: billed by usage.
    pub elastic: Option<f64>,
    /// In the second zone, for high availability.
    pub ha: Option<f64>,
}

impl PoolComputeUnits {
    /// The sum of the guaranteed and the elastic pool; none without the guaranteed one.
    pub fn total(&self) -> Option<f64> {
        Some(self.guaranteed? + self.elastic.unwrap_or_default())
    }
}

/// Used resources.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct UsedResources {
    /// Compute units.
    pub compute_units: Option<f64>,
    /// CPU cores.
    pub cpu_cores: Option<f64>,
    /// Memory in bytes.
    pub memory_bytes: Option<f64>,
}

impl Object for WorkspaceInstance {
    fn key(&self) -> &str {
        &self.workspace
    }
}
