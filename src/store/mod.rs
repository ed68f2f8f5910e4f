//! All state that outlives a poll: the last good data of each target, its history and counters, and the objects that
//! a listing may have missed.
//!
//! A poll ends with one [`Store::commit`], which returns what changed. The store knows nothing of rendering: the
//! publisher reads [`Store::group`] and publishes it. Times that are kept are wall-clock times; the monotonic clock
//! serves only to wait for an expiry or to detect a stuck poll.

mod group;
mod history;
mod inner;
mod readiness;
mod report;
mod settings;
mod status;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{sync::Notify, time::Instant};

use crate::{
    clock::Clock,
    model::{GroupId, Misses, ObjectSet, PollOutcome, TargetId},
};

pub use group::GroupObjects;
pub use history::{PollHistory, PollRecord};
pub use readiness::{Latch, Readiness};
pub use report::{Change, Listed, PollFailure, PollReport};
pub use settings::{TargetEntry, TargetSettings};
pub use status::{Data, Freshness, TargetStatus};

use inner::Inner;
use report::Undo;

/// The state of all targets.
#[derive(Debug)]
pub struct Store {
    inner: Mutex<Inner>,
    expiry_changed: Notify,
    clock: Clock,
}

/// What a successful poll returned, merged with what is retained.
struct Received {
    objects: Arc<dyn ObjectSet>,
    pages: u64,
}

impl Store {
    /// A store without targets.
    pub fn new(clock: Clock) -> Self {
        Self { inner: Mutex::default(), expiry_changed: Notify::new(), clock }
    }

    /// Makes `targets` the set of known targets. Those known before keep their state, the others are forgotten with
    /// all they had. A new target holds a clone of `latch` until its first poll has finished.
    ///
    /// Returns the groups that lost data.
    pub fn set_targets(
        &self,
        targets: &BTreeMap<Arc<TargetId>, TargetSettings>,
        latch: Option<&Latch>,
    ) -> BTreeSet<GroupId> {
        let mut inner = self.inner.lock();
        let gone: Vec<_> = inner.targets.keys().filter(|id| !targets.contains_key(*id)).cloned().collect();
        let lost = gone.iter().filter_map(|id| inner.remove(id)).collect();
        for (id, settings) in targets {
            inner.set(id, settings, latch);
        }
        drop(inner);
        self.expiry_changed.notify_one();
        lost
    }

    /// Notes when a target's next poll starts, and by when that poll must have reported: see [`Store::stuck`].
    pub fn schedule(&self, id: &TargetId, next_poll: Instant, report_due: Instant) {
        let next_poll = self.wall_clock(next_poll);
        let mut inner = self.inner.lock();
        inner.set_report_due(id, report_due);
        if let Some(status) = inner.status(id) {
            status.next_poll = Some(next_poll);
        }
    }

    /// The targets whose poll loop has not reported in time: polls that neither finish nor time out.
    pub fn stuck(&self, now: Instant) -> Vec<Arc<TargetId>> {
        let inner = self.inner.lock();
        inner.reports_due.iter().take_while(|(due, _)| *due <= now).map(|(_, id)| id.clone()).collect()
    }

    /// Takes the report of a poll of the loop with this `generation`; `None` if that loop has been replaced, or its
    /// target removed.
    ///
    /// What equals the data before keeps its revision, so that nothing has to be rendered.
    pub fn commit(&self, id: &TargetId, generation: u64, report: PollReport) -> Option<Change> {
        let undo = {
            let inner = self.inner.lock();
            let entry = inner.current(id, generation)?;
            Undo { status: entry.status.clone(), misses: entry.misses.clone() }
        };
        let (before, mut misses) = (undo.status.data.clone(), undo.misses.clone());
        // Comparing and merging two large listings takes its time: not under the lock.
        let (result, record) = self.summarise(report.took, report.result, before.as_ref(), &mut misses);
        let next_poll = self.wall_clock(report.next_poll);

        let mut inner = self.inner.lock();
        inner.current(id, generation)?;
        inner.set_report_due(id, report.next_report_due);
        if let Some(Received { objects, pages }) = result {
            inner.replace_data(id, objects, report.requested_at, record.ended);
            inner.status(id)?.pages = pages;
        }
        let status = inner.status(id)?;
        status.add_poll(record, next_poll);
        let after = status.data.clone();
        let entry = inner.targets.get_mut(id)?;
        (entry.misses, entry.latch) = (misses, None);
        drop(inner);
        self.expiry_changed.notify_one();
        Some(Change { group: id.group(), before, after, undo })
    }

