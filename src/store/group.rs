//! The data of a group: what all targets of one collector and one scope returned.

use std::{cmp::Reverse, sync::Arc};

use super::{settings::TargetEntry, transitions::NamespaceTransitions};
use crate::model::{Deployment, GroupId, Object, ObjectSet, TargetId, Transitions, merge};

/// The objects of a group, as returned by each of its targets that has data.
#[derive(Debug)]
pub struct GroupObjects {
    /// The group.
    pub id: GroupId,
    /// The most recent first.
    sets: Vec<Arc<dyn ObjectSet>>,
    transitions: Option<Arc<NamespaceTransitions>>,
    version: GroupVersion,
}

/// What the objects of a group, and all that is rendered of them, depend on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupVersion {
    /// The targets with data and the revision of each, the most recent first.
    targets: Vec<(Arc<TargetId>, u64)>,
    transitions: Option<u64>,
}

impl GroupObjects {
    /// The data of `targets`, which are those of the group `id`, with what is remembered of its deployments.
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
                // Read before the transitions, which may be newer then, and are rendered again.
                transitions: transitions.as_ref().map(|transitions| transitions.revision()),
            },
            transitions,
        }
    }

    /// What the objects depend on.
    pub fn version(&self) -> &GroupVersion {
        &self.version
    }

    /// The transitions of `deployments`, in their order; empty where there are none.
    pub fn transitions(&self, deployments: &[&Deployment]) -> Vec<Transitions> {
        match &self.transitions {
            Some(namespace) => namespace.transitions(deployments.iter().copied()),
            None => vec![Transitions::default(); deployments.len()],
        }
    }

    /// The number of objects; one that several targets returned counts several times.
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
