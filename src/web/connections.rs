//! Which connections are open, and which of them gives way when there are too many.

use std::{
    collections::{BTreeMap, HashMap},
    io,
    net::{IpAddr, Ipv6Addr},
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

/// Connections kept open, over all listeners. Where there are as many, a new one takes the place of another.
pub(super) const MAX_CONNECTIONS: usize = 512;

/// How long a client may take for its first request, the handshake included.
const FIRST_REQUEST: Duration = Duration::from_secs(10);

/// How long a connection may be of no use: longer than the scrape intervals in use, whose connections would else
/// be opened anew each time.
pub(super) const IDLE: Duration = Duration::from_secs(75);

/// How long a client may leave what was sent to it unread.
const STALL: Duration = Duration::from_secs(30);

/// How long a client may take for one response, however steadily it reads: each holds the text of its time.
const RESPONSE: Duration = Duration::from_secs(120);

/// How often a connection's times are looked at.
const LOOK: Duration = Duration::from_millis(500);

/// What is known of one connection.
#[derive(Debug)]
pub(super) struct Activity {
    network: IpAddr,
    opened: Instant,
    /// When last something was achieved, a request read or bytes taken: milliseconds since `opened`. Bytes that
    /// dribble in achieve nothing.
    last: AtomicU64,
    requests: AtomicU32,
    responses: Mutex<BTreeMap<u32, Instant>>,
    evicted: CancellationToken,
}

impl Activity {
    fn new(peer: IpAddr) -> Self {
        Self {
            network: network(peer),
            opened: Instant::now(),
            last: AtomicU64::default(),
            requests: AtomicU32::default(),
            responses: Mutex::default(),
            evicted: CancellationToken::new(),
        }
    }

    fn achieved(&self) {
        let since = u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(since, Ordering::Relaxed);
    }

    fn last(&self) -> Instant {
        self.opened + Duration::from_millis(self.last.load(Ordering::Relaxed))
    }

    /// Notes a request; the response is under way until the guard is dropped.
    pub(super) fn request(self: &Arc<Self>) -> Responding {
        self.achieved();
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        self.responses().insert(number, Instant::now());
        Responding { activity: self.clone(), number }
    }

    fn responses(&self) -> MutexGuard<'_, BTreeMap<u32, Instant>> {
        self.responses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why the connection is to be closed, if it is.
    fn overdue(&self) -> Option<&'static str> {
        let idle = self.last().elapsed();
        let oldest = self.responses().first_key_value().map(|(_, since)| since.elapsed());
        match oldest {
            Some(age) if age > RESPONSE => Some("the response took too long"),
            Some(_) if idle > STALL => Some("the response was left unread"),
            None if idle > IDLE => Some("idle"),
            None if self.requests.load(Ordering::Relaxed) == 0 && self.opened.elapsed() > FIRST_REQUEST => {
                Some("no request came")
            }
            _ => None,
        }
    }

    /// Returns when the connection is to be closed, with the reason.
    pub(super) async fn closed(&self) -> &'static str {
        let overdue = async {
            loop {
                sleep(LOOK).await;
                if let Some(reason) = self.overdue() {
                    return reason;
                }
            }
        };
        tokio::select! {
            () = self.evicted.cancelled() => "gave way to a new one",
            reason = overdue => reason,
        }
    }
}

/// A response under way.
#[derive(Debug)]
pub(super) struct Responding {
    activity: Arc<Activity>,
    number: u32,
}

impl Responding {
    /// The number of the request on its connection, from 0.
    pub(super) fn number(&self) -> u32 {
        self.number
    }
}

impl Drop for Responding {
    fn drop(&mut self) {
        self.activity.responses().remove(&self.number);
    }
}

/// Every open connection.
#[derive(Debug, Default)]
pub(super) struct Connections {
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    all: HashMap<u64, Arc<Activity>>,
}

