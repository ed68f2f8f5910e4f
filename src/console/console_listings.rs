//! The listings of one region by one client.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use super::{DescribeInstances, DescribeNamespaces, SharedListing, SharedResult};
use crate::{
    api::{Client, Listing},
    model::{NamespaceInstance, WorkspaceInstance},
    telemetry::Telemetry,
};
use parking_lot::Mutex;

/// The workspaces of a region and their namespaces, shared by all consumers with the same region, endpoint and
/// credentials.
#[derive(Debug)]
pub struct ConsoleListings {
    region: String,
    client: Arc<Client>,
    telemetry: Telemetry,
    workspaces: SharedListing<DescribeInstances>,
    /// By the workspace's `InstanceId`. Contains the workspaces of the last successful listing only.
    namespaces: Mutex<HashMap<String, Arc<SharedListing<DescribeNamespaces>>>>,
    /// The `InstanceId` of each workspace in the last successful listing.
    instance_ids: Mutex<HashMap<String, String>>,
}

impl ConsoleListings {
    /// Creates the listings of `region`. `client` must be a client for the region's `foasconsole`.
    pub fn new(region: &str, client: Arc<Client>, telemetry: Telemetry) -> Self {
        let operation = DescribeInstances { region: region.to_owned() };
        Self {
            region: region.to_owned(),
            workspaces: SharedListing::new(client.clone(), operation, telemetry.clone()),
            client,
            telemetry,
            namespaces: Mutex::default(),
            instance_ids: Mutex::default(),
        }
    }

    /// The workspaces of the region. See [`SharedListing::get`].
    pub async fn workspaces(&self, max_age: Duration, timeout: Duration) -> SharedResult<WorkspaceInstance> {
        let shared = self.workspaces.get(max_age, timeout).await;
        if let Ok(listing) = &shared.result {
            self.update(listing);
        }
        shared
    }

    /// The namespaces of the workspace with this `InstanceId`. See [`SharedListing::get`].
    pub async fn namespaces(
        &self,
        instance_id: &str,
        max_age: Duration,
        timeout: Duration,
    ) -> SharedResult<NamespaceInstance> {
        let listing = self.namespaces_of(instance_id);
        listing.get(max_age, timeout).await
    }

    /// The `InstanceId` of a workspace, if the last successful listing contains it.
    pub fn instance_id(&self, workspace: &str) -> Option<String> {
        self.instance_ids.lock().get(workspace).cloned()
    }

    fn namespaces_of(&self, instance_id: &str) -> Arc<SharedListing<DescribeNamespaces>> {
        let made = || {
            let operation =
                DescribeNamespaces { region: self.region.clone(), instance_id: instance_id.to_owned() };
            Arc::new(SharedListing::new(self.client.clone(), operation, self.telemetry.clone()))
        };
        self.namespaces.lock().entry(instance_id.to_owned()).or_insert_with(made).clone()
    }

    fn update(&self, workspaces: &Listing<WorkspaceInstance>) {
        let ids = workspaces.items.iter().filter(|instance| !instance.instance_id.is_empty());
        let ids: HashMap<String, String> =
            ids.map(|instance| (instance.workspace.to_string(), instance.instance_id.to_string())).collect();
        let known: HashSet<&str> = ids.values().map(String::as_str).collect();
        self.namespaces.lock().retain(|instance_id, _| known.contains(instance_id.as_str()));
        *self.instance_ids.lock() = ids;
    }
}
