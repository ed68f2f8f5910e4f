//! The deployments of a namespace that are served when a poll is compared.

use std::{cell::OnceCell, collections::HashSet, sync::Arc};

use crate::model::{Deployment, ObjectSet, Objects};

/// The served data of the targets of a namespace.
#[derive(Debug, Default)]
pub(in crate::store) struct ServedDeployments {
    /// The data of the polled target is first.
    sets: Vec<Arc<dyn ObjectSet>>,
}

/// The ids of the deployments in [`ServedDeployments`].
#[derive(Debug)]
pub(super) struct ServedIds<'s> {
    same_target: &'s [Deployment],
    sets: Vec<&'s Objects<Deployment>>,
    all: OnceCell<HashSet<&'s str>>,
}

impl ServedDeployments {
    /// Creates the set from the data of the polled target, if there is any, and of the other targets.
    pub(in crate::store) fn new(
        same_target: Option<Arc<dyn ObjectSet>>,
        others: Vec<Arc<dyn ObjectSet>>,
    ) -> Self {
        Self { sets: same_target.into_iter().chain(others).collect() }
    }

    pub(super) fn ids(&self) -> ServedIds<'_> {
        let sets: Vec<_> = self.sets.iter().filter_map(|set| set.downcast::<Deployment>()).collect();
        ServedIds { same_target: sets.first().map_or(&[], |set| set.all()), sets, all: OnceCell::new() }
    }
}

impl<'s> ServedIds<'s> {
    /// Whether the deployment at `index` of a listing is served. Listings usually have the same order, so the same
    /// index is checked first.
    pub(super) fn contains(&self, index: usize, id: &str) -> bool {
        self.same_target.get(index).is_some_and(|deployment| &*deployment.id == id)
            || self.all.get_or_init(|| self.collect()).contains(id)
    }

    fn collect(&self) -> HashSet<&'s str> {
        self.sets.iter().flat_map(|set| set.all()).map(|deployment| &*deployment.id).collect()
    }
}
