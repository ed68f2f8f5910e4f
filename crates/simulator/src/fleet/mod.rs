//! The fleet: the deployments in each namespace at any time since the simulator's start.
//!
//! A pure function of the seed and the elapsed time. Nothing runs in the background and nothing changes, so two
//! simulators with one seed agree, and a test may ask about any moment.

use rand::RngExt as _;
use serde_json::Value;

use crate::deployment::{Deployment, View};
use crate::naming;
use crate::rng::{mix, seeded};
use crate::selection::Selection;

/// The number of permanent deployments for each slot of a transient one.
const PERMANENT_PER_TRANSIENT: usize = 12;

/// Transient deployments are created again for each request, so their number is limited.
const MAX_TRANSIENTS: usize = 40;

/// Every namespace of the simulated workspace.
#[derive(Debug)]
pub(crate) struct Fleet {
    namespaces: Vec<Namespace>,
}

impl Fleet {
    /// A fleet of `deployments` permanent deployments in each of `namespaces` namespaces.
    pub(crate) fn new(seed: u64, namespaces: usize, deployments: usize) -> Self {
        let namespaces = (0..namespaces).map(|index| Namespace::new(seed, index, deployments)).collect();
        Self { namespaces }
    }

    /// The names of the namespaces.
    pub(crate) fn names(&self) -> Vec<String> {
        self.namespaces.iter().map(|namespace| namespace.name.clone()).collect()
    }

    /// The namespace called `name`.
    pub(crate) fn namespace(&self, name: &str) -> Option<&Namespace> {
        self.namespaces.iter().find(|namespace| namespace.name == name)
    }
}

/// One namespace.
#[derive(Debug)]
pub(crate) struct Namespace {
    name: String,
    permanent: Vec<Deployment>,
    transients: Vec<TransientSlot>,
}

/// Rendered deployments, and the total number.
pub(crate) struct Listing {
    pub(crate) total: usize,
    pub(crate) data: Vec<Value>,
}

impl Namespace {
    fn new(seed: u64, index: usize, deployments: usize) -> Self {
        let seed = mix(&[seed, index as u64]);
        let transients = (deployments / PERMANENT_PER_TRANSIENT).min(MAX_TRANSIENTS);
        Self {
            name: naming::namespace(index),
            permanent: (0..deployments).map(|place| Deployment::permanent(seed, index, place)).collect(),
            transients: (0..transients)
                .map(|place| TransientSlot::new(mix(&[seed, place as u64, 1])))
                .collect(),
        }
    }

    /// What matches `selection`, without the first `skip` and at most `take`; the newest come first, as in the
    /// service, so that one made while a client turns pages moves the others on.
    pub(crate) fn list(&self, selection: &Selection, view: View<'_>, skip: usize, take: usize) -> Listing {
        let transients: Vec<_> =
            self.transients.iter().filter_map(|transients| transients.present(view.elapsed)).collect();
        let everything = *selection == Selection::default();
        let matching = || {
            let all = transients.iter().chain(&self.permanent);
            all.filter(|deployment| everything || deployment.matches(selection, view.elapsed))
        };
        let total = if everything { transients.len() + self.permanent.len() } else { matching().count() };
        let page = matching().skip(skip).take(take);
        Listing { total, data: page.map(|deployment| deployment.render(view)).collect() }
    }
}

/// A slot for one deployment after another, empty in between.
#[derive(Debug)]
struct TransientSlot {
    seed: u64,
    /// When the first one comes, in seconds from the simulator's start: at the start there are none.
    first: u64,
    every: u64,
    stay: u64,
}

impl TransientSlot {
    fn new(seed: u64) -> Self {
        let mut rng = seeded(&[seed]);
        let every = rng.random_range(180..600);
        Self {
            seed,
            first: rng.random_range(15..every),
            every,
            stay: rng.random_range(every / 4..every * 3 / 4),
        }
    }

    fn present(&self, elapsed: u64) -> Option<Deployment> {
        let since_first = elapsed.checked_sub(self.first)?;
        let generation = since_first / self.every;
        let created = self.first + generation * self.every;
        (elapsed - created < self.stay).then(|| Deployment::transient(mix(&[self.seed, generation]), created))
    }
}

#[cfg(test)]
mod tests;
