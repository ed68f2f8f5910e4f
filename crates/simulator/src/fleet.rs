//! The fleet: the deployments in each namespace at any time since the simulator's start.
//!
//! A pure function of the seed and the elapsed time. Nothing runs in the background and nothing changes, so two
//! simulators with one seed agree, and a test may ask about any moment.

use rand::RngExt as _;

use crate::deployment::{Deployment, View};
use crate::deployment_filters::DeploymentFilters;
use crate::listing_page::Listing;
use crate::naming;
use crate::resource_usage::ResourceUsage;
use crate::rng::{mix, seeded};

/// The number of permanent deployments for each slot of a transient one.
const PERMANENT_PER_TRANSIENT: usize = 12;

/// Transient deployments are created again for each request, so their number is limited.
const MAX_TRANSIENTS: usize = 40;

/// The namespaces of one workspace.
#[derive(Debug)]
pub(crate) struct Fleet {
    seed: u64,
    namespaces: Vec<Namespace>,
}

impl Fleet {
    /// A fleet of `deployments` permanent deployments in each of `namespaces` namespaces.
    pub(crate) fn new(seed: u64, namespaces: usize, deployments: usize) -> Self {
        let made = |index| Namespace::new(seed, index, naming::namespace(index), deployments);
        Self { seed, namespaces: (0..namespaces).map(made).collect() }
    }

    /// The same with one namespace more, which comes and goes.
    pub(crate) fn with_visitor(mut self, deployments: usize) -> Self {
        let name = naming::VISITING_NAMESPACE.to_owned();
        let visitor = Namespace::new(self.seed, VISITOR, name, deployments);
        self.namespaces.push(Namespace { presence: Presence::Visiting, ..visitor });
        self
    }

    /// The names of the permanent namespaces.
    pub(crate) fn names(&self) -> Vec<String> {
        let permanent = self.namespaces.iter().filter(|namespace| namespace.presence != Presence::Visiting);
        permanent.map(|namespace| namespace.name.clone()).collect()
    }

    /// The namespace called `name`, if it is there now.
    pub(crate) fn namespace(&self, name: &str, elapsed: u64) -> Option<&Namespace> {
        self.namespaces.iter().find(|namespace| namespace.name == name && namespace.is_present(elapsed))
    }

    /// The namespaces that a listing returns now.
    pub(crate) fn listed(&self, elapsed: u64) -> impl Iterator<Item = &Namespace> {
        let listed = move |namespace: &&Namespace| {
            namespace.is_present(elapsed) && namespace.presence != Presence::Unlisted
        };
        self.namespaces.iter().filter(listed)
    }

    /// Creates a namespace, in place of any with the same name.
    pub(crate) fn add(&mut self, name: &str, deployments: usize) {
        self.remove(name);
        let index = VISITOR + self.namespaces.len();
        self.namespaces.push(Namespace::new(self.seed, index, name.to_owned(), deployments));
    }

    /// Deletes a namespace.
    pub(crate) fn remove(&mut self, name: &str) {
        self.namespaces.retain(|namespace| namespace.name != name);
    }

    /// Makes live jobs of a namespace fail. Returns how many did.
    pub(crate) fn fail(&mut self, name: &str, count: usize, elapsed: u64) -> usize {
        let named = self.namespaces.iter_mut().find(|namespace| namespace.name == name);
        named.map_or(0, |namespace| namespace.fail(count, elapsed))
    }

    /// Makes listings lack a namespace that still answers, or return it again.
    pub(crate) fn set_listed(&mut self, name: &str, listed: bool) {
        for namespace in self.namespaces.iter_mut().filter(|namespace| namespace.name == name) {
            namespace.presence = if listed { Presence::Permanent } else { Presence::Unlisted };
        }
    }
}

/// When a namespace exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Presence {
    Permanent,
    /// It comes and goes.
    Visiting,
    /// It answers, but no listing has it.
    Unlisted,
}

/// The index of the first namespace that has not been there from the start. It has no influence on the others.
const VISITOR: usize = 1 << 20;

/// When the visiting namespace is first created, in seconds from the simulator's start.
const VISIT_FIRST: u64 = 150;

