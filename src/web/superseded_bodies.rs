//! Bounds the memory of shared bodies that a newer version has superseded while clients still read them.
//!
//! A body that many responses share costs no memory beside its newest version, which the exporter holds anyway.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Weak},
};

use bytes::Bytes;
use parking_lot::Mutex;

use super::{connection::ConnectionState, response_body::SharedBody, response_memory::STALLED_AFTER};
use crate::{
    exposition::{Encoding, Format},
    model::TargetId,
};

/// Bytes that superseded versions may hold in all.
const MAX_BYTES: usize = 24 * 1024 * 1024;

/// The identity of a shared body, of which there are versions.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum BodyKey {
    Metrics(Format, Encoding),
    Status,
    Deployments(TargetId),
}

/// The shared bodies that are being sent.
#[derive(Debug, Default)]
pub(super) struct SharedBodies {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    /// The versions with readers, oldest first.
    versions: HashMap<BodyKey, Vec<Version>>,
}

#[derive(Debug)]
struct Version {
    /// The number of its first reader: versions in the order of time.
    since: u64,
    body: Weak<dyn SharedBody>,
    /// Bytes that the next version does not share; 0 for the newest version.
    superseded: usize,
    readers: HashMap<u64, Arc<ConnectionState>>,
}

impl SharedBodies {
    /// Records that the client of `connection` reads `body` until the guard is dropped.
    pub(super) fn read(
        self: &Arc<Self>,
        key: BodyKey,
        body: &Arc<dyn SharedBody>,
        connection: &Arc<ConnectionState>,
    ) -> Reader {
        let mut state = self.state.lock();
        let id = state.next;
        state.next += 1;
        state.add(&key, body, id, connection.clone());
        Reader { bodies: self.clone(), key, id }
    }
}

impl State {
    fn add(&mut self, key: &BodyKey, body: &Arc<dyn SharedBody>, id: u64, connection: Arc<ConnectionState>) {
        let versions = self.versions.entry(key.clone()).or_default();
        let is_same = |version: &&mut Version| std::ptr::addr_eq(version.body.as_ptr(), Arc::as_ptr(body));
        if let Some(version) = versions.iter_mut().find(is_same) {
            version.readers.insert(id, connection);
            return;
        }
        if let Some(last) = versions.last_mut() {
            last.superseded = last.body.upgrade().map_or(0, |last| unshared(&*last, &**body));
        }
        let readers = HashMap::from([(id, connection)]);
        versions.push(Version { since: id, body: Arc::downgrade(body), superseded: 0, readers });
        self.enforce();
    }

    /// Disconnects readers of superseded versions, oldest first, until the rest is within the bound: those that do
    /// not read, then all but those of a newest version's predecessor, which a slow scraper may be reading.
    fn enforce(&self) {
        let mut superseded: Vec<(&Version, bool)> = Vec::new();
        for versions in self.versions.values() {
            let predecessor = versions.len().checked_sub(2);
            let old = versions.iter().enumerate().filter(|(_, version)| version.superseded > 0);
            superseded.extend(old.map(|(index, version)| (version, Some(index) == predecessor)));
        }
        superseded.sort_by_key(|(version, _)| version.since);
        let mut total: usize = superseded.iter().map(|(version, _)| version.held()).sum();
        for spare_readers in [true, false] {
            for (version, is_predecessor) in &superseded {
                if total <= MAX_BYTES {
                    return;
                }
                let before = version.held();
                version.evict(spare_readers || *is_predecessor);
                total -= before - version.held();
            }
        }
    }

    fn remove(&mut self, key: &BodyKey, id: u64) {
        let Some(versions) = self.versions.get_mut(key) else { return };
        for version in versions.iter_mut() {
            version.readers.remove(&id);
        }
        versions.retain(|version| !version.readers.is_empty());
        if versions.is_empty() {
            self.versions.remove(key);
        }
    }
}

impl Version {
    /// The bytes that the readers hold, except those about to be disconnected.
    fn held(&self) -> usize {
        if self.readers.values().all(|reader| reader.is_evicted()) { 0 } else { self.superseded }
    }

    fn evict(&self, only_stalled: bool) {
        for reader in self.readers.values() {
            if !only_stalled || reader.last_progress().elapsed() > STALLED_AFTER {
                reader.evict();
            }
        }
    }
}

/// The bytes of `old` that `new` does not share.
fn unshared(old: &dyn SharedBody, new: &dyn SharedBody) -> usize {
    let address = |piece: &Bytes| (piece.as_ptr() as usize, piece.len());
    let kept: HashSet<_> = new.pieces().iter().map(address).collect();
    old.pieces().iter().filter(|piece| !kept.contains(&address(piece))).map(Bytes::len).sum()
}

/// A response that sends a shared body.
#[derive(Debug)]
pub(super) struct Reader {
    bodies: Arc<SharedBodies>,
    key: BodyKey,
    id: u64,
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.bodies.state.lock().remove(&self.key, self.id);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::advance;

    use super::*;

    #[derive(Debug)]
    struct Pieces(Vec<Bytes>);

    impl SharedBody for Pieces {
        fn pieces(&self) -> &[Bytes] {
            &self.0
        }
    }

    fn piece(bytes: usize) -> Bytes {
        vec![0; bytes].into()
    }

    fn body(pieces: &[Bytes]) -> Arc<dyn SharedBody> {
        Arc::new(Pieces(pieces.to_vec()))
    }

    fn connection() -> Arc<ConnectionState> {
        Arc::new(ConnectionState::new([10, 0, 0, 1].into()))
    }

    const HALF: usize = MAX_BYTES / 2 + 1;

    #[tokio::test(start_paused = true)]
    async fn readers_of_the_newest_version_cost_nothing() {
        let bodies = Arc::new(SharedBodies::default());
        let newest = body(&[piece(MAX_BYTES * 2)]);
        let clients: Vec<_> = (0..100).map(|_| connection()).collect();
        let readers: Vec<_> =
            clients.iter().map(|client| bodies.read(BodyKey::Status, &newest, client)).collect();
        advance(Duration::from_secs(60)).await;
        drop(bodies.read(BodyKey::Status, &newest, &connection()));
        assert!(clients.iter().all(|client| !client.is_evicted()));
        drop(readers);
        assert!(bodies.state.lock().versions.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn clients_that_leave_superseded_versions_unread_are_disconnected() {
        let bodies = Arc::new(SharedBodies::default());
        let (stalled, active) = (connection(), connection());
        let old = body(&[piece(HALF), piece(HALF)]);
        let _readers = [&stalled, &active].map(|client| bodies.read(BodyKey::Status, &old, client));
        advance(STALLED_AFTER * 2).await;
        active.record_progress();
        let _newer = bodies.read(BodyKey::Status, &body(&[piece(1)]), &connection());
        assert!(stalled.is_evicted());
        assert!(!active.is_evicted(), "it reads the version before the newest");
        let _newest = bodies.read(BodyKey::Status, &body(&[piece(1)]), &connection());
        assert!(active.is_evicted(), "two versions later it held more than the bound");
    }

    #[tokio::test(start_paused = true)]
    async fn pieces_that_versions_share_are_not_counted() {
        let bodies = Arc::new(SharedBodies::default());
        let shared = piece(MAX_BYTES * 2);
        let client = connection();
        let _old = bodies.read(BodyKey::Status, &body(&[shared.clone(), piece(1)]), &client);
        advance(STALLED_AFTER * 2).await;
        let _new = bodies.read(BodyKey::Status, &body(&[shared, piece(1)]), &connection());
        assert!(!client.is_evicted());
    }
}
