//! Replies that differ from what is documented.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{DescribeInstances, DescribeNamespaces, ListEditableNamespace};
use crate::{
    api::{Decoded, Operation, Page},
    model::{
        EditableNamespace, ErrorClass, NamespaceInstance, PoolComputeUnits, UsedResources, WorkspaceInstance,
    },
};

const GIB: f64 = 1024.0 * 1024.0 * 1024.0;

fn decode<O: Operation>(operation: &O, reply: &Value) -> Decoded<O::Item> {
    Page::decode(operation, 100, reply.to_string().as_bytes()).unwrap().decoded
}

fn instances(instances: &Value) -> Decoded<WorkspaceInstance> {
    let operation = DescribeInstances { region: "cn-hangzhou".into() };
    decode(&operation, &json!({"Success": true, "TotalPage": 1, "Instances": instances}))
}

fn instance(fields: &Value) -> (WorkspaceInstance, Vec<&'static str>) {
    let mut wire = json!({"ResourceId": "w1", "InstanceId": "f-1"});
    wire.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let mut decoded = instances(&json!([wire]));
    (decoded.items.remove(0), invalid(&decoded))
}

fn namespaces(namespaces: &Value) -> Decoded<NamespaceInstance> {
    let operation = DescribeNamespaces { region: "cn-hangzhou".into(), instance_id: "f-1".into() };
    decode(&operation, &json!({"Success": true, "TotalPage": 1, "Namespaces": namespaces}))
}

fn editable(data: &Value) -> Decoded<EditableNamespace> {
    let operation = ListEditableNamespace { region: "cn-hangzhou".into() };
    decode(&operation, &json!({"success": true, "data": data}))
}

fn invalid<T>(decoded: &Decoded<T>) -> Vec<&'static str> {
    decoded.invalid.iter().map(|(_, field, _)| field).collect()
}

#[test]
fn the_workspace_id_is_the_resource_id_or_else_the_cluster_id() {
    let decoded = instances(&json!([
        {"ResourceId": "w1", "AskClusterId": "other"},
        {"ResourceId": "", "AskClusterId": "w2"},
        {"ResourceId": null, "AskClusterId": "w3"},
        {"AskClusterId": "w4"},
        {"InstanceId": "f-5", "ClusterStatus": "CREATING"},
        {"InstanceId": "f-6", "ClusterStatus": "RUNNING"},
        {"ResourceId": "a\nb"},
        {"ResourceId": {"a": 1}},
        "nothing",
    ]));
    let ids: Vec<_> = decoded.items.iter().map(|instance| &*instance.workspace).collect();
    assert_eq!(ids, ["w1", "w2", "w3", "w4"]);
    assert_eq!((decoded.elements, decoded.unidentified), (9, 4));
    assert_eq!(invalid(&decoded), ["Instances", "ResourceId"]);
}

#[test]
fn an_access_key_in_a_reply_is_never_kept() {
    let (instance, invalid) = instance(&json!({
        "OssInfo": {"AccessId": "LTAI-secret-id", "AccessKey": "the-secret-key"},
        "Storage": {"OrderState": "NORMAL", "Oss": {"AccessKey": "the-secret-key"}},
    }));
    assert!(!format!("{instance:?}").contains("secret"), "{instance:?}");
    assert!(invalid.is_empty());
    let text = r#"{"Success":false,"OssInfo":{"AccessId":"secret-id","AccessKey":"secret-key"},"Code":"NoPermission"}"#;
    let operation = DescribeInstances { region: "cn-hangzhou".into() };
    let error = Page::decode(&operation, 100, text.as_bytes()).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
    let broken = r#"{"Success":true,"Instances":[{"OssInfo":{"AccessKey":"secret-key"},]}"#;
    let error = Page::decode(&operation, 100, broken.as_bytes()).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
}

#[test]
fn used_resources_are_an_object_or_an_array() {
    let part = |units: Value| {
        json!({"UsedResource": units, "UsedCpu": 2, "UsedMemory": "10.5",
        "GuaranteedUsedResource": 1.5, "ElasticUsedResource": "0.5", "HaUsedResource": null})
    };
    let total = |units, parts: f64| UsedResources {
        compute_units: Some(units),
        cpu_cores: Some(2.0 * parts),
        memory_bytes: Some(10.5 * GIB * parts),
    };
    let pools =
        |parts: f64| PoolComputeUnits { guaranteed: Some(1.5 * parts), elastic: Some(0.5 * parts), ha: None };
    let cases = [
        (part(json!(3.5)), total(3.5, 1.0), pools(1.0)),
        (json!([part(json!("3.5"))]), total(3.5, 1.0), pools(1.0)),
        (json!([part(json!(1)), null, part(json!(2))]), total(3.0, 2.0), pools(2.0)),
        (json!([]), UsedResources::default(), PoolComputeUnits::default()),
        (json!({}), UsedResources::default(), PoolComputeUnits::default()),
        (json!(null), UsedResources::default(), PoolComputeUnits::default()),
    ];
    for (wire, used, pool_used) in cases {
        let (instance, invalid) = instance(&json!({"ClusterUsedResources": wire}));
        assert_eq!((instance.used, instance.pool_used), (used, pool_used), "{wire}");
        assert!(invalid.is_empty(), "{wire}: {invalid:?}");
    }
    let (instance, invalid) =
        instance(&json!({"ClusterUsedResources": [7, {"UsedCpu": -1, "UsedResource": 2}]}));
    assert_eq!((instance.used.compute_units, instance.used.cpu_cores), (Some(2.0), None));
    assert_eq!(invalid, ["ClusterUsedResources", "ClusterUsedResources.UsedCpu"]);
    assert_eq!(instance_invalid(&json!({"ClusterUsedResources": "much"})), ["ClusterUsedResources"]);
    let endless = json!({"ClusterUsedResources": [{"UsedMemory": 1e300}, {"UsedMemory": 1e300}]});
    assert_eq!(instance_invalid(&endless), ["ClusterUsedResources.UsedMemory"]);
}

