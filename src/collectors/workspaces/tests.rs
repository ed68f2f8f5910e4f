use std::sync::Arc;

use tokio::time::Instant;

use super::{
    WorkspaceTargetQuery,
    families::{self, Workspaces},
};
use crate::{
    collectors::{TargetQuery as _, exported_labels::ExportedLabels},
    console::testing::{Api, HOUR, TIMEOUT, small},
    exposition::{Encoding, Format, JoinedFamilies, RenderedFamilies, render, tests::body},
    model::{ErrorClass, LabelKeys, PoolComputeUnits, UsedResources, WorkspaceInstance},
    simulator::{self, Operation},
};

fn samples(instances: &[WorkspaceInstance], tags: &LabelKeys) -> Vec<String> {
    let tags = ExportedLabels::with_prefix("tag_", tags);
    let rendered = render(&families::group("w1", instances, &tags), &RenderedFamilies::default());
    let sections = [JoinedFamilies::of::<Workspaces>([&rendered])];
    let text = String::from_utf8(body(Format::Text, Encoding::Identity, &sections, "")).unwrap();
    text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
}

fn instance() -> WorkspaceInstance {
    WorkspaceInstance {
        workspace: "w1".into(),
        instance_id: "f-cn-1".into(),
        name: "production \"eu\"".into(),
        region: "cn-hangzhou".into(),
        account_id: "1234567890123456".into(),
        charge_type: "PRE".into(),
        architecture: "X86".into(),
        resource_group_id: "rg-1".into(),
        monitor_type: "ARMS".into(),
        status: "RUNNING".into(),
        order_status: "NORMAL".into(),
        tags: vec![("costCenter".into(), "4711".into()), ("env".into(), "prod".into())],
        created: Some(1_629_879_567.394),
        expires: Some(1_637_337_600.0),
        quota: PoolComputeUnits { guaranteed: Some(10.0), elastic: Some(5.0), ha: None },
        used: UsedResources {
            compute_units: Some(3.5),
            cpu_cores: Some(3.0),
            memory_bytes: Some(15_032_385_536.0),
        },
        pool_used: PoolComputeUnits { guaranteed: Some(3.5), elastic: Some(0.0), ha: Some(1.0) },
    }
}

#[test]
fn every_family_of_a_workspace_is_written() {
    let expected = [
        "aliyun_flink_workspace_instance_info{workspace=\"w1\",region=\"cn-hangzhou\",account_id=\"1234567890123456\",\
         instance_id=\"f-cn-1\",name=\"production \\\"eu\\\"\",charge_type=\"PRE\",architecture=\"X86\",\
         resource_group_id=\"rg-1\",monitor_type=\"ARMS\"} 1",
        "aliyun_flink_workspace_tags{workspace=\"w1\",tag_env=\"prod\",tag_cost_center=\"4711\",tag_none=\"\"} 1",
        "aliyun_flink_workspace_status{workspace=\"w1\",status=\"RUNNING\"} 1",
        "aliyun_flink_workspace_order_status{workspace=\"w1\",status=\"NORMAL\"} 1",
        "aliyun_flink_workspace_created_timestamp_seconds{workspace=\"w1\"} 1629879567.394",
        "aliyun_flink_workspace_expiry_timestamp_seconds{workspace=\"w1\"} 1637337600",
        "aliyun_flink_workspace_quota_compute_units{workspace=\"w1\"} 15",
        "aliyun_flink_workspace_pool_quota_compute_units{workspace=\"w1\",pool=\"guaranteed\"} 10",
        "aliyun_flink_workspace_pool_quota_compute_units{workspace=\"w1\",pool=\"elastic\"} 5",
        "aliyun_flink_workspace_used_compute_units{workspace=\"w1\"} 3.5",
        "aliyun_flink_workspace_used_cpu_cores{workspace=\"w1\"} 3",
        "aliyun_flink_workspace_used_memory_bytes{workspace=\"w1\"} 15032385536",
        "aliyun_flink_workspace_pool_used_compute_units{workspace=\"w1\",pool=\"guaranteed\"} 3.5",
        "aliyun_flink_workspace_pool_used_compute_units{workspace=\"w1\",pool=\"elastic\"} 0",
        "aliyun_flink_workspace_pool_used_compute_units{workspace=\"w1\",pool=\"ha\"} 1",
    ];
    let keys = LabelKeys::Listed(["env", "costCenter", "none"].map(str::to_owned).to_vec());
    assert_eq!(samples(&[instance()], &keys), expected);
}

