//! Listings that several consumers share, over the simulated API.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;

use super::super::{
    ListEditableNamespace, SharedListing,
    testing::{Api, HOUR, TIMEOUT, small},
};
use crate::{
    model::ErrorClass,
    simulator::{self, Operation},
};

#[tokio::test]
async fn consumers_at_the_same_time_share_one_listing() {
    let api = Api::start(small()).await;
    let listings = api.listings();
    let results = join_all((0..20).map(|_| listings.workspaces(HOUR, TIMEOUT))).await;
    assert!(results.iter().all(|shared| shared.result.as_ref().unwrap().items.len() == 3));
    assert!(results.windows(2).all(|pair| pair[0].started == pair[1].started));
    assert_eq!(api.requests(Operation::DescribeInstances), 1);
    let fresh = listings.workspaces(Duration::ZERO, TIMEOUT).await;
    assert!(fresh.started > results[0].started);
    assert_eq!(api.requests(Operation::DescribeInstances), 2);
}

#[tokio::test]
async fn a_failure_is_shared_and_then_repeated() {
    let api = Api::start(simulator::Settings { denied: vec![Operation::DescribeInstances], ..small() }).await;
    let listings = api.listings();
    for _ in 0..3 {
        let error = listings.workspaces(HOUR, TIMEOUT).await.result.unwrap_err();
        assert_eq!(
            (error.class(), error.denied_action()),
            (ErrorClass::Permission, Some("stream:DescribeVvpInstances"))
        );
    }
    assert_eq!(api.requests(Operation::DescribeInstances), 1);
    api.simulator.set_denied(Vec::new());
    assert!(listings.workspaces(Duration::ZERO, TIMEOUT).await.result.is_ok());
}

#[tokio::test]
async fn each_workspace_has_its_own_namespaces() {
    let api = Api::start(simulator::Settings { workspaces: 3, namespaces: 2, ..small() }).await;
    let listings = api.listings();
    assert_eq!(listings.instance_id("a14bd5d90a0123"), None, "nothing is listed yet");
    let workspaces = listings.workspaces(HOUR, TIMEOUT).await.result.unwrap();
    let running: Vec<_> = workspaces.items.iter().filter(|instance| &*instance.status == "RUNNING").collect();
    assert_eq!(running.len(), 3);
    for instance in &running {
        assert_eq!(listings.instance_id(&instance.workspace).as_deref(), Some(&*instance.instance_id));
        for _ in 0..2 {
            let shared = listings.namespaces(&instance.instance_id, HOUR, TIMEOUT).await;
            assert_eq!(shared.result.unwrap().items.len(), 2);
        }
    }
    assert_eq!(api.requests(Operation::DescribeNamespaces), 3);
    let gone = &running[1];
    api.simulator.set_workspace_listed(&gone.workspace, false);
    listings.workspaces(Duration::ZERO, TIMEOUT).await.result.unwrap();
    assert_eq!(listings.instance_id(&gone.workspace), None);
    assert!(listings.instance_id(&running[2].workspace).is_some());
}

#[tokio::test]
async fn namespaces_are_listed_without_the_permissions_of_the_console() {
    let denied = vec![Operation::DescribeInstances, Operation::DescribeNamespaces];
    let api = Api::start(simulator::Settings { workspaces: 2, denied, ..small() }).await;
    let operation = ListEditableNamespace { region: "cn-hangzhou".into() };
    let listing = SharedListing::new(api.client.clone(), operation, api.telemetry.clone());
    let namespaces = listing.get(HOUR, TIMEOUT).await.result.unwrap();
    assert_eq!(namespaces.items.len(), 6);
    let first: Vec<_> =
        namespaces.items.iter().filter(|found| found.workspace() == "a14bd5d90a0123").collect();
    assert_eq!(first.len(), 3);
}

#[tokio::test]
async fn a_cancelled_consumer_leaves_the_listing_to_the_next() {
    let api = Api::start(simulator::Settings { latency: Duration::from_secs(1), ..small() }).await;
    let listings = Arc::new(api.listings());
    let consumer = || {
        let listings = listings.clone();
        tokio::spawn(async move { listings.workspaces(HOUR, TIMEOUT).await })
    };
    let cancelled = consumer();
    while api.requests(Operation::DescribeInstances) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let waiting = consumer();
    cancelled.abort();
    assert!(cancelled.await.unwrap_err().is_cancelled());
    assert!(waiting.await.unwrap().result.is_ok());
    assert_eq!(api.requests(Operation::DescribeInstances), 2);
}