fn instance_invalid(fields: &Value) -> Vec<&'static str> {
    instance(fields).1
}

#[test]
fn times_are_in_seconds_or_milliseconds() {
    let cases = [
        (json!(1_637_337_600_000_i64), Some(1_637_337_600.0)),
        (json!("1637337600000"), Some(1_637_337_600.0)),
        (json!(1_637_337_600), Some(1_637_337_600.0)),
        (json!(100_000_000_000_i64), Some(100_000_000_000.0)),
        (json!(100_000_000_001_i64), Some(100_000_000.001)),
        (json!(0), None),
        (json!(-1), None),
        (json!(""), None),
        (json!(null), None),
    ];
    for (wire, expected) in cases {
        let (instance, invalid) = instance(&json!({"ResourceCreateTime": wire, "ResourceExpiredTime": wire}));
        assert_eq!((instance.created, instance.expires), (expected, expected), "{wire}");
        assert!(invalid.is_empty(), "{wire}: {invalid:?}");
    }
    let far = json!({"ResourceExpiredTime": 1e18, "ResourceCreateTime": "yesterday"});
    assert_eq!(instance_invalid(&far), ["ResourceCreateTime", "ResourceExpiredTime"]);
}

#[test]
fn missing_and_null_fields_are_absent_and_unknown_enum_values_are_kept() {
    let (bare, invalid) = instance(&json!({}));
    let expected = WorkspaceInstance {
        workspace: "w1".into(),
        instance_id: "f-1".into(),
        ..WorkspaceInstance::default()
    };
    assert_eq!((bare, invalid), (expected, vec![]));
    let (odd, invalid) = instance(&json!({
        "ClusterStatus": "HIBERNATING", "OrderState": "WHATEVER", "Uid": 1_234_567_890_123_456_i64,
        "ResourceSpec": {"Cpu": "10", "MemoryGB": 40}, "ElasticResourceSpec": null, "HaResourceSpec": {},
        "Tags": [{"Key": "b", "Value": 1}, {"Key": "a", "Value": null}, {"Value": "x"}, null, {"Key": "b", "Value": "2"}],
    }));
    assert_eq!((&*odd.status, &*odd.order_status), ("HIBERNATING", "WHATEVER"));
    assert_eq!(&*odd.account_id, "1234567890123456");
    assert_eq!(odd.quota, PoolComputeUnits { guaranteed: Some(10.0), elastic: None, ha: None });
    assert_eq!(odd.quota.total(), Some(10.0));
    let tags: Vec<_> = odd.tags.iter().map(|(key, value)| (&**key, &**value)).collect();
    assert_eq!(tags, [("a", ""), ("b", "1")]);
    assert!(invalid.is_empty(), "{invalid:?}");
    let wrong = json!({"ResourceSpec": 7, "ElasticResourceSpec": {"Cpu": -1}, "Tags": "none"});
    assert_eq!(instance_invalid(&wrong), ["ElasticResourceSpec.Cpu", "ResourceSpec", "Tags"]);
}

#[test]
fn namespaces_are_decoded_leniently() {
    let decoded = namespaces(&json!([
        {"Namespace": "a", "Status": "MODIFYING", "ResourceSpec": {"Cpu": 8},
         "ResourceUsed": {"Cu": "3.5", "Cpu": 3, "MemoryGB": "14"}},
        {"Namespace": "b", "ResourceSpec": null, "ResourceUsed": null, "GuaranteedResourceSpec": {"Cpu": 0}},
        {"Namespace": "../c"},
        {"Namespace": "."},
        {"Namespace": ""},
        {"Status": "SUCCESS"},
        null,
    ]));
    let [a, b] = decoded.items.as_slice() else { panic!("{decoded:?}") };
    assert_eq!((&*a.name, &*a.status, a.quota), ("a", "MODIFYING", Some(8.0)));
    let used =
        UsedResources { compute_units: Some(3.5), cpu_cores: Some(3.0), memory_bytes: Some(14.0 * GIB) };
    assert_eq!(a.used, used);
    assert_eq!((&*b.name, b.quota, b.guaranteed_quota, b.used.cpu_cores), ("b", None, Some(0.0), None));
    assert_eq!(decoded.unidentified, 5);
    assert_eq!(invalid(&decoded), ["Namespace", "Namespaces"]);
}

