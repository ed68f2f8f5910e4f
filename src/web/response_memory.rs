//! Bounds the memory of bodies that are rendered for one response, however many clients do not read theirs.

use std::{collections::HashMap, net::IpAddr, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::time::sleep;

use super::connection::ConnectionState;

/// Bytes that may be reserved in all.
const MAX_BYTES: usize = 24 * 1024 * 1024;

/// A client that has taken nothing for this long may be disconnected if memory is needed.
pub(super) const STALLED_AFTER: Duration = Duration::from_secs(2);

/// How often, and how many times, a response waits for memory.
const WAIT_INTERVAL: Duration = Duration::from_millis(50);
const MAX_WAITS: usize = 60;

/// The memory of bodies that are rendered for one response.
#[derive(Debug, Default)]
pub(super) struct ResponseMemory {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    reserved: usize,
    reservations: HashMap<u64, (usize, Arc<ConnectionState>)>,
}

impl ResponseMemory {
    /// Reserves memory at once, or not at all.
    pub(super) fn try_reserve(
        self: &Arc<Self>,
        bytes: usize,
        connection: &Arc<ConnectionState>,
    ) -> Option<Reservation> {
        let mut state = self.state.lock();
        if state.reserved.saturating_add(bytes) > MAX_BYTES {
            return None;
        }
        state.reserved += bytes;
        let id = state.next;
        state.next += 1;
        state.reservations.insert(id, (bytes, connection.clone()));
        Some(Reservation { memory: self.clone(), id })
    }

    /// Reserves memory, and waits a few seconds for it. Meanwhile, clients that do not read are disconnected.
    pub(super) async fn reserve(
        self: &Arc<Self>,
        bytes: usize,
        connection: &Arc<ConnectionState>,
    ) -> Option<Reservation> {
        for _ in 0..MAX_WAITS {
            if let Some(reservation) = self.try_reserve(bytes, connection) {
                return Some(reservation);
            }
            self.state.lock().evict_stalled();
            sleep(WAIT_INTERVAL).await;
        }
        None
    }
}

impl State {
    /// Disconnects a stalled client of the network that holds the most memory, the one stalled for longest.
    fn evict_stalled(&self) {
        let mut networks: HashMap<IpAddr, usize> = HashMap::new();
        for (bytes, connection) in self.reservations.values() {
            *networks.entry(connection.network()).or_default() += bytes;
        }
        let connections = self.reservations.values().map(|(_, connection)| connection);
        let stalled = connections.filter(|connection| connection.last_progress().elapsed() > STALLED_AFTER);
        let most = stalled.clone().map(|connection| networks[&connection.network()]).max();
        let candidates = stalled.filter(|connection| Some(networks[&connection.network()]) == most);
        if let Some(connection) = candidates.min_by_key(|connection| connection.last_progress()) {
            connection.evict();
        }
    }
}

/// Reserved memory, released when dropped.
#[derive(Debug)]
pub(super) struct Reservation {
    memory: Arc<ResponseMemory>,
    id: u64,
}

impl Reservation {
    /// Changes the size; returns false if there is too little memory.
    pub(super) fn resize(&self, bytes: usize) -> bool {
        let mut state = self.memory.state.lock();
        let Some((before, _)) = state.reservations.get(&self.id) else { return false };
        let reserved = (state.reserved - before).saturating_add(bytes);
        if reserved > MAX_BYTES {
            return false;
        }
        state.reserved = reserved;
        if let Some((before, _)) = state.reservations.get_mut(&self.id) {
            *before = bytes;
        }
        true
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut state = self.memory.state.lock();
        if let Some((bytes, _)) = state.reservations.remove(&self.id) {
            state.reserved -= bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    fn connection(number: u8) -> Arc<ConnectionState> {
        Arc::new(ConnectionState::new([10, 0, 0, number].into()))
    }

    #[tokio::test(start_paused = true)]
    async fn memory_is_bounded_and_released() {
        let memory = Arc::new(ResponseMemory::default());
        let client = connection(1);
        let half = memory.try_reserve(MAX_BYTES / 2, &client).unwrap();
        let other = memory.try_reserve(MAX_BYTES / 2, &client).unwrap();
        assert!(memory.try_reserve(1, &client).is_none());
        assert!(!half.resize(MAX_BYTES / 2 + 1));
        assert!(half.resize(0));
        assert!(memory.try_reserve(MAX_BYTES / 2, &client).is_some());
        drop((half, other));
        assert!(memory.try_reserve(MAX_BYTES, &client).is_some());
        assert_eq!(memory.state.lock().reserved, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn clients_that_do_not_read_are_evicted_by_memory() {
        let memory = Arc::new(ResponseMemory::default());
        let (crowd, slow) = ([connection(1), connection(1), connection(1)], connection(2));
        let quarter = MAX_BYTES / 4;
        let mut held: Vec<_> =
            crowd.iter().chain([&slow]).map(|client| memory.try_reserve(quarter, client)).collect();
        let scraper = connection(3);
        assert!(
            memory.reserve(quarter, &scraper).await.is_none() || crowd.iter().any(|one| one.is_evicted())
        );
        advance(STALLED_AFTER * 2).await;
        let (reserved, ()) = tokio::join!(memory.reserve(quarter, &scraper), async {
            while !crowd.iter().any(|client| client.is_evicted()) {
                sleep(WAIT_INTERVAL).await;
            }
            held.remove(0);
        });
        assert!(reserved.is_some());
        assert!(!slow.is_evicted(), "the crowd holds more");
    }
}
