//! The open connections, and which of them is evicted if there are too many.

use std::{collections::HashMap, net::IpAddr, sync::Arc};

use super::connection_state::ConnectionState;
use parking_lot::Mutex;

/// Every open connection.
#[derive(Debug)]
pub(in crate::web) struct Connections {
    max: usize,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    all: HashMap<u64, Arc<ConnectionState>>,
}

impl Connections {
    /// Keeps at most `max` connections open.
    pub(in crate::web) fn new(max: usize) -> Self {
        Self { max, open: Mutex::default() }
    }

    /// Admits a new connection. At the limit, it evicts another one first: of the network that has the most
    /// connections, the one that has made no progress for the longest time. So a client that opens thousands of
    /// connections evicts only its own; others are never refused.
    pub(in crate::web) fn admit(self: &Arc<Self>, peer: IpAddr) -> ConnectionGuard {
        let state = Arc::new(ConnectionState::new(peer));
        let mut open = self.open.lock();
        if open.all.len() >= self.max {
            open.evict_one();
        }
        let id = open.next;
        open.next += 1;
        open.all.insert(id, state.clone());
        ConnectionGuard { connections: self.clone(), id, state }
    }

    /// Evicts a connection as [`Connections::admit`] does.
    pub(in crate::web) fn evict_one(&self) {
        self.open.lock().evict_one();
    }
}

impl Open {
    fn evict_one(&mut self) {
        if let Some(id) = pick_eviction(&self.all)
            && let Some(evicted) = self.all.remove(&id)
        {
            evicted.evict();
        }
    }
}

fn pick_eviction(all: &HashMap<u64, Arc<ConnectionState>>) -> Option<u64> {
    let mut networks: HashMap<IpAddr, usize> = HashMap::new();
    for state in all.values() {
        *networks.entry(state.network()).or_default() += 1;
    }
    let most = networks.values().copied().max()?;
    let candidates = all.iter().filter(|(_, state)| networks[&state.network()] == most);
    candidates.min_by_key(|(_, state)| state.last_progress()).map(|(id, _)| *id)
}

/// The place of an open connection, given back when dropped.
#[derive(Debug)]
pub(in crate::web) struct ConnectionGuard {
    connections: Arc<Connections>,
    id: u64,
    pub(super) state: Arc<ConnectionState>,
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        self.connections.open.lock().all.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::advance;

    use super::*;

    const SCRAPER: [u8; 4] = [10, 0, 0, 1];
    const CROWD: [u8; 4] = [10, 0, 0, 2];
    const MAX_CONNECTIONS: usize = 512;

    #[tokio::test(start_paused = true)]
    async fn a_client_with_thousands_of_connections_evicts_only_its_own() {
        let connections = Arc::new(Connections::new(MAX_CONNECTIONS));
        let scraper = connections.admit(SCRAPER.into());
        let mut crowd = Vec::new();
        for _ in 0..3000 {
            advance(Duration::from_millis(1)).await;
            crowd.push(connections.admit(CROWD.into()));
        }
        assert!(!scraper.state.is_evicted());
        assert_eq!(connections.open.lock().all.len(), MAX_CONNECTIONS);
        let evicted = crowd.iter().filter(|one| one.state.is_evicted()).count();
        assert_eq!(evicted, 3001 - MAX_CONNECTIONS);
        drop((scraper, crowd));
        assert!(connections.open.lock().all.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_makes_progress_outlives_idle_ones() {
        let connections = Arc::new(Connections::new(MAX_CONNECTIONS));
        let busy = connections.admit(CROWD.into());
        let mut crowd = Vec::new();
        for number in 0..3000 {
            advance(Duration::from_millis(10)).await;
            if number % 100 == 0 {
                drop(busy.state.begin_response());
            }
            crowd.push(connections.admit(CROWD.into()));
        }
        assert!(!busy.state.is_evicted());
    }
}