#[test]
fn editable_namespaces_have_their_total_beside_them() {
    let entry =
        |workspace: &str, name: &str| json!({"WorkspaceId": workspace, "Namespace": name, "Role": "EDITOR"});
    let list = json!([entry("w1", "a"), entry("w2", "a"), entry("", "a"), entry("w3", "a/b"), 7]);
    let decoded = editable(&json!({"editableNamespaces": list, "total": "5", "pageIndex": "1"}));
    let found: Vec<_> = decoded.items.iter().map(|entry| (entry.workspace(), entry.name())).collect();
    assert_eq!(found, [("w1", "a"), ("w2", "a")]);
    assert_eq!((decoded.total, decoded.unidentified), (Some(5), 3));
    let decoded = editable(&json!({"total": 0, "editableNamespaces": null}));
    assert_eq!((decoded.total, decoded.items.len()), (Some(0), 0));
    let operation = ListEditableNamespace { region: "cn-hangzhou".into() };
    for data in [
        json!([]),
        json!({"total": "some", "editableNamespaces": []}),
        json!({"total": 1, "editableNamespaces": {}}),
    ] {
        let reply = json!({"success": true, "data": data}).to_string();
        let error = Page::decode(&operation, 100, reply.as_bytes()).unwrap_err();
        assert_eq!(error.class(), ErrorClass::InvalidResponse, "{data}");
    }
}

#[test]
fn a_refusal_in_pascal_case_is_classified_by_its_code() {
    let operation = DescribeInstances { region: "cn-hangzhou".into() };
    let error = |reply: Value| Page::decode(&operation, 100, reply.to_string().as_bytes()).unwrap_err();
    let denied = error(
        json!({"Success": false, "RequestId": "R-1", "ErrorCode": "NoPermission", "ErrorMessage": "no"}),
    );
    assert_eq!((denied.class(), denied.is_ram_denial()), (ErrorClass::Permission, true));
    assert_eq!(denied.request_id(), Some("R-1"));
    let throttled = error(json!({"Success": "false", "Code": "Throttling.User"}));
    assert_eq!(throttled.class(), ErrorClass::Throttled);
    assert_eq!(error(json!({"Success": false})).class(), ErrorClass::Api);
    assert_eq!(error(json!({"Instances": []})).class(), ErrorClass::InvalidResponse);
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        "[0-9.eE+-]{0,8}".prop_map(Value::from),
    ];
    let key =
        proptest::sample::select(vec!["Key", "Value", "Cpu", "UsedCpu", "UsedResource", "MemoryGB", "x"]);
    leaf.prop_recursive(3, 16, 4, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::hash_map(key.clone(), inner, 0..4)
                .prop_map(|map| map.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
        ]
    })
}

const FIELDS: [&str; 18] = [
    "AskClusterId",
    "InstanceId",
    "InstanceName",
    "Region",
    "Uid",
    "ChargeType",
    "ArchitectureType",
    "MonitorType",
    "ClusterStatus",
    "OrderState",
    "Tags",
    "ResourceCreateTime",
    "ResourceExpiredTime",
    "ResourceSpec",
    "ElasticResourceSpec",
    "HaResourceSpec",
    "ClusterUsedResources",
    "OssInfo",
];

proptest! {
    #[test]
    fn any_value_in_any_field_leaves_the_workspace_and_its_neighbour(
        field in proptest::sample::select(FIELDS.to_vec()),
        value in json_value(),
    ) {
        let mut wire = json!({"ResourceId": "w1", "InstanceId": "f-1"});
        wire[field] = value;
        let neighbour = json!({"ResourceId": "w2", "ResourceSpec": {"Cpu": 10}, "OrderState": "NORMAL"});
        let decoded = instances(&json!([wire, neighbour]));
        prop_assert_eq!(decoded.items.len(), 2);
        prop_assert_eq!(&*decoded.items[0].workspace, "w1");
        let expected = WorkspaceInstance {
            workspace: "w2".into(),
            order_status: "NORMAL".into(),
            quota: PoolComputeUnits { guaranteed: Some(10.0), ..PoolComputeUnits::default() },
            ..WorkspaceInstance::default()
        };
        prop_assert_eq!(&decoded.items[1], &expected);
        let numbers = [decoded.items[0].quota.total(), decoded.items[0].used.cpu_cores, decoded.items[0].expires];
        prop_assert!(numbers.into_iter().flatten().all(|number| number.is_finite() && number >= 0.0));
    }
}
