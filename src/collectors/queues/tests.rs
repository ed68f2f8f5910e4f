use serde_json::{Value, json};

use super::ListDeploymentTargets;
use crate::{
    api::{Decoded, Operation as _, Page},
    model::{ProcessSpec, Queue},
};

const GIB: u64 = 1 << 30;

fn decode(data: &Value) -> Decoded<Queue> {
    let operation = ListDeploymentTargets { namespace: "n".into() };
    let reply = json!({"success": true, "totalSize": 9, "data": data});
    Page::decode(&operation, 100, reply.to_string().as_bytes()).unwrap().decoded
}

fn invalid(decoded: &Decoded<Queue>) -> Vec<&'static str> {
    decoded.invalid.iter().map(|(_, field, _)| field).collect()
}

#[test]
fn the_path_names_the_namespace() {
    let operation = ListDeploymentTargets { namespace: "team a".into() };
    assert_eq!(operation.path(), "/api/v2/namespaces/team%20a/deployment-targets");
    assert!(operation.parameters().is_empty());
}

#[test]
fn amounts_are_read_in_every_spelling() {
    let decoded = decode(&json!([{
        "name": "default-queue", "namespace": "n",
        "quota": {
            "limit": {"cpu": 8, "memory": "32 GiB"},
            "request": {"cpu": "2.5", "memory": "8192m"},
            "used": {"cpu": 0.0, "memory": "0"},
        },
    }]));
    let amounts = |cores, bytes| ProcessSpec { cpu_cores: Some(cores), memory_bytes: Some(bytes) };
    let expected = Queue {
        name: "default-queue".into(),
        limit: amounts(8.0, 32 * GIB),
        request: amounts(2.5, 8 * GIB),
        used: amounts(0.0, 0),
    };
    assert_eq!((&decoded.items[..], invalid(&decoded)), (&[expected][..], vec![]));
}

#[test]
fn missing_values_are_none_and_invalid_ones_are_counted() {
    let decoded = decode(&json!([
        {"name": "a"},
        {"name": "b", "quota": null},
        {"name": "c", "quota": {"limit": null, "used": {"cpu": -1, "memory": "much"}}},
        {"name": "d", "quota": 7},
        {"quota": {}},
        null,
    ]));
    let names: Vec<_> = decoded.items.iter().map(|queue| &*queue.name).collect();
    assert_eq!(names, ["a", "b", "c", "d"]);
    assert!(decoded.items.iter().all(|queue| queue.used == ProcessSpec::default()));
    assert_eq!((decoded.elements, decoded.unidentified), (6, 2));
    assert_eq!(invalid(&decoded), ["data", "name", "quota", "quota.used.cpu", "quota.used.memory"]);
}
