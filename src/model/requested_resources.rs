//! The resources that one running job requests, computed from the effective setting.

use super::{BasicSetting, Deployment, ResourceSettings, SessionCluster, TaskSlots, compute_units};

/// The resources that one running job requests. A value is none if a setting is missing.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct RequestedResources {
    /// Task slots.
    pub slots: Option<u64>,
    /// CPU cores of the JobManager and all TaskManagers.
    pub cpu_cores: Option<f64>,
    /// Memory of the JobManager and all TaskManagers in bytes.
    pub memory_bytes: Option<f64>,
    /// Compute units: see [`compute_units()`].
    pub compute_units: Option<f64>,
}

impl RequestedResources {
    /// Computes the resources for a deployment. For an unknown mode, all values are none.
    pub fn of(deployment: &Deployment) -> Self {
        let resources = &deployment.resources;
        match (&*deployment.info.execution_mode, &*deployment.info.resource_mode) {
            ("STREAMING", "BASIC") => resources
                .basic
                .as_ref()
                .map(|basic| of_basic(basic.parallelism, basic, resources.taskmanager_slots)),
            ("STREAMING", "EXPERT") => of_expert(resources),
            ("BATCH", _) => of_batch(resources),
            _ => None,
        }
        .unwrap_or_default()
    }

    /// Computes the resources of a running session cluster, as for a deployment in basic mode.
    pub fn of_cluster(cluster: &SessionCluster) -> Self {
        let basic = cluster.resources.as_ref();
        basic.map(|basic| of_basic(basic.parallelism, basic, cluster.taskmanager_slots)).unwrap_or_default()
    }
}

fn of_basic(slots: Option<u64>, basic: &BasicSetting, taskmanager_slots: TaskSlots) -> RequestedResources {
    let managers = slots
        .zip(taskmanager_slots.effective())
        .map(|(slots, slots_per_manager)| slots.div_ceil(slots_per_manager) as f64);
    let total =
        |jobmanager: Option<f64>, taskmanager: Option<f64>| finite(jobmanager? + managers? * taskmanager?);
    let bytes = |memory: Option<u64>| memory.map(|bytes| bytes as f64);
    let cpu_cores = total(basic.jobmanager.cpu_cores, basic.taskmanager.cpu_cores);
    let memory_bytes = total(bytes(basic.jobmanager.memory_bytes), bytes(basic.taskmanager.memory_bytes));
    RequestedResources {
        slots,
        cpu_cores,
        memory_bytes,
        compute_units: cpu_cores.zip(memory_bytes).map(|(cores, bytes)| compute_units(cores, bytes)),
    }
}

/// No memory is computed, because the memory in the plan is a lower bound: it lacks network memory, metaspace and JVM
/// overhead.
fn of_expert(resources: &ResourceSettings) -> Option<RequestedResources> {
    let expert = resources.expert.as_ref()?;
    let plan = expert.plan.as_ref()?;
    let cpu_cores = expert.jobmanager.cpu_cores.zip(plan.cpu_cores());
    Some(RequestedResources {
        slots: plan.slots(),
        cpu_cores: cpu_cores.and_then(|(jobmanager, groups)| finite(jobmanager + groups)),
        ..RequestedResources::default()
    })
}

