//! What one running job of a deployment takes.

use std::ops::{Add, AddAssign, Mul};

use serde_json::Value;

/// Resources in use.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct ResourceUsage {
    pub(crate) cpu_cores: f64,
    pub(crate) memory_gib: f64,
    pub(crate) compute_units: f64,
}

impl ResourceUsage {
    /// What a job takes: as many compute units as its cores, or as a quarter of its GiB, whichever is greater.
    fn of_job(cpu_cores: f64, memory_gib: f64) -> Self {
        Self { cpu_cores, memory_gib, compute_units: cpu_cores.max(memory_gib / 4.0) }
    }

    /// What one job of `deployment`, as the API returns it, takes.
    pub(crate) fn of_deployment(deployment: &Value) -> Self {
        let slots = number(&deployment["flinkConf"]["taskmanager.numberOfTaskSlots"]).unwrap_or(1.0);
        let streaming = &deployment["streamingResourceSetting"];
        if streaming["resourceSettingMode"] == "EXPERT" {
            return expert(&streaming["expertResourceSetting"]);
        }
        let batch = &deployment["batchResourceSetting"];
        let (setting, limit) = match streaming {
            Value::Null => (&batch["basicResourceSetting"], number(&batch["maxSlot"])),
            _ => (&streaming["basicResourceSetting"], None),
        };
        let parallelism = number(&setting["parallelism"]).unwrap_or_default();
        let parallelism = parallelism.min(limit.unwrap_or(f64::INFINITY));
        let jobmanager = process(&setting["jobmanagerResourceSettingSpec"]);
        let taskmanager = process(&setting["taskmanagerResourceSettingSpec"]);
        let taskmanagers = (parallelism / slots).ceil();
        Self::of_job(jobmanager.0 + taskmanagers * taskmanager.0, jobmanager.1 + taskmanagers * taskmanager.1)
    }
}

impl Add for ResourceUsage {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            cpu_cores: self.cpu_cores + other.cpu_cores,
            memory_gib: self.memory_gib + other.memory_gib,
            compute_units: self.compute_units + other.compute_units,
        }
    }
}

impl AddAssign for ResourceUsage {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Mul<u64> for ResourceUsage {
    type Output = Self;

    fn mul(self, jobs: u64) -> Self {
        let jobs = jobs as f64;
        Self {
            cpu_cores: self.cpu_cores * jobs,
            memory_gib: self.memory_gib * jobs,
            compute_units: self.compute_units * jobs,
        }
    }
}

/// Each slot sharing group has as many slots as its widest node is parallel.
fn expert(setting: &Value) -> ResourceUsage {
    let (mut cpu, mut memory) = process(&setting["jobmanagerResourceSettingSpec"]);
    let plan = plan(setting["resourcePlan"].as_str().unwrap_or_default());
    let list = |key: &str| plan[key].as_array().cloned().unwrap_or_default();
    for group in list("ssgProfiles") {
        let nodes = list("nodes").into_iter().map(|mut node| node["profile"].take());
        let slots = nodes
            .filter(|profile| profile["group"] == group["name"])
            .filter_map(|profile| number(&profile["parallelism"]))
            .fold(0.0, f64::max);
        let managed = match &group["managed"] {
            Value::Object(parts) => parts.values().map(gibibytes).sum(),
            whole => gibibytes(whole),
        };
        cpu += slots * number(&group["cpu"]).unwrap_or_default();
        memory += slots * (gibibytes(&group["heap"]) + gibibytes(&group["offHeap"]) + managed);
    }
    ResourceUsage::of_job(cpu, memory)
}

/// The plan in any of the forms that the service returns.
fn plan(text: &str) -> Value {
    let unescaped = |text: &str| serde_json::from_str::<String>(text).ok();
    let plan = unescaped(text).or_else(|| unescaped(&format!("\"{text}\"")));
    let plan = plan.as_deref().filter(|plan| plan.starts_with('{')).unwrap_or(text);
    serde_json::from_str(plan).unwrap_or_default()
}

/// The cores and GiB of a process.
fn process(spec: &Value) -> (f64, f64) {
    (number(&spec["cpu"]).unwrap_or_default(), gibibytes(&spec["memory"]))
}

fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

fn gibibytes(size: &Value) -> f64 {
    let text = size.as_str().unwrap_or_default().to_ascii_lowercase();
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let amount: f64 = digits.parse().unwrap_or_default();
    let unit = text[digits.len()..].trim_start();
    if unit.starts_with('m') { amount / 1024.0 } else { amount }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_basic_setting_has_one_jobmanager_and_enough_taskmanagers() {
        let setting = json!({"parallelism": 5,
            "jobmanagerResourceSettingSpec": {"cpu": 1, "memory": "4 GiB"},
            "taskmanagerResourceSettingSpec": {"cpu": 2.0, "memory": "16384m"}});
        let deployment = json!({"flinkConf": {"taskmanager.numberOfTaskSlots": "2"},
            "streamingResourceSetting": {"resourceSettingMode": "BASIC", "basicResourceSetting": setting}});
        let resource_usage = ResourceUsage::of_deployment(&deployment);
        assert_eq!(resource_usage, ResourceUsage { cpu_cores: 7.0, memory_gib: 52.0, compute_units: 13.0 });
        let batch = json!({"batchResourceSetting": {"maxSlot": 2, "basicResourceSetting": setting}});
        assert!((ResourceUsage::of_deployment(&batch).cpu_cores - 5.0).abs() < 1e-9);
    }

    #[test]
    fn an_expert_setting_is_read_in_each_form_of_its_plan() {
        let plan = json!({
            "ssgProfiles": [{"name": "a", "cpu": 0.5, "heap": "1 gb", "offHeap": "512 mb",
                             "managed": {"STATE_BACKEND": "512 mb"}}],
            "nodes": [{"profile": {"group": "a", "parallelism": 2}}, {"profile": {"group": "a", "parallelism": 4}}],
        })
        .to_string();
        let quoted = json!(plan).to_string();
        for form in [plan, quoted.trim_matches('"').to_owned(), quoted] {
            let deployment = json!({"streamingResourceSetting": {"resourceSettingMode": "EXPERT",
                "expertResourceSetting": {"resourcePlan": form}}});
            let resource_usage = ResourceUsage::of_deployment(&deployment);
            assert_eq!(resource_usage, ResourceUsage { cpu_cores: 2.0, memory_gib: 8.0, compute_units: 2.0 });
        }
    }
}
