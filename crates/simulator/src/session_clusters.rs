//! The session clusters of a namespace: one that deployments use, one that runs for nobody, one that is stopped,
//! one that failed.

use serde_json::{Value, json};

use crate::job_failures::FAILURE_MARK;

/// The session cluster that deployments run in.
pub(crate) const SHARED: &str = "session-dev";

/// What the session clusters of a namespace with these deployments look like to the API; `started` is when the simulator
/// was started, in seconds since the Unix epoch.
pub(crate) fn render(deployments: &[Value], started: i64) -> Vec<Value> {
    let users = deployments.iter().filter(|deployment| deployment["deploymentTarget"]["name"] == SHARED);
    let users: Vec<&Value> = users.map(|deployment| &deployment["deploymentId"]).collect();
    let days = |days: i64| started - days * 86_400;
    let running = |users: &[&Value], since: i64| json!({"startedAt": since, "lastUpdateTime": since, "referenceDeploymentIds": users});
    vec![
        cluster(
            SHARED,
            4,
            days(90),
            &json!({"currentSessionClusterStatus": "RUNNING", "running": running(&users, days(12))}),
        ),
        cluster(
            "session-idle",
            8,
            days(40),
            &json!({"currentSessionClusterStatus": "RUNNING", "running": running(&[], days(9))}),
        ),
        cluster(
            "session-old",
            2,
            days(400),
            &json!({"currentSessionClusterStatus": "STOPPED", "running": null}),
        ),
        cluster(
            "session-broken",
            2,
            days(3),
            &json!({"currentSessionClusterStatus": "FAILED", "failure": failure(days(1))}),
        ),
    ]
}

fn failure(failed_at: i64) -> Value {
    let message = format!("{FAILURE_MARK}session-broken: 0/3 nodes are available: 3 Insufficient memory.");
    json!({"failedAt": failed_at, "reason": "KubernetesDeploymentNotProgressing", "message": message})
}

fn cluster(name: &str, parallelism: u64, created: i64, status: &Value) -> Value {
    json!({
        "sessionClusterId": format!("{name}-id"),
        "name": name,
        "deploymentTargetName": crate::queues::QUEUES[0],
        "engineVersion": "vvr-8.0.6-flink-1.17",
        "creator": crate::naming::PEOPLE[0].uid,
        "creatorName": crate::naming::PEOPLE[0].name,
        "createdAt": created,
        "modifiedAt": created,
        "flinkConf": {"taskmanager.numberOfTaskSlots": "2"},
        "basicResourceSetting": {
            "parallelism": parallelism,
            "jobmanagerResourceSettingSpec": {"cpu": 1.0, "memory": "4 GiB"},
            "taskmanagerResourceSettingSpec": {"cpu": 2.0, "memory": "8Gi"},
        },
        "status": status,
    })
}
