//! Retention of namespaces that are not targets any more. Only time in which the exporter runs counts.

use std::time::Duration;

use super::{Store, state_format::Record, transitions::FORGET_AFTER};
use crate::model::GroupId;

/// Deletions of all records of a namespace.
pub(super) struct ForgottenNamespace {
    pub(super) deployments: Vec<Record>,
    pub(super) jobs: Vec<Record>,
}

impl Store {
    /// Adds `elapsed` to each namespace that is not a target, and forgets those that have not been targets for 24
    /// hours.
    pub(super) fn forget_namespaces(&self, elapsed: Duration) -> Vec<(GroupId, ForgottenNamespace)> {
        let mut shared = self.shared.lock();
        let shared = &mut *shared;
        let mut forgotten = Vec::new();
        shared.transitions.retain(|group, namespace| {
            if shared.groups.contains_key(group) {
                namespace.age(Duration::ZERO);
                return true;
            }
            let orphaned = namespace.orphaned() + elapsed;
            namespace.age(orphaned);
            if orphaned >= FORGET_AFTER {
                let (deployments, jobs) = (namespace.deletions(), namespace.jobs.deletions());
                forgotten.push((group.clone(), ForgottenNamespace { deployments, jobs }));
            }
            orphaned < FORGET_AFTER
        });
        forgotten
    }
}
