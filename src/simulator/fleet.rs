//! The fleet: what stands in each namespace at any time since the simulator's start.
//!
//! A pure function of the seed and the elapsed time. Nothing runs in the background and nothing changes, so two
//! simulators with one seed agree, and a test may ask about any moment.

use rand::RngExt as _;
use serde_json::Value;

use super::chance::{dice, mix};
use super::deployment::{Deployment, View};
use super::naming;
use crate::model::Selection;

/// For so many permanent deployments there is a place for one that comes and goes.
const PERMANENT_PER_VISITOR: usize = 12;

/// Visitors are made anew for each request, so there are never many.
const MAX_VISITORS: usize = 40;

/// Every namespace of the simulated workspace.
#[derive(Debug)]
pub(super) struct Fleet {
    namespaces: Vec<Namespace>,
}

impl Fleet {
    /// A fleet of `deployments` permanent deployments in each of `namespaces` namespaces.
    pub(super) fn new(seed: u64, namespaces: usize, deployments: usize) -> Self {
        let namespaces = (0..namespaces).map(|index| Namespace::new(seed, index, deployments)).collect();
        Self { namespaces }
    }

    /// The names of the namespaces.
    pub(super) fn names(&self) -> Vec<String> {
        self.namespaces.iter().map(|namespace| namespace.name.clone()).collect()
    }

    /// The namespace called `name`.
    pub(super) fn namespace(&self, name: &str) -> Option<&Namespace> {
        self.namespaces.iter().find(|namespace| namespace.name == name)
    }
}

/// One namespace.
#[derive(Debug)]
pub(super) struct Namespace {
    name: String,
    permanent: Vec<Deployment>,
    visitors: Vec<Visitors>,
}

/// Deployments to be rendered, and how many there are in all.
pub(super) struct Listing {
    pub(super) total: usize,
    pub(super) data: Vec<Value>,
}

impl Namespace {
    fn new(seed: u64, index: usize, deployments: usize) -> Self {
        let seed = mix(&[seed, index as u64]);
        let visitors = (deployments / PERMANENT_PER_VISITOR).min(MAX_VISITORS);
        Self {
            name: naming::namespace(index),
            permanent: (0..deployments).map(|place| Deployment::permanent(seed, index, place)).collect(),
            visitors: (0..visitors).map(|place| Visitors::new(mix(&[seed, place as u64, 1]))).collect(),
        }
    }

    /// What matches `selection`, without the first `skip` and at most `take`; the newest come first, as in the
    /// service, so that one made while a client turns pages moves the others on.
    pub(super) fn list(&self, selection: &Selection, view: View<'_>, skip: usize, take: usize) -> Listing {
        let visitors: Vec<_> =
            self.visitors.iter().filter_map(|visitors| visitors.present(view.elapsed)).collect();
        let everything = *selection == Selection::default();
        let matching = || {
            let all = visitors.iter().chain(&self.permanent);
            all.filter(|deployment| everything || deployment.matches(selection, view.elapsed))
        };
        let total = if everything { visitors.len() + self.permanent.len() } else { matching().count() };
        let page = matching().skip(skip).take(take);
        Listing { total, data: page.map(|deployment| deployment.render(view)).collect() }
    }
}

/// A place that is taken by one deployment after another, and empty between them.
#[derive(Debug)]
struct Visitors {
    seed: u64,
    /// When the first one comes, in seconds from the simulator's start: at the start there are none.
    first: u64,
    every: u64,
    stay: u64,
}

impl Visitors {
    fn new(seed: u64) -> Self {
        let mut dice = dice(&[seed]);
        let every = dice.random_range(180..600);
        Self {
            seed,
            first: dice.random_range(15..every),
            every,
            stay: dice.random_range(every / 4..every * 3 / 4),
        }
    }

    fn present(&self, elapsed: u64) -> Option<Deployment> {
        let since_first = elapsed.checked_sub(self.first)?;
        let generation = since_first / self.every;
        let created = self.first + generation * self.every;
        (elapsed - created < self.stay).then(|| Deployment::visitor(mix(&[self.seed, generation]), created))
    }
}

#[cfg(test)]
mod tests;