/// An upper bound, because batch jobs use slots stage by stage.
fn of_batch(resources: &ResourceSettings) -> Option<RequestedResources> {
    let batch = resources.batch.as_ref()?;
    let basic = batch.basic.unwrap_or_default();
    let slots = match (batch.max_slots, basic.parallelism) {
        (Some(max_slots), Some(parallelism)) => Some(max_slots.min(parallelism)),
        (max_slots, parallelism) => max_slots.or(parallelism),
    };
    Some(of_basic(slots, &basic, resources.taskmanager_slots))
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::{
        BatchSetting, DeploymentInfo, ExpertSetting, PlanNode, ProcessSpec, ResourcePlan, SlotGroup,
    };
    use super::*;

    const GIB: f64 = 1_073_741_824.0;
    const GIB_BYTES: u64 = 1 << 30;

    fn process(cores: f64, gib: u64) -> ProcessSpec {
        ProcessSpec { cpu_cores: Some(cores), memory_bytes: Some(gib * GIB_BYTES) }
    }

    fn basic(parallelism: Option<u64>) -> BasicSetting {
        BasicSetting { parallelism, jobmanager: process(2.0, 4), taskmanager: process(2.0, 4) }
    }

    fn deployment(execution_mode: &str, resource_mode: &str, resources: ResourceSettings) -> Deployment {
        let info = DeploymentInfo {
            execution_mode: execution_mode.into(),
            resource_mode: resource_mode.into(),
            ..DeploymentInfo::default()
        };
        Deployment { info: info.into(), resources: resources.into(), ..Deployment::default() }
    }

    fn streaming(parallelism: Option<u64>, taskmanager_slots: TaskSlots) -> Deployment {
        let basic = Some(basic(parallelism));
        deployment("STREAMING", "BASIC", ResourceSettings { basic, taskmanager_slots, ..Default::default() })
    }

    fn batch(max_slots: Option<u64>, parallelism: Option<u64>) -> Deployment {
        let setting = BatchSetting { max_slots, basic: Some(basic(parallelism)) };
        deployment("BATCH", "", ResourceSettings { batch: Some(setting), ..Default::default() })
    }

    #[test]
    fn basic_mode_counts_whole_task_managers() {
        let requested = RequestedResources::of(&streaming(Some(4), TaskSlots::Absent));
        assert_eq!(requested.slots, Some(4));
        assert_eq!(requested.cpu_cores, Some(10.0));
        assert_eq!(requested.memory_bytes, Some(20.0 * GIB));
        assert_eq!(requested.compute_units, Some(10.0));
        let requested = RequestedResources::of(&streaming(Some(5), TaskSlots::Given(2)));
        assert_eq!(requested.cpu_cores, Some(8.0), "5 slots at 2 a task manager are 3 task managers");
        for slots in [TaskSlots::Given(0), TaskSlots::Negative] {
            assert_eq!(RequestedResources::of(&streaming(Some(4), slots)).cpu_cores, Some(10.0));
        }
    }

    #[test]
    fn compute_units_follow_memory_if_it_needs_more_of_them() {
        let mut deployment = streaming(Some(1), TaskSlots::Absent);
        Arc::make_mut(&mut deployment.resources).basic.as_mut().unwrap().taskmanager = process(1.0, 36);
        let requested = RequestedResources::of(&deployment);
        assert_eq!((requested.cpu_cores, requested.compute_units), (Some(3.0), Some(10.0)));
    }

    #[test]
    fn a_missing_value_removes_only_metrics_that_depend_on_it() {
        let mut deployment = streaming(Some(4), TaskSlots::Absent);
        Arc::make_mut(&mut deployment.resources).basic.as_mut().unwrap().jobmanager.memory_bytes = None;
        let requested = RequestedResources::of(&deployment);
        assert_eq!(requested.cpu_cores, Some(10.0));
        assert_eq!((requested.memory_bytes, requested.compute_units), (None, None));
        let requested = RequestedResources::of(&streaming(Some(4), TaskSlots::Unreadable));
        assert_eq!((requested.slots, requested.cpu_cores), (Some(4), None));
        assert_eq!(
            RequestedResources::of(&streaming(None, TaskSlots::Absent)),
            RequestedResources::default()
        );
    }

    #[test]
    fn expert_mode_uses_the_plan_and_has_no_memory() {
        let group = SlotGroup {
            name: "default".into(),
            cpu_cores: Some(1.13),
            heap_bytes: Some(GIB_BYTES),
            off_heap_bytes: None,
            managed_bytes: None,
            slots: None,
        };
        let node = PlanNode { group: "default".into(), parallelism: Some(1) };
        let plan = Some(ResourcePlan::new(vec![group], &[node]));
        let expert = Some(ExpertSetting { jobmanager: process(2.0, 4), plan });
        let basic = Some(basic(Some(4)));
        let resources = ResourceSettings { basic, expert, ..Default::default() };
        let requested = RequestedResources::of(&deployment("STREAMING", "EXPERT", resources));
        assert_eq!((requested.slots, requested.cpu_cores), (Some(1), Some(3.13)));
        assert_eq!((requested.memory_bytes, requested.compute_units), (None, None));
    }

    #[test]
    fn batch_mode_uses_the_lesser_of_the_known_values() {
        let slots = |max_slots, parallelism| RequestedResources::of(&batch(max_slots, parallelism)).slots;
        assert_eq!(slots(Some(10), Some(4)), Some(4));
        assert_eq!(slots(Some(3), Some(4)), Some(3));
        assert_eq!(slots(Some(3), None), Some(3));
        assert_eq!(slots(None, Some(4)), Some(4));
        assert_eq!(slots(None, None), None);
    }

    #[test]
    fn an_unknown_mode_has_no_known_resources() {
        let resources = ResourceSettings { basic: Some(basic(Some(4))), ..Default::default() };
        for (execution, resource) in [("STREAMING", "AUTO"), ("STREAMING", ""), ("", "BASIC"), ("X", "Y")] {
            assert_eq!(
                RequestedResources::of(&deployment(execution, resource, resources.clone())),
                RequestedResources::default()
            );
        }
    }
}
