//! The data of a group: what all targets of one collector and one scope returned.

use std::{cmp::Reverse, sync::Arc};

use super::settings::TargetEntry;
use crate::model::{GroupId, Object, ObjectSet, TargetId, merge};

/// The objects of a group, as returned by each of its targets that has data.
#[derive(Debug)]
pub struct GroupObjects {
    /// The group.
    pub id: GroupId,
    /// The most recent first.
    sets: Vec<Arc<dyn ObjectSet>>,
    revisions: Vec<(Arc<TargetId>, u64)>,
}

impl GroupObjects {
    /// The data of `targets`, which are those of the group `id`.
    pub fn new(id: GroupId, targets: &[TargetEntry]) -> Self {
        let mut with_data: Vec<_> =
            targets.iter().filter_map(|(id, status)| Some((id, status.data.as_ref()?))).collect();
        with_data.sort_by_key(|(_, data)| Reverse(data.renewed_at));
        Self {
            id,
            sets: with_data.iter().map(|(_, data)| data.objects.clone()).collect(),
            revisions: with_data.iter().map(|(id, data)| ((*id).clone(), data.revision)).collect(),
        }
    }

    /// The targets with data and the revision of each, the most recent first: what the objects depend on.
    pub fn revisions(&self) -> &[(Arc<TargetId>, u64)] {
        &self.revisions
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
