//! What is known of one connection, and when it has to be closed.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

/// How long a client may take to send its first request, including the TLS handshake.
const FIRST_REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection may be idle. Longer than common scrape intervals, so that scrapers can keep theirs.
pub(super) const IDLE_TIMEOUT: Duration = Duration::from_secs(75);

/// How long a client may leave a response unread.
const WRITE_STALL_TIMEOUT: Duration = Duration::from_secs(30);

/// How long one response may take, even if the client reads steadily: it keeps old data in memory.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(120);

/// How often the timeouts of a connection are checked.
const CHECK_INTERVAL: Duration = Duration::from_millis(500);

/// The state of one connection.
#[derive(Debug)]
pub(in crate::web) struct ConnectionState {
    network: IpAddr,
    opened: Instant,
    /// Milliseconds from `opened` to the last progress: a request read, or bytes written. Bytes that are merely
    /// received are no progress.
    last_progress: AtomicU64,
    requests: AtomicU32,
    responses: Mutex<BTreeMap<u32, Instant>>,
    evicted: CancellationToken,
}

impl ConnectionState {
    /// The state of a new connection from `peer`.
    pub(in crate::web) fn new(peer: IpAddr) -> Self {
        Self {
            network: network(peer),
            opened: Instant::now(),
            last_progress: AtomicU64::default(),
            requests: AtomicU32::default(),
            responses: Mutex::default(),
            evicted: CancellationToken::new(),
        }
    }

    /// The network that shares limits with this client.
    pub(in crate::web) fn network(&self) -> IpAddr {
        self.network
    }

    pub(in crate::web) fn record_progress(&self) {
        let since = u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_progress.store(since, Ordering::Relaxed);
    }

    /// When the client last sent a request or took bytes.
    pub(in crate::web) fn last_progress(&self) -> Instant {
        self.opened + Duration::from_millis(self.last_progress.load(Ordering::Relaxed))
    }

    /// Closes the connection in favour of others.
    pub(in crate::web) fn evict(&self) {
        self.evicted.cancel();
    }

    /// Whether the connection is being closed in favour of others.
    pub(in crate::web) fn is_evicted(&self) -> bool {
        self.evicted.is_cancelled()
    }

    /// Records a request; its response is in progress until the guard is dropped.
    pub(super) fn begin_response(self: &Arc<Self>) -> ResponseGuard {
        self.record_progress();
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        self.responses.lock().insert(number, Instant::now());
        ResponseGuard { connection: self.clone(), number }
    }

    /// The reason to close the connection, if there is one.
    fn overdue(&self) -> Option<&'static str> {
        let idle = self.last_progress().elapsed();
        let oldest = self.responses.lock().first_key_value().map(|(_, since)| since.elapsed());
        match oldest {
            Some(age) if age > RESPONSE_TIMEOUT => Some("the response took too long"),
            Some(_) if idle > WRITE_STALL_TIMEOUT => Some("the response was left unread"),
            None if idle > IDLE_TIMEOUT => Some("idle"),
            None if self.requests.load(Ordering::Relaxed) == 0
                && self.opened.elapsed() > FIRST_REQUEST_TIMEOUT =>
            {
                Some("no request came")
            }
            _ => None,
        }
    }

    /// Waits until the connection has to be closed, and returns the reason.
    pub(super) async fn closed(&self) -> &'static str {
        let overdue = async {
            loop {
                sleep(CHECK_INTERVAL).await;
                if let Some(reason) = self.overdue() {
                    return reason;
                }
            }
        };
        tokio::select! {
            () = self.evicted.cancelled() => "evicted",
            reason = overdue => reason,
        }
    }
}

/// The network whose connections are counted together: an IPv4 address, or the /64 of an IPv6 address, because one
/// machine can use every address of it.
fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from(u128::from(address) & !u128::from(u64::MAX)).into(),
        address @ IpAddr::V4(_) => address,
    }
}

/// A response in progress.
#[derive(Debug)]
pub(super) struct ResponseGuard {
    connection: Arc<ConnectionState>,
    number: u32,
}

impl ResponseGuard {
    /// The number of the request on its connection, from 0.
    pub(super) fn number(&self) -> u32 {
        self.number
    }
}

impl Drop for ResponseGuard {
    fn drop(&mut self) {
        self.connection.responses.lock().remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn every_useless_connection_is_closed_in_the_end() {
        let new = || Arc::new(ConnectionState::new([10, 0, 0, 2].into()));
        let after = |begun: Instant| begun.elapsed().as_secs();
        let begun = Instant::now();
        assert_eq!((new().closed().await, after(begun)), ("no request came", 10));
        let (idle, begun) = (new(), Instant::now());
        drop(idle.begin_response());
        assert_eq!((idle.closed().await, after(begun)), ("idle", 75));
        let (stalled, begun) = (new(), Instant::now());
        let _response = stalled.begin_response();
        assert_eq!((stalled.closed().await, after(begun)), ("the response was left unread", 30));
        let (slow, begun) = (new(), Instant::now());
        let _response = slow.begin_response();
        let reading = async {
            loop {
                advance(Duration::from_secs(1)).await;
                slow.record_progress();
            }
        };
        let reason = tokio::select! { reason = slow.closed() => reason, () = reading => unreachable!() };
        assert_eq!(reason, "the response took too long");
        assert!((120..125).contains(&after(begun)), "{}", after(begun));
    }

    #[test]
    fn networks_are_ipv4_addresses_and_ipv6_subnets() {
        for (peer, expected) in
            [("10.0.0.1", "10.0.0.1"), ("::ffff:10.0.0.1", "10.0.0.1"), ("2001:db8::1:2:3:4", "2001:db8::")]
        {
            assert_eq!(network(peer.parse().unwrap()).to_string(), expected);
        }
    }
}
