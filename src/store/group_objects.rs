//! The data of a group: the objects that all targets of one collector and one scope returned.

use std::{cmp::Reverse, sync::Arc};

use super::{target_settings::TargetEntry, transitions::NamespaceTransitions};
use crate::model::{Deployment, GroupId, Object, ObjectSet, TargetId, Transitions, merge};

/// The objects of a group, by target.
#[derive(Debug)]
pub struct GroupObjects {
    /// The group.
    pub id: GroupId,
    /// The sets of the targets that have data, the most recent first.
    sets: Vec<Arc<dyn ObjectSet>>,
    transitions: Option<Arc<NamespaceTransitions>>,
    version: GroupVersion,
}

/// The version of a group's objects, and of the text rendered from them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupVersion {
    /// The targets with data and their revisions, the most recent first.
    targets: Vec<(Arc<TargetId>, u64)>,
    transitions: Option<u64>,
}

impl GroupObjects {
    /// Creates the group `id` from the data of its `targets` and from its transitions.
    pub(super) fn new(
        id: GroupId,
        targets: &[TargetEntry],
        transitions: Option<Arc<NamespaceTransitions>>,
    ) -> Self {
        let mut with_data: Vec<_> =
            targets.iter().filter_map(|(id, status)| Some((id, status.data.as_ref()?))).collect();
        with_data.sort_by_key(|(_, data)| Reverse(data.renewed_at));
        Self {
            id,
            sets: with_data.iter().map(|(_, data)| data.objects.clone()).collect(),
            version: GroupVersion {
                targets: with_data.iter().map(|(id, data)| ((*id).clone(), data.revision)).collect(),
                // Read before the transitions. If they change in between, the group is rendered again.
                transitions: transitions.as_ref().map(|transitions| transitions.revision()),
            },
            transitions,
        }
    }

    /// The version.
    pub fn version(&self) -> &GroupVersion {
        &self.version
    }

    /// The transitions of `deployments`, in their order. Without transitions, they are empty.
    pub fn transitions(&self, deployments: &[&Deployment]) -> Vec<Transitions> {
        match &self.transitions {
            Some(namespace) => namespace.transitions(deployments.iter().copied()),
            None => vec![Transitions::default(); deployments.len()],
        }
    }

    /// The number of objects. An object that several targets returned counts several times.
    pub fn len(&self) -> usize {
        self.sets.iter().map(|set| set.len()).sum()
    }

    /// Whether there is no object.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The objects of type `T`, each once. If several targets returned an object, the most recent poll that listed it
    /// wins.
    pub fn merged<T: Object>(&self) -> Vec<&T> {
        let sets: Vec<_> = self.sets.iter().filter_map(|set| set.downcast::<T>()).collect();
        merge(&sets)
    }
}