/// How often it is created, in seconds.
const VISIT_EVERY: u64 = 600;

/// How long it stays, in seconds.
const VISIT_STAYS: u64 = 240;

/// How long its creation and its deletion take, in seconds.
const VISIT_CHANGES: u64 = 10;

/// One namespace.
#[derive(Debug)]
pub(crate) struct Namespace {
    name: String,
    index: usize,
    presence: Presence,
    permanent: Vec<Deployment>,
    transients: Vec<TransientSlot>,
}

impl Namespace {
    fn new(seed: u64, index: usize, name: String, deployments: usize) -> Self {
        let seed = mix(&[seed, index as u64]);
        let transients = (deployments / PERMANENT_PER_TRANSIENT).min(MAX_TRANSIENTS);
        Self {
            name,
            index,
            presence: Presence::Permanent,
            permanent: (0..deployments).map(|place| Deployment::permanent(seed, index, place)).collect(),
            transients: (0..transients)
                .map(|place| TransientSlot::new(mix(&[seed, place as u64, 1])))
                .collect(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Its place among the namespaces.
    pub(crate) fn index(&self) -> usize {
        self.index
    }

    /// Seconds since the visiting namespace was created; none if it is not there.
    fn visit(elapsed: u64) -> Option<u64> {
        let stayed = elapsed.checked_sub(VISIT_FIRST)? % VISIT_EVERY;
        (stayed < VISIT_STAYS).then_some(stayed)
    }

    fn is_present(&self, elapsed: u64) -> bool {
        self.presence != Presence::Visiting || Self::visit(elapsed).is_some()
    }

    /// The state of the last operation on it.
    pub(crate) fn status(&self, elapsed: u64) -> &'static str {
        match (self.presence, Self::visit(elapsed)) {
            (Presence::Visiting, Some(..VISIT_CHANGES)) => "CREATING",
            (Presence::Visiting, Some(stayed)) if stayed >= VISIT_STAYS - VISIT_CHANGES => "DELETING",
            _ => "SUCCESS",
        }
    }

    /// What its jobs take now.
    pub(crate) fn used(&self, elapsed: u64) -> ResourceUsage {
        let mut used = ResourceUsage::default();
        for deployment in &self.permanent {
            used += deployment.used(elapsed);
        }
        for deployment in self.transients.iter().filter_map(|transients| transients.present(elapsed)) {
            used += deployment.used(elapsed);
        }
        used
    }

    /// What one job of each permanent deployment takes.
    pub(crate) fn capacity(&self) -> ResourceUsage {
        let mut capacity = ResourceUsage::default();
        for deployment in &self.permanent {
            capacity += deployment.resource_usage();
        }
        capacity
    }

    /// What `read` returns of the deployment with this id; none if there is none now.
    pub(crate) fn with_deployment<T>(
        &self,
        id: &str,
        elapsed: u64,
        read: impl FnOnce(&Deployment) -> T,
    ) -> Option<T> {
        if let Some(permanent) = self.permanent.iter().find(|deployment| deployment.has_id(id)) {
            return Some(read(permanent));
        }
        let mut transients = self.transients.iter().filter_map(|transients| transients.present(elapsed));
        transients.find(|deployment| deployment.has_id(id)).as_ref().map(read)
    }

    /// Makes the live jobs of the first `count` streaming deployments that have one fail, after which none starts.
    /// Returns how many failed.
    pub(crate) fn fail(&mut self, count: usize, elapsed: u64) -> usize {
        let streaming = self.permanent.iter_mut().filter(|deployment| deployment.is_streaming());
        streaming.filter_map(|deployment| deployment.fail(elapsed).then_some(())).take(count).count()
    }

    /// What matches `selection`, without the first `skip` and at most `take`; the newest come first, as in the
    /// service, so that one made while a client turns pages moves the others on.
    pub(crate) fn list(
        &self,
        selection: &DeploymentFilters,
        view: View<'_>,
        skip: usize,
        take: usize,
    ) -> Listing {
        let transients: Vec<_> =
            self.transients.iter().filter_map(|transients| transients.present(view.elapsed)).collect();
        let everything = *selection == DeploymentFilters::default();
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
