use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{
    NamespacesTargetQuery, SelectNamespaces,
    families::{self, Namespaces},
};
use crate::{
    collectors::TargetQuery as _,
    console::{
        ConsoleListings,
        testing::{Api, TIMEOUT, small},
    },
    exposition::{Encoding, Format, JoinedFamilies, RenderedFamilies, render, tests::body},
    model::{ErrorClass, NamespaceInstance, UsedResources},
    simulator::{self, Operation},
};

fn samples(namespaces: &[NamespaceInstance]) -> Vec<String> {
    let rendered = render(&families::group("w1", namespaces), &RenderedFamilies::default());
    let sections = [JoinedFamilies::of::<Namespaces>([&rendered])];
    let text = String::from_utf8(body(Format::Text, Encoding::Identity, &sections, "")).unwrap();
    text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
}

#[test]
fn every_family_of_a_namespace_is_rendered_and_missing_values_have_no_series() {
    let namespaces = [
        NamespaceInstance {
            name: "risk".into(),
            status: "SUCCESS".into(),
            quota: Some(8.0),
            guaranteed_quota: Some(6.0),
            elastic_quota: Some(0.0),
            used: UsedResources {
                compute_units: Some(3.5),
                cpu_cores: Some(3.0),
                memory_bytes: Some(15_032_385_536.0),
            },
        },
        NamespaceInstance { name: "bare".into(), ..NamespaceInstance::default() },
    ];
    let expected = [
        "aliyun_flink_namespace_status{workspace=\"w1\",namespace=\"risk\",status=\"SUCCESS\"} 1",
        "aliyun_flink_namespace_quota_compute_units{workspace=\"w1\",namespace=\"risk\"} 8",
        "aliyun_flink_namespace_pool_quota_compute_units{workspace=\"w1\",namespace=\"risk\",pool=\"guaranteed\"} 6",
        "aliyun_flink_namespace_pool_quota_compute_units{workspace=\"w1\",namespace=\"risk\",pool=\"elastic\"} 0",
        "aliyun_flink_namespace_used_compute_units{workspace=\"w1\",namespace=\"risk\"} 3.5",
        "aliyun_flink_namespace_used_cpu_cores{workspace=\"w1\",namespace=\"risk\"} 3",
        "aliyun_flink_namespace_used_memory_bytes{workspace=\"w1\",namespace=\"risk\"} 15032385536",
    ];
    assert_eq!(samples(&namespaces), expected);
}

#[test]
fn listed_names_select_namespaces() {
    let listed = vec!["a".to_owned(), "b".to_owned()];
    assert!(listed.selects("a") && !listed.selects("A") && !listed.selects(""));
}

/// Everything.
#[derive(Debug, PartialEq)]
struct All;

impl SelectNamespaces for All {
    fn selects(&self, _: &str) -> bool {
        true
    }
}

const WORKSPACE: &str = "a14bd5d90a0123";

fn target<S>(listings: &Arc<ConsoleListings>, workspace: &str, selection: S) -> NamespacesTargetQuery<S> {
    let interval = Duration::ZERO;
    NamespacesTargetQuery { listings: listings.clone(), workspace: workspace.into(), selection, interval }
}

/// The names that a poll returns, or why it fails.
async fn polled<S: SelectNamespaces>(target: &NamespacesTargetQuery<S>) -> Result<Vec<String>, ErrorClass> {
    let collected = target.poll(Instant::now() + TIMEOUT).await.map_err(|error| error.class())?;
    let objects = collected.objects.downcast::<NamespaceInstance>().unwrap();
    Ok(objects.all().iter().map(|namespace| namespace.name.to_string()).collect())
}

#[tokio::test]
async fn the_selected_namespaces_of_a_workspace_are_returned() {
    let api = Api::start(small()).await;
    let listings = Arc::new(api.listings());
    let all = ["default-namespace", "payments-prod", "risk-prod"].map(str::to_owned).to_vec();
    assert_eq!(polled(&target(&listings, WORKSPACE, All)).await, Ok(all.clone()));
    let selection = vec!["risk-prod".to_owned(), "none".to_owned()];
    assert_eq!(polled(&target(&listings, WORKSPACE, selection)).await, Ok(vec!["risk-prod".to_owned()]));
    let overdue = api.simulator.workspaces()[1].clone();
    assert_eq!(polled(&target(&listings, &overdue, All)).await, Ok(vec!["default-namespace".to_owned()]));
    assert_eq!(polled(&target(&listings, "none", All)).await, Ok(Vec::new()));
    let equal = |left: &str, right: &str| {
        let [left, right] = [left, right].map(|name| target(&listings, WORKSPACE, vec![name.to_owned()]));
        left.equals(&right)
    };
    assert!(equal("a", "a") && !equal("a", "b"));
}

#[tokio::test]
async fn a_known_workspace_needs_no_listing_of_the_region() {
    let denied = vec![Operation::DescribeInstances];
    let api = Api::start(simulator::Settings { denied: denied.clone(), ..small() }).await;
    let listings = Arc::new(api.listings());
    let target = target(&listings, WORKSPACE, All);
    assert_eq!(polled(&target).await, Err(ErrorClass::Permission));
    api.simulator.set_denied(Vec::new());
    assert_eq!(polled(&target).await.map(|names| names.len()), Ok(3));
    api.simulator.set_denied(denied);
    assert_eq!(polled(&target).await.map(|names| names.len()), Ok(3));
    api.simulator.set_denied(vec![Operation::DescribeNamespaces]);
    assert_eq!(polled(&target).await, Err(ErrorClass::Permission));
}
