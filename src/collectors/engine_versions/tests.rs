use serde_json::{Value, json};

use super::ListEngineVersionMetadata;
use crate::{
    api::{Decoded, Operation as _, Page},
    model::EngineVersion,
};

fn decode(data: &Value) -> Decoded<EngineVersion> {
    let reply = json!({"success": true, "data": data});
    Page::decode(&ListEngineVersionMetadata, 100, reply.to_string().as_bytes()).unwrap().decoded
}

#[test]
fn the_path_is_that_of_the_workspace() {
    assert_eq!(ListEngineVersionMetadata.path(), "/api/v2/engine-version-meta.json");
}

#[test]
fn versions_are_listed_beside_the_default_and_unknown_statuses_are_kept() {
    let decoded = decode(&json!({
        "defaultEngineVersion": "vvr-8.0.10-flink-1.17",
        "engineVersionMetadata": [
            {"engineVersion": "vvr-6.0.7-flink-1.15", "status": "EXPIRED", "features": {"useForSqlDeployments": true}},
            {"engineVersion": "vvr-12", "status": "EXPERIMENTAL"},
            {"engineVersion": "vvr-13"},
        ],
    }));
    let versions: Vec<_> =
        decoded.items.iter().map(|version| (&*version.version, &*version.status)).collect();
    assert_eq!(versions, [("vvr-6.0.7-flink-1.15", "EXPIRED"), ("vvr-12", "EXPERIMENTAL"), ("vvr-13", "")]);
    assert_eq!(decoded.invalid.iter().count(), 0);
}

#[test]
fn an_element_without_a_version_is_counted() {
    let decoded = decode(&json!({"engineVersionMetadata": [{"status": "STABLE"}, 4]}));
    assert_eq!((decoded.items.len(), decoded.elements, decoded.unidentified), (0, 2, 2));
}

#[test]
fn a_reply_without_the_list_is_an_error() {
    for data in [json!({"engineVersionMetadata": {}}), json!([]), json!("text")] {
        let reply = json!({"success": true, "data": data}).to_string();
        assert!(Page::decode(&ListEngineVersionMetadata, 100, reply.as_bytes()).is_err(), "{data}");
    }
}
