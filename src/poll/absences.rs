//! Deployments that a listing may have missed.
//!
//! Where a fleet changes faster than its pages can be read, no walk agrees with itself, and one may miss a
//! deployment that exists: it moved from a page that was still to be read to one that had been. Such a deployment
//! stays served until a listing that agrees lacks it, or several in a row do.

use std::collections::{HashMap, HashSet};

use crate::model::Deployment;

/// So many disagreeing listings may lack a deployment before it is taken for deleted.
const TOLERATED: u32 = 3;

/// How many listings in a row each deployment was missing from.
#[derive(Debug, Default)]
pub(super) struct Absences(HashMap<Box<str>, u32>);

impl Absences {
    /// Notes a listing that agreed: what it lacks is gone.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// What `before` had and a disagreeing listing may have missed.
    pub(super) fn missed(&mut self, before: &[Deployment], listed: &[Deployment]) -> Vec<Deployment> {
        let present: HashSet<&str> = listed.iter().map(|deployment| &*deployment.id).collect();
        let missing: Vec<&Deployment> =
            before.iter().filter(|deployment| !present.contains(&*deployment.id)).collect();
        let mut absences = HashMap::new();
        let mut kept = Vec::new();
        for deployment in missing {
            let times = self.0.get(&deployment.id).copied().unwrap_or_default() + 1;
            if times <= TOLERATED {
                absences.insert(deployment.id.clone(), times);
                kept.push(deployment.clone());
            }
        }
        self.0 = absences;
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployments(ids: &[&str]) -> Vec<Deployment> {
        ids.iter().map(|&id| Deployment { id: id.into(), ..Deployment::default() }).collect()
    }

    fn ids(deployments: &[Deployment]) -> Vec<&str> {
        deployments.iter().map(|deployment| &*deployment.id).collect()
    }

    #[test]
    fn a_deployment_missed_by_a_disagreeing_listing_stays_and_comes_back_as_listed() {
        let mut absences = Absences::default();
        let mut served = deployments(&["a", "b"]);
        for _ in 0..10 {
            let kept = absences.missed(&served, &deployments(&["a"]));
            assert_eq!(ids(&kept), ["b"]);
            served = deployments(&["b", "a"]);
            assert!(absences.missed(&served, &served).is_empty());
        }
    }

    #[test]
    fn a_deployment_that_stays_away_goes() {
        let mut absences = Absences::default();
        let mut served = deployments(&["a", "gone"]);
        let mut sizes = Vec::new();
        for _ in 0..4 {
            let mut listed = deployments(&["a"]);
            listed.extend(absences.missed(&served, &listed));
            sizes.push(listed.len());
            served = listed;
        }
        assert_eq!(sizes, [2, 2, 2, 1]);
        assert!(absences.0.is_empty());
    }
}