impl Connections {
    /// Admits a new connection, in the place of another if there are too many: the one that achieved nothing for
    /// the longest time, of the network that has the most. So whoever opens thousands pushes out its own, and
    /// nobody is refused.
    pub(super) fn admit(self: &Arc<Self>, peer: IpAddr) -> Admitted {
        let activity = Arc::new(Activity::new(peer));
        let mut open = self.open();
        if open.all.len() >= MAX_CONNECTIONS
            && let Some(victim) = victim(&open.all)
            && let Some(evicted) = open.all.remove(&victim)
        {
            evicted.evicted.cancel();
        }
        let id = open.next;
        open.next += 1;
        open.all.insert(id, activity.clone());
        Admitted { connections: self.clone(), id, activity }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn victim(all: &HashMap<u64, Arc<Activity>>) -> Option<u64> {
    let mut networks: HashMap<IpAddr, usize> = HashMap::new();
    for activity in all.values() {
        *networks.entry(activity.network).or_default() += 1;
    }
    let most = networks.values().copied().max()?;
    let candidates = all.iter().filter(|(_, activity)| networks[&activity.network] == most);
    candidates.min_by_key(|(_, activity)| activity.last()).map(|(id, _)| *id)
}

/// Whose connections count together: an address, or the /64 that one machine can choose its addresses from.
fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from(u128::from(address) & !u128::from(u64::MAX)).into(),
        address @ IpAddr::V4(_) => address,
    }
}

/// A connection's place, given back when dropped.
#[derive(Debug)]
pub(super) struct Admitted {
    connections: Arc<Connections>,
    id: u64,
    pub(super) activity: Arc<Activity>,
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.connections.open().all.remove(&self.id);
    }
}

/// A stream whose successful writes count as achievements.
#[derive(Debug)]
pub(super) struct Watched<S> {
    stream: S,
    activity: Arc<Activity>,
}

impl<S> Watched<S> {
    pub(super) fn new(stream: S, activity: Arc<Activity>) -> Self {
        Self { stream, activity }
    }

    fn wrote(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if matches!(written, Poll::Ready(Ok(1..))) {
            self.activity.achieved();
        }
        written
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, buffer);
        self.wrote(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, buffers);
        self.wrote(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const SCRAPER: [u8; 4] = [10, 0, 0, 1];
    const CROWD: [u8; 4] = [10, 0, 0, 2];

    #[tokio::test(start_paused = true)]
    async fn who_opens_thousands_pushes_out_its_own() {
        let connections = Arc::new(Connections::default());
        let scraper = connections.admit(SCRAPER.into());
        let mut crowd = Vec::new();
        for _ in 0..3000 {
            advance(Duration::from_millis(1)).await;
            crowd.push(connections.admit(CROWD.into()));
        }
        assert!(!scraper.activity.evicted.is_cancelled());
        assert_eq!(connections.open().all.len(), MAX_CONNECTIONS);
        let evicted = crowd.iter().filter(|one| one.activity.evicted.is_cancelled()).count();
        assert_eq!(evicted, 3001 - MAX_CONNECTIONS);
        drop((scraper, crowd));
        assert!(connections.open().all.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn among_equals_who_achieves_something_stays() {
        let connections = Arc::new(Connections::default());
        let busy = connections.admit(CROWD.into());
        let mut crowd = Vec::new();
        for number in 0..3000 {
            advance(Duration::from_millis(10)).await;
            if number % 100 == 0 {
                drop(busy.activity.request());
            }
            crowd.push(connections.admit(CROWD.into()));
        }
        assert!(!busy.activity.evicted.is_cancelled());
    }

    #[tokio::test(start_paused = true)]
    async fn every_way_to_be_of_no_use_has_its_end() {
        let new = || Arc::new(Activity::new(CROWD.into()));
        let begun = Instant::now();
        let after = |begun: Instant| begun.elapsed().as_secs();
        assert_eq!((new().closed().await, after(begun)), ("no request came", 10));
        let (idle, begun) = (new(), Instant::now());
        drop(idle.request());
        assert_eq!((idle.closed().await, after(begun)), ("idle", 75));
        let (stalled, begun) = (new(), Instant::now());
        let _responding = stalled.request();
        assert_eq!((stalled.closed().await, after(begun)), ("the response was left unread", 30));
        let (slow, begun) = (new(), Instant::now());
        let _responding = slow.request();
        let reading = async {
            loop {
                advance(Duration::from_secs(1)).await;
                slow.achieved();
            }
        };
        let reason = tokio::select! { reason = slow.closed() => reason, () = reading => unreachable!() };
        assert_eq!(reason, "the response took too long");
        assert!((120..125).contains(&after(begun)), "{}", after(begun));
    }
}
