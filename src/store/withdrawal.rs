//! Withdraws expired data.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use tokio::time::Instant;

use super::Store;
use crate::model::{DEPLOYMENTS, GroupId, JOBS, TargetId};

impl Store {
    /// Withdraws all data that has expired by `now`. Returns the groups that lost data.
    pub fn expire(&self, now: Instant) -> BTreeMap<GroupId, Vec<Arc<TargetId>>> {
        let mut shared = self.shared.lock();
        let mut lost: BTreeMap<GroupId, Vec<Arc<TargetId>>> = BTreeMap::new();
        // Only a part of the data of jobs has expired.
        let mut outdated = BTreeSet::new();
        while let Some((at, id)) = shared.expiries.first().filter(|(at, _)| *at <= now).cloned() {
            if id.collector == JOBS {
                shared.expiries.remove(&(at, id.clone()));
            } else {
                shared.withdraw(&id);
                lost.entry(id.group()).or_default().push(id.clone());
            }
            if id.collector == JOBS || id.collector == DEPLOYMENTS {
                outdated.insert(id.group().of_collector(JOBS));
            }
        }
        drop(shared);
        for group in outdated {
            if self.serve_jobs(&group).is_some() {
                lost.entry(group).or_default();
            }
        }
        lost
    }

    /// When the next data expires, unless a poll renews it.
    pub fn next_expiry(&self) -> Option<Instant> {
        self.shared.lock().expiries.first().map(|(at, _)| *at)
    }

    /// Waits until [`Store::next_expiry`] may have changed.
    ///
    /// # Cancel safety
    ///
    /// The future may be dropped and created again. A change in between is not lost.
    pub async fn expiry_changed(&self) {
        self.expiry_changed.notified().await;
    }
}
