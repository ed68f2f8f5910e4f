//! Which families `metrics.max_series` drops, and in which order.

use std::sync::LazyLock;

use crate::{collectors, model::CollectorName};

/// Families that are dropped together.
enum DropGroup {
    /// The families of deployments with these names.
    Deployments(&'static [&'static str]),
    /// Every family of a collector.
    Collector(CollectorName),
}

/// What is dropped first comes first: details before what dashboards and alerts need. Every other family is never dropped.
const DROP_ORDER: [DropGroup; 9] = [
    DropGroup::Deployments(&["aliyun_flink_deployment_labels"]),
    DropGroup::Deployments(&[
        "aliyun_flink_deployment_slot_group_cpu_cores",
        "aliyun_flink_deployment_slot_group_memory_bytes",
        "aliyun_flink_deployment_slot_group_slots",
    ]),
    DropGroup::Deployments(&["aliyun_flink_deployment_cpu_cores", "aliyun_flink_deployment_memory_bytes"]),
    DropGroup::Deployments(&[
        "aliyun_flink_deployment_parallelism",
        "aliyun_flink_deployment_max_slots",
        "aliyun_flink_deployment_taskmanager_slots",
    ]),
    DropGroup::Deployments(&[
        "aliyun_flink_deployment_created_timestamp_seconds",
        "aliyun_flink_deployment_modified_timestamp_seconds",
        "aliyun_flink_deployment_changes_pending",
    ]),
    DropGroup::Deployments(&[
        "aliyun_flink_deployment_requested_slots",
        "aliyun_flink_deployment_requested_cpu_cores",
        "aliyun_flink_deployment_requested_memory_bytes",
        "aliyun_flink_deployment_requested_compute_units",
    ]),
    DropGroup::Collector("jobs"),
    DropGroup::Collector("queues"),
    DropGroup::Collector("session_clusters"),
];

/// The names of the families that `metrics.max_series` drops, in groups, in the order in which the groups are dropped. A
/// group is dropped as a whole.
pub fn drop_order() -> &'static [Vec<&'static str>] {
    static GROUPS: LazyLock<Vec<Vec<&str>>> = LazyLock::new(|| DROP_ORDER.iter().map(names).collect());
    &GROUPS
}

fn names(group: &DropGroup) -> Vec<&'static str> {
    match group {
        DropGroup::Deployments(names) => names.to_vec(),
        DropGroup::Collector(name) => {
            let families = collectors::by_name(name).map(|collector| collector.section().families);
            families.unwrap_or_default().iter().map(|family| family.name).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{catalogue, model::DEPLOYMENTS};

    /// The families that are never dropped, because they show whether a deployment works.
    const NEVER_DROPPED: [&str; 5] = [
        "aliyun_flink_deployment_info",
        "aliyun_flink_deployment_jobs",
        "aliyun_flink_deployment_jobs_ended_total",
        "aliyun_flink_deployment_status",
        "aliyun_flink_deployment_status_since_timestamp_seconds",
    ];

    #[test]
    fn each_family_of_deployments_is_in_one_group_or_never_dropped() {
        let deployments = collectors::by_name(DEPLOYMENTS).unwrap().section().families;
        let mut families: Vec<&str> = deployments.iter().map(|family| family.name).collect();
        families.sort_unstable();
        let groups = DROP_ORDER.iter().filter_map(|group| match group {
            DropGroup::Deployments(names) => Some(*names),
            DropGroup::Collector(_) => None,
        });
        let mut classified: Vec<&str> = groups.flatten().copied().chain(NEVER_DROPPED).collect();
        classified.sort_unstable();
        assert_eq!(classified, families);
    }

    #[test]
    fn each_dropped_family_exists_and_is_in_one_group() {
        let families = catalogue::sections().into_iter().flat_map(|section| section.families);
        let families: BTreeSet<&str> = families.map(|family| family.name).collect();
        let dropped: Vec<&str> = drop_order().iter().flatten().copied().collect();
        assert!(dropped.iter().all(|name| families.contains(name)), "{dropped:?}");
        assert_eq!(dropped.iter().collect::<BTreeSet<_>>().len(), dropped.len());
    }
}