    /// Undoes a commit whose data can't be published: the poll counts as failed, and the data before it stays.
    pub fn revoke(&self, id: &TargetId, generation: u64, change: Change, failure: PollFailure) {
        let mut inner = self.inner.lock();
        let Some(entry) = inner.current(id, generation) else { return };
        let Some((id, _)) = inner.targets.get_key_value(id) else { return };
        let (id, committed) = (id.clone(), entry.status.clone());
        let Some(poll) = committed.last_poll().cloned() else { return };
        inner.restore(&id, change.undo);
        if let Some(status) = inner.status(&id) {
            let outcome = PollOutcome::Failure(failure.class);
            let record = PollRecord { outcome, objects: None, error: Some(failure.message), ..poll };
            status.add_poll(record, committed.next_poll.unwrap_or_default());
        }
        drop(inner);
        self.expiry_changed.notify_one();
    }

    /// The parts of a report that need no lock.
    fn summarise(
        &self,
        took: Duration,
        result: Result<Listed, PollFailure>,
        before: Option<&Data>,
        misses: &mut Misses,
    ) -> (Option<Received>, PollRecord) {
        let ended = self.clock.since_epoch();
        match result {
            Err(PollFailure { class, message }) => {
                let outcome = PollOutcome::Failure(class);
                (None, PollRecord { outcome, ended, took, objects: None, error: Some(message) })
            }
            Ok(Listed { mut objects, consistent, pages }) => {
                let listed = Some(objects.len());
                match before {
                    Some(before) if !consistent => objects.retain_missing(&*before.objects, misses),
                    _ => misses.clear(),
                }
                let objects = match before {
                    Some(before) if before.objects.equals(&*objects) => before.objects.clone(),
                    _ => Arc::from(objects),
                };
                let outcome = PollOutcome::Success;
                (
                    Some(Received { objects, pages }),
                    PollRecord { outcome, ended, took, objects: listed, error: None },
                )
            }
        }
    }

    /// Of `fields`, whose values were invalid in the last poll, those that were valid in the poll before it.
    pub fn newly_invalid(
        &self,
        id: &TargetId,
        fields: impl Iterator<Item = (&'static str, &'static str)>,
    ) -> BTreeSet<(&'static str, &'static str)> {
        let invalid: BTreeSet<_> = fields.collect();
        let mut inner = self.inner.lock();
        let Some(entry) = inner.targets.get_mut(id) else { return BTreeSet::new() };
        let known = std::mem::replace(&mut entry.logged_fields, invalid);
        entry.logged_fields.difference(&known).copied().collect()
    }

    /// Withdraws all data that has expired by `now`. Returns the groups that lost data.
    pub fn expire(&self, now: Instant) -> BTreeMap<GroupId, Vec<Arc<TargetId>>> {
        let mut inner = self.inner.lock();
        let mut lost: BTreeMap<GroupId, Vec<Arc<TargetId>>> = BTreeMap::new();
        while let Some((_, id)) = inner.expiries.first().filter(|(at, _)| *at <= now).cloned() {
            inner.withdraw(&id);
            lost.entry(id.group()).or_default().push(id);
        }
        lost
    }

    /// When the first data expires, if nothing renews it.
    pub fn next_expiry(&self) -> Option<Instant> {
        self.inner.lock().expiries.first().map(|(at, _)| *at)
    }

    /// Waits until [`Store::next_expiry`] may have changed.
    ///
    /// # Cancel safety
    ///
    /// May be dropped and called again: a change in between is not missed.
    pub async fn expiry_changed(&self) {
        self.expiry_changed.notified().await;
    }

    /// A group's targets.
    pub fn group(&self, group: &GroupId) -> Vec<TargetEntry> {
        let inner = self.inner.lock();
        let ids = inner.groups.get(group).into_iter().flatten();
        ids.filter_map(|id| Some((id.clone(), inner.targets.get(id)?.status.clone()))).collect()
    }

    /// Every target, in the order of their ids.
    pub fn targets(&self) -> Vec<TargetEntry> {
        let inner = self.inner.lock();
        inner.targets.iter().map(|(id, entry)| (id.clone(), entry.status.clone())).collect()
    }

    /// One target's status.
    pub fn target(&self, id: &TargetId) -> Option<Arc<TargetStatus>> {
        self.inner.lock().targets.get(id).map(|entry| entry.status.clone())
    }

    fn wall_clock(&self, instant: Instant) -> Duration {
        self.clock.since_epoch() + instant.saturating_duration_since(Instant::now())
    }
}

#[cfg(test)]
mod tests;