#[test]
fn missing_values_have_no_series() {
    let bare = WorkspaceInstance { workspace: "w1".into(), ..WorkspaceInstance::default() };
    let expected = [
        "aliyun_flink_workspace_instance_info{workspace=\"w1\",region=\"\",account_id=\"\",instance_id=\"\",name=\"\",\
         charge_type=\"\",architecture=\"\",resource_group_id=\"\",monitor_type=\"\"} 1",
    ];
    assert_eq!(samples(&[bare], &LabelKeys::default()), expected);
    assert!(samples(&[], &LabelKeys::All).is_empty());
}

#[test]
fn only_a_subscription_expires() {
    for (charge_type, expected) in [("PRE", true), ("POST", false), ("", false), ("pre", false)] {
        let instance = WorkspaceInstance { charge_type: charge_type.into(), ..instance() };
        let expires = samples(&[instance], &LabelKeys::default())
            .iter()
            .any(|sample| sample.starts_with("aliyun_flink_workspace_expiry"));
        assert_eq!(expires, expected, "{charge_type:?}");
    }
}

#[test]
fn the_quota_needs_its_guaranteed_part() {
    let quota = |guaranteed, elastic| PoolComputeUnits { guaranteed, elastic, ha: Some(9.0) }.total();
    assert_eq!(quota(Some(10.0), Some(5.0)), Some(15.0));
    assert_eq!(quota(Some(10.0), None), Some(10.0));
    assert_eq!(quota(None, Some(5.0)), None);
}

#[test]
fn all_tags_can_be_exported() {
    let tags = samples(&[instance()], &LabelKeys::All);
    let expected =
        "aliyun_flink_workspace_tags{workspace=\"w1\",tag_cost_center=\"4711\",tag_env=\"prod\"} 1";
    assert!(tags.iter().any(|sample| sample == expected), "{tags:?}");
}

#[tokio::test]
async fn all_workspaces_of_a_region_share_one_listing() {
    let api = Api::start(simulator::Settings { workspaces: 3, ..small() }).await;
    let listings = Arc::new(api.listings());
    let target = |workspace: &str| WorkspaceTargetQuery {
        listings: listings.clone(),
        workspace: workspace.to_owned(),
        interval: HOUR,
    };
    for workspace in api.simulator.workspaces() {
        let collected = target(&workspace).poll(Instant::now() + TIMEOUT).await.unwrap();
        let objects = collected.objects.downcast::<WorkspaceInstance>().unwrap();
        let [instance] = objects.all() else { panic!("{objects:?}") };
        assert_eq!(*instance.workspace, *workspace);
        assert!(collected.consistent);
    }
    let missing = target("none").poll(Instant::now() + TIMEOUT).await.unwrap();
    assert!(missing.objects.is_empty(), "a workspace that the listing lacks is a success without objects");
    assert_eq!(api.requests(Operation::DescribeInstances), 1);
    assert!(target("a").equals(&target("a")) && !target("a").equals(&target("b")));
}

#[tokio::test]
async fn a_denied_listing_fails_the_poll() {
    let api = Api::start(simulator::Settings { denied: vec![Operation::DescribeInstances], ..small() }).await;
    let listings = Arc::new(api.listings());
    let target = WorkspaceTargetQuery { listings, workspace: "a14bd5d90a0123".into(), interval: HOUR };
    let error = target.poll(Instant::now() + TIMEOUT).await.unwrap_err();
    assert_eq!((error.class(), error.is_ram_denial()), (ErrorClass::Permission, true));
}
