//! What a deployment asks for: resource settings in every spelling seen of the service.

use rand::RngExt as _;
use serde_json::{Map, Value, json};

use crate::rng::{Rng, once_in, pick};

const GROUPS: &[&str] = &["default", "source", "join", "sink"];
const OPERATORS: &[&str] =
    &["StreamExecTableSourceScan", "StreamExecCalc", "StreamExecJoin", "StreamExecGroupAggregate"];

/// `streamingResourceSetting`. As in the API's samples, the basic part is there in expert mode too.
pub(crate) fn streaming(rng: &mut Rng) -> Value {
    let basic = basic(rng);
    if !once_in(rng, 4) {
        return json!({"resourceSettingMode": "BASIC", "basicResourceSetting": basic});
    }
    let plan = plan(rng).to_string();
    json!({
        "resourceSettingMode": "EXPERT",
        "expertResourceSetting": {
            "jobmanagerResourceSettingSpec": basic["jobmanagerResourceSettingSpec"].clone(),
            "resourcePlan": escape(rng, plan),
        },
        "basicResourceSetting": basic,
    })
}

/// `batchResourceSetting`; the basic part may hold a parallelism alone, and `maxSlot` may be absent.
pub(crate) fn batch(rng: &mut Rng) -> Value {
    let basic = if once_in(rng, 3) { json!({"parallelism": rng.random_range(1..32)}) } else { basic(rng) };
    if once_in(rng, 5) {
        return json!({"basicResourceSetting": basic});
    }
    json!({"maxSlot": pick(rng, &[4, 10, 20, 100]), "basicResourceSetting": basic})
}

/// `flinkConf`, whose numbers come as numbers or as strings.
pub(crate) fn flink_conf(rng: &mut Rng) -> Value {
    let mut conf = Map::new();
    let slots = pick(rng, &[1, 1, 2, 4]);
    if !once_in(rng, 5) {
        let slots = if once_in(rng, 2) { json!(slots) } else { json!(slots.to_string()) };
        conf.insert("taskmanager.numberOfTaskSlots".into(), slots);
    }
    conf.insert("execution.checkpointing.interval".into(), json!(pick(rng, &["180s", "10 s", "3min"])));
    if once_in(rng, 3) {
        conf.insert("table.exec.state.ttl".into(), json!("36 h"));
        conf.insert("table.optimizer.join-reorder-enabled".into(), json!(true));
    }
    Value::Object(conf)
}

fn basic(rng: &mut Rng) -> Value {
    json!({
        "parallelism": pick(rng, &[1, 2, 4, 4, 8, 16, 32]),
        "jobmanagerResourceSettingSpec": {"cpu": pick(rng, &[0.5, 1.0, 2.0]), "memory": memory(rng, &[2, 4])},
        "taskmanagerResourceSettingSpec": {"cpu": whole_cpu(rng), "memory": memory(rng, &[4, 8, 16])},
    })
}

/// A number of cores without a fraction, as JSON integers are also seen.
fn whole_cpu(rng: &mut Rng) -> u64 {
    pick(rng, &[1, 2, 4])
}

fn memory(rng: &mut Rng, gibibytes: &[u64]) -> String {
    let size = pick(rng, gibibytes);
    match rng.random_range(0..7) {
        0..3 => format!("{size} GiB"),
        3 => format!("{size}Gi"),
        4 => format!("{size}g"),
        5 => format!("{}m", size * 1024),
        _ => format!("{size} gb"),
    }
}

fn plan(rng: &mut Rng) -> Value {
    let groups = &GROUPS[..rng.random_range(1..=GROUPS.len())];
    let profiles: Vec<_> = groups.iter().map(|group| profile(rng, group)).collect();
    let count = groups.len() + rng.random_range(0..4);
    let nodes: Vec<_> = (0..count).map(|id| node(rng, id + 1, groups[id % groups.len()])).collect();
    let edges: Vec<_> = (1..count)
        .map(|id| json!({"source": id, "target": id + 1, "mode": "PIPELINED", "strategy": "FORWARD"}))
        .collect();
    let vertex = format!("{:032x}", rng.random::<u128>());
    let ids: Vec<_> = (1..=count).collect();
    json!({"ssgProfiles": profiles, "nodes": nodes, "edges": edges, "vertices": {vertex: ids}})
}

fn profile(rng: &mut Rng, group: &str) -> Value {
    let managed = match rng.random_range(0..3) {
        0 => json!({}),
        1 => json!({"OPERATOR": "256 mb", "STATE_BACKEND": "1 gb"}),
        _ => json!("512 mb"),
    };
    json!({
        "name": group,
        "cpu": pick(rng, &[0.25, 0.5, 1.0, 1.13]),
        "heap": pick(rng, &["512 mb", "1 gb", "2 gb"]),
        "offHeap": "32 mb",
        "managed": managed,
        "extended": {},
    })
}

fn node(rng: &mut Rng, id: usize, group: &str) -> Value {
    let operator = pick(rng, OPERATORS);
    json!({
        "id": id,
        "type": operator,
        "desc": format!("{operator}[{}]", id + 70),
        "profile": {
            "group": group,
            "parallelism": pick(rng, &[1, 2, 4, 8]),
            "maxParallelism": 32768,
            "minParallelism": 1,
        },
    })
}

/// The plan as the service hands it out: as it is, or escaped once too often with or without its quotes.
fn escape(rng: &mut Rng, plan: String) -> String {
    let quoted = Value::from(plan.as_str()).to_string();
    match rng.random_range(0..4) {
        0 => quoted.trim_matches('"').to_owned(),
        1 => quoted,
        _ => plan,
    }
}
