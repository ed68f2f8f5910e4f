//! The report of discovery.

use super::*;
use crate::simulator::Operation;

/// The report of discovery in a region of `cloud`; `more` has more keys of the entry.
async fn discovery_report(cloud: &Cloud, more: &str) -> Report {
    let url = &cloud.url;
    report(&config(&format!(
        "api: {{max_retries: 0, console_requests_per_second: 1000}}\n\
         credentials: {{type: access_key, access_key_id: the-access-key-id, access_key_secret: {SECRET}}}\n\
         discovery: [{{region: cn-hangzhou, endpoint: '{url}', console_endpoint: '{url}'{more}}}]\n"
    )))
    .await
}

#[tokio::test]
async fn discovery_is_reported_with_its_source_and_its_calls() {
    let cloud = Cloud::start().await;
    let report = discovery_report(&cloud, "").await;
    assert!(report.ok(), "{}", report.to_table());
    let [entry] = report.discovery() else { panic!("one entry") };
    assert_eq!(entry.source.as_deref(), Some("DescribeInstances and DescribeNamespaces"));
    let counts = |counts: &report::WorkspaceCounts| [counts.polled, counts.excluded, counts.not_running];
    assert_eq!((counts(&entry.workspaces), counts(&entry.namespaces)), ([1, 0, 2], [3, 0, 1]));
    assert_eq!(report.targets().len(), 3, "each namespace is examined");
    assert!(
        report.collectors().iter().all(|collector| {
            collector.enabled && collector.by_default && collector.permitted == Some(true)
        })
    );
    // Every five minutes, one listing of workspaces and three of namespaces; every minute, each namespace.
    let per_day = 288.0 * 4.0 + 1440.0 * 3.0;
    assert!((report.api_calls_per_day() - per_day).abs() < 0.5, "{}", report.api_calls_per_day());
    assert!(report.to_table().contains("discovery cn-hangzhou in cn-hangzhou"), "{}", report.to_table());
    assert!(report.to_table().contains("enabled by default, permitted"), "{}", report.to_table());
}

#[tokio::test]
async fn collectors_without_permission_are_reported_even_if_they_are_disabled() {
    let cloud = Cloud::start().await;
    cloud.simulator.set_denied(vec![Operation::DescribeInstances]);
    let report = discovery_report(&cloud, "").await;
    assert!(report.ok(), "by default, they are switched off: {}", report.to_table());
    assert_eq!(report.discovery()[0].source.as_deref(), Some("ListEditableNamespace"));
    assert!(report.collectors().iter().all(|collector| {
        collector.permitted == Some(false)
            && collector.missing_permission.as_deref() == Some("stream:DescribeVvpInstances")
    }));
    let report = discovery_report(&cloud, ", collectors: {workspaces: true, namespaces: false}").await;
    assert!(!report.ok(), "one is enabled on purpose: {}", report.to_table());
    let table = report.to_table();
    for line in
        ["FAILED  workspaces   enabled, not permitted", "-       namespaces   disabled, not permitted"]
    {
        assert!(table.contains(line), "{table}");
    }
}

#[tokio::test]
async fn discovery_without_permissions_fails_with_the_remedy() {
    let cloud = Cloud::start().await;
    cloud.simulator.set_denied(vec![
        Operation::DescribeInstances,
        Operation::DescribeNamespaces,
        Operation::ListEditableNamespace,
    ]);
    let report = discovery_report(&cloud, "").await;
    let [entry] = report.discovery() else { panic!("one entry") };
    assert!(!report.ok() && report.targets().is_empty());
    let check = entry.checks.iter().find(|check| check.name == "discovery").unwrap();
    assert_eq!(check.status, Status::Failed);
    assert!(check.detail.contains("stream:DescribeVvpNamespaces"), "{}", check.detail);
}
