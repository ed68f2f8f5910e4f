use serde_json::{Value, json};

use super::ListSessionClusters;
use crate::{
    api::{Decoded, Operation as _, Page},
    model::{RequestedResources, SessionCluster},
};

fn decode(data: &Value) -> Decoded<SessionCluster> {
    let operation = ListSessionClusters { namespace: "n".into() };
    let reply = json!({"success": true, "data": data});
    Page::decode(&operation, 100, reply.to_string().as_bytes()).unwrap().decoded
}

fn cluster(fields: &Value) -> (SessionCluster, Vec<&'static str>) {
    let mut wire = json!({"name": "s"});
    wire.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let mut decoded = decode(&json!([wire]));
    let invalid = decoded.invalid.iter().map(|(_, field, _)| field).collect();
    (decoded.items.remove(0), invalid)
}

#[test]
fn the_path_names_the_namespace() {
    let operation = ListSessionClusters { namespace: "n".into() };
    assert_eq!(operation.path(), "/api/v2/namespaces/n/sessionclusters");
}

#[test]
fn a_running_cluster_has_its_users_and_its_size() {
    let (cluster, invalid) = cluster(&json!({
        "engineVersion": "vvr-8.0.6-flink-1.17", "deploymentTargetName": "q", "creator": "1",
        "createdAt": 1_700_000_000, "flinkConf": {"taskmanager.numberOfTaskSlots": "2"},
        "basicResourceSetting": {
            "parallelism": 5,
            "jobmanagerResourceSettingSpec": {"cpu": 1, "memory": "4 GiB"},
            "taskmanagerResourceSettingSpec": {"cpu": 2, "memory": "8Gi"},
        },
        "status": {"currentSessionClusterStatus": "RUNNING",
                   "running": {"startedAt": 1_700_000_500_000_u64, "referenceDeploymentIds": ["a", "b"]}},
    }));
    assert!(invalid.is_empty(), "{invalid:?}");
    assert_eq!((&*cluster.status, cluster.deployments), ("RUNNING", Some(2)));
    assert_eq!((cluster.created, cluster.started), (Some(1_700_000_000.0), Some(1_700_000_500.0)));
    let requested = RequestedResources::of_cluster(&cluster);
    // One JobManager and three TaskManagers of two slots.
    assert_eq!((requested.cpu_cores, requested.compute_units), (Some(7.0), Some(7.0)));
    assert_eq!(requested.memory_bytes, Some(28.0 * f64::from(1 << 30)));
}

#[test]
fn a_running_cluster_without_users_has_none_and_another_has_no_count() {
    for (status, deployments) in [
        (json!({"currentSessionClusterStatus": "RUNNING", "running": {}}), Some(0)),
        (json!({"running": {"referenceDeploymentIds": null}}), Some(0)),
        (json!({"running": {"referenceDeploymentIds": []}}), Some(0)),
        (json!({"currentSessionClusterStatus": "STOPPED", "running": null}), None),
        (json!({"currentSessionClusterStatus": "FAILED", "failure": {"message": "secret"}}), None),
        (Value::Null, None),
    ] {
        let (cluster, invalid) = cluster(&json!({"status": status}));
        assert_eq!((cluster.deployments, invalid), (deployments, vec![]), "{status}");
        assert!(!format!("{cluster:?}").contains("secret"));
    }
}

#[test]
fn an_invalid_value_is_counted_and_only_it_is_left_out() {
    let (cluster, invalid) = cluster(&json!({
        "createdAt": "soon", "flinkConf": {"taskmanager.numberOfTaskSlots": "many"},
        "basicResourceSetting": {"parallelism": -1, "jobmanagerResourceSettingSpec": 3},
        "status": {"running": {"referenceDeploymentIds": "a"}},
    }));
    assert_eq!(
        invalid,
        [
            "basicResourceSetting.jobmanagerResourceSettingSpec",
            "basicResourceSetting.parallelism",
            "createdAt",
            "flinkConf.taskmanager.numberOfTaskSlots",
            "status.running.referenceDeploymentIds",
        ]
    );
    assert_eq!((&*cluster.name, cluster.created), ("s", None));
    assert_eq!(RequestedResources::of_cluster(&cluster), RequestedResources::default());
    let decoded = decode(&json!([{"engineVersion": "x"}, "nothing"]));
    assert_eq!((decoded.items.len(), decoded.unidentified), (0, 2));
}
