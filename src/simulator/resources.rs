//! What a deployment asks for: resource settings in every spelling seen of the service.

use rand::RngExt as _;
use serde_json::{Map, Value, json};

use super::chance::{Dice, once_in, pick};

const GROUPS: &[&str] = &["default", "source", "join", "sink"];
const OPERATORS: &[&str] =
    &["StreamExecTableSourceScan", "StreamExecCalc", "StreamExecJoin", "StreamExecGroupAggregate"];

/// `streamingResourceSetting`. As in the API's samples, the basic part is there in expert mode too.
pub(super) fn streaming(dice: &mut Dice) -> Value {
    let basic = basic(dice);
    if !once_in(dice, 4) {
        return json!({"resourceSettingMode": "BASIC", "basicResourceSetting": basic});
    }
    let plan = plan(dice).to_string();
    json!({
        "resourceSettingMode": "EXPERT",
        "expertResourceSetting": {
            "jobmanagerResourceSettingSpec": basic["jobmanagerResourceSettingSpec"].clone(),
            "resourcePlan": escape(dice, plan),
        },
        "basicResourceSetting": basic,
    })
}

/// `batchResourceSetting`; the basic part may hold a parallelism alone, and `maxSlot` may be absent.
pub(super) fn batch(dice: &mut Dice) -> Value {
    let basic = if once_in(dice, 3) { json!({"parallelism": dice.random_range(1..32)}) } else { basic(dice) };
    if once_in(dice, 5) {
        return json!({"basicResourceSetting": basic});
    }
    json!({"maxSlot": pick(dice, &[4, 10, 20, 100]), "basicResourceSetting": basic})
}

/// `flinkConf`, whose numbers come as numbers or as strings.
pub(super) fn flink_conf(dice: &mut Dice) -> Value {
    let mut conf = Map::new();
    let slots = pick(dice, &[1, 1, 2, 4]);
    if !once_in(dice, 5) {
        let slots = if once_in(dice, 2) { json!(slots) } else { json!(slots.to_string()) };
        conf.insert("taskmanager.numberOfTaskSlots".into(), slots);
    }
    conf.insert("execution.checkpointing.interval".into(), json!(pick(dice, &["180s", "10 s", "3min"])));
    if once_in(dice, 3) {
        conf.insert("table.exec.state.ttl".into(), json!("36 h"));
        conf.insert("table.optimizer.join-reorder-enabled".into(), json!(true));
    }
    Value::Object(conf)
}

fn basic(dice: &mut Dice) -> Value {
    json!({
        "parallelism": pick(dice, &[1, 2, 4, 4, 8, 16, 32]),
        "jobmanagerResourceSettingSpec": {"cpu": pick(dice, &[0.5, 1.0, 2.0]), "memory": memory(dice, &[2, 4])},
        "taskmanagerResourceSettingSpec": {"cpu": whole_cpu(dice), "memory": memory(dice, &[4, 8, 16])},
    })
}

/// A number of cores without a fraction, as JSON integers are also seen.
fn whole_cpu(dice: &mut Dice) -> u64 {
    pick(dice, &[1, 2, 4])
}

fn memory(dice: &mut Dice, gibibytes: &[u64]) -> String {
    let size = pick(dice, gibibytes);
    match dice.random_range(0..7) {
        0..3 => format!("{size} GiB"),
        3 => format!("{size}Gi"),
        4 => format!("{size}g"),
        5 => format!("{}m", size * 1024),
        _ => format!("{size} gb"),
    }
}

fn plan(dice: &mut Dice) -> Value {
    let groups = &GROUPS[..dice.random_range(1..=GROUPS.len())];
    let profiles: Vec<_> = groups.iter().map(|group| profile(dice, group)).collect();
    let count = groups.len() + dice.random_range(0..4);
    let nodes: Vec<_> = (0..count).map(|id| node(dice, id + 1, groups[id % groups.len()])).collect();
    let edges: Vec<_> = (1..count)
        .map(|id| json!({"source": id, "target": id + 1, "mode": "PIPELINED", "strategy": "FORWARD"}))
        .collect();
    let vertex = format!("{:032x}", dice.random::<u128>());
    let ids: Vec<_> = (1..=count).collect();
    json!({"ssgProfiles": profiles, "nodes": nodes, "edges": edges, "vertices": {vertex: ids}})
}

fn profile(dice: &mut Dice, group: &str) -> Value {
    let managed = match dice.random_range(0..3) {
        0 => json!({}),
        1 => json!({"OPERATOR": "256 mb", "STATE_BACKEND": "1 gb"}),
        _ => json!("512 mb"),
    };
    json!({
        "name": group,
        "cpu": pick(dice, &[0.25, 0.5, 1.0, 1.13]),
        "heap": pick(dice, &["512 mb", "1 gb", "2 gb"]),
        "offHeap": "32 mb",
        "managed": managed,
        "extended": {},
    })
}

fn node(dice: &mut Dice, id: usize, group: &str) -> Value {
    let operator = pick(dice, OPERATORS);
    json!({
        "id": id,
        "type": operator,
        "desc": format!("{operator}[{}]", id + 70),
        "profile": {
            "group": group,
            "parallelism": pick(dice, &[1, 2, 4, 8]),
            "maxParallelism": 32768,
            "minParallelism": 1,
        },
    })
}

/// The plan as the service hands it out: as it is, or escaped once too often with or without its quotes.
fn escape(dice: &mut Dice, plan: String) -> String {
    let quoted = Value::from(plan.as_str()).to_string();
    match dice.random_range(0..4) {
        0 => quoted.trim_matches('"').to_owned(),
        1 => quoted,
        _ => plan,
    }
}
