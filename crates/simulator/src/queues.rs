//! The queues of a namespace, consistent with the jobs in them.

use serde_json::{Value, json};

use crate::resource_usage::ResourceUsage;

/// The queues of every namespace. The second one is exactly as large as its jobs need.
pub(crate) const QUEUES: [&str; 2] = ["default-queue", "prod-queue"];

/// What the queues of a namespace with these deployments look like to the API.
pub(crate) fn render(deployments: &[Value]) -> Vec<Value> {
    let queues = QUEUES.into_iter().enumerate();
    queues.map(|(index, name)| queue(name, index == 0, deployments)).collect()
}

fn queue(name: &str, is_default: bool, deployments: &[Value]) -> Value {
    let (mut used, mut needed) = (ResourceUsage::default(), ResourceUsage::default());
    let of_queue = deployments.iter().filter(|deployment| {
        deployment["deploymentTarget"]["mode"] == "PER_JOB" && deployment["deploymentTarget"]["name"] == name
    });
    for deployment in of_queue {
        let job = ResourceUsage::of_deployment(deployment);
        used += job * deployment["jobSummary"]["running"].as_u64().unwrap_or_default();
        needed += job;
    }
    let headroom = if is_default { 2.0 } else { 1.0 };
    json!({
        "name": name,
        "namespace": deployments.first().map_or(&Value::Null, |deployment| &deployment["namespace"]),
        "quota": {
            "limit": amounts(needed, headroom),
            "request": amounts(needed, if is_default { 0.0 } else { 1.0 }),
            "used": amounts(used, 1.0),
        },
    })
}

fn amounts(of: ResourceUsage, factor: f64) -> Value {
    // Whole cores and MiB, as people set them.
    let cpu = (of.cpu_cores * factor).ceil();
    json!({"cpu": cpu, "memory": format!("{}Mi", (of.memory_gib * 1024.0 * factor).ceil())})
}
