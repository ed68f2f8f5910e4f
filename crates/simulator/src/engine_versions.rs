//! The engine versions that a workspace knows.

use serde_json::{Value, json};

/// The engine versions of deployments, the newest first, and how they are supported. A version of a deployment that is not
/// in the list is missing on purpose, as in the service.
const VERSIONS: [(&str, &str); 5] = [
    ("vvr-11.1-jdk11-flink-1.20", "BETA"),
    ("vvr-8.0.11-flink-1.17", "STABLE"),
    ("vvr-8.0.6-flink-1.17", "STABLE"),
    ("vvr-8.0.5-flink-1.17", "DEPRECATED"),
    ("vvr-6.0.7-flink-1.15", "EXPIRED"),
];

/// What the list looks like to the API.
pub(crate) fn render() -> Value {
    let versions = VERSIONS.iter().map(|(version, status)| {
        json!({
            "engineVersion": version,
            "status": status,
            "features": {"useForSqlDeployments": true, "supportNativeSavepoint": *status != "EXPIRED"},
        })
    });
    // As in the API reference, the default need not be in the list.
    json!({"defaultEngineVersion": "vvr-8.0.10-flink-1.17", "engineVersionMetadata": versions.collect::<Vec<_>>()})
}
