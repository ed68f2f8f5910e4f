//! `expertResourceSetting.resourcePlan`: slot sharing groups and the operators in them.

use super::SharedStr;

/// A slot sharing group (`ssgProfiles[]`) with its number of slots.
#[derive(Debug, Clone, PartialEq)]
pub struct SlotGroup {
    /// `name`.
    pub name: SharedStr,
    /// `cpu` of one slot.
    pub cpu_cores: Option<f64>,
    /// `heap` of one slot.
    pub heap_bytes: Option<u64>,
    /// `offHeap` of one slot.
    pub off_heap_bytes: Option<u64>,
    /// `managed` of one slot; the sum if the plan contains a map.
    pub managed_bytes: Option<u64>,
    /// The maximum parallelism of its nodes, 0 without nodes; none if a node's parallelism is invalid.
    pub slots: Option<u64>,
}

/// The slots of a node (`nodes[]`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanNode {
    /// `profile.group`.
    pub group: SharedStr,
    /// `profile.parallelism`.
    pub parallelism: Option<u64>,
}

/// A decoded plan.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ResourcePlan {
    groups: Vec<SlotGroup>,
    parallelism: Option<u64>,
    has_nodes: bool,
}

impl ResourcePlan {
    /// Creates a plan, and computes the slots of each group.
    ///
    /// A node of a group without a profile uses slots too. Its group is added without resources.
    pub fn new(mut groups: Vec<SlotGroup>, nodes: &[PlanNode]) -> Self {
        for group in &mut groups {
            group.slots = Some(0);
        }
        for node in nodes {
            let index = groups.iter().position(|group| group.name == node.group).unwrap_or_else(|| {
                groups.push(SlotGroup {
                    name: node.group.clone(),
                    cpu_cores: None,
                    heap_bytes: None,
                    off_heap_bytes: None,
                    managed_bytes: None,
                    slots: Some(0),
                });
                groups.len() - 1
            });
            let group = &mut groups[index];
            group.slots = group.slots.zip(node.parallelism).map(|(slots, more)| slots.max(more));
        }
        let all_known = nodes.iter().all(|node| node.parallelism.is_some());
        Self {
            groups,
            parallelism: nodes.iter().filter_map(|node| node.parallelism).max().filter(|_| all_known),
            has_nodes: !nodes.is_empty(),
        }
    }

    /// The slot sharing groups; names are unique.
    pub fn groups(&self) -> &[SlotGroup] {
        &self.groups
    }

    /// The maximum parallelism of all nodes.
    pub fn parallelism(&self) -> Option<u64> {
        self.parallelism
    }

    /// The slots of all groups.
    pub fn slots(&self) -> Option<u64> {
        if !self.has_nodes {
            return None;
        }
        self.groups.iter().map(|group| group.slots).sum()
    }

    /// The CPU cores of all slots.
    pub fn cpu_cores(&self) -> Option<f64> {
        if !self.has_nodes {
            return None;
        }
        self.groups
            .iter()
            .map(|group| match group.slots? {
                0 => Some(0.0),
                slots => Some(group.cpu_cores? * slots as f64),
            })
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(name: &str, cpu_cores: Option<f64>) -> SlotGroup {
        SlotGroup {
            name: name.into(),
            cpu_cores,
            heap_bytes: None,
            off_heap_bytes: None,
            managed_bytes: None,
            slots: None,
        }
    }

    fn node(group: &str, parallelism: Option<u64>) -> PlanNode {
        PlanNode { group: group.into(), parallelism }
    }

    #[test]
    fn slots_are_the_sum_over_groups_of_the_highest_parallelism() {
        let nodes = [node("a", Some(2)), node("a", Some(8)), node("b", Some(3))];
        let plan = ResourcePlan::new(vec![group("a", Some(0.5)), group("b", Some(1.0))], &nodes);
        assert_eq!(plan.slots(), Some(11));
        assert_eq!(plan.parallelism(), Some(8));
        assert_eq!(plan.cpu_cores(), Some(7.0));
    }

    #[test]
    fn a_group_without_nodes_takes_no_slot_and_needs_no_cpu() {
        let plan = ResourcePlan::new(vec![group("a", Some(0.5)), group("idle", None)], &[node("a", Some(2))]);
        assert_eq!((plan.slots(), plan.cpu_cores()), (Some(2), Some(1.0)));
    }

    #[test]
    fn a_node_of_an_unknown_group_takes_slots_of_unknown_cpu() {
        let nodes = [node("a", Some(2)), node("b", Some(3))];
        let plan = ResourcePlan::new(vec![group("a", Some(0.5))], &nodes);
        assert_eq!((plan.slots(), plan.cpu_cores()), (Some(5), None));
    }

    #[test]
    fn an_invalid_parallelism_removes_only_metrics_that_depend_on_it() {
        let nodes = [node("a", Some(2)), node("b", None)];
        let plan = ResourcePlan::new(vec![group("a", Some(0.5)), group("b", Some(1.0))], &nodes);
        assert_eq!((plan.slots(), plan.cpu_cores(), plan.parallelism()), (None, None, None));
        assert_eq!(plan.groups()[0].slots, Some(2));
    }

    #[test]
    fn an_empty_plan_has_no_known_resources() {
        let plan = ResourcePlan::new(Vec::new(), &[]);
        assert_eq!((plan.slots(), plan.cpu_cores(), plan.parallelism()), (None, None, None));
    }
}
