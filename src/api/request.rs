//! A request, and what the requests of one listing share.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{Priority, Product, RateTurn};

/// A request for one page.
#[derive(Debug, Clone)]
pub(super) struct ApiRequest {
    pub(super) action: &'static str,
    pub(super) product: Product,
    pub(super) priority: Priority,
    /// The percent-encoded path.
    pub(super) path: String,
    /// The canonical query.
    pub(super) query: String,
    /// Cancelled when the listing is abandoned; queued requests are then not sent.
    pub(super) cancelled: CancellationToken,
    pub(super) context: Arc<ListingContext>,
}

impl ApiRequest {
    /// When its listing times out.
    pub(super) fn deadline(&self) -> Instant {
        self.context.deadline.get()
    }
}

/// When a listing times out.
#[derive(Debug)]
pub(super) struct Deadline(Mutex<Instant>);

impl Deadline {
    pub(super) fn new(deadline: Instant) -> Self {
        Self(Mutex::new(deadline))
    }

    fn get(&self) -> Instant {
        *self.0.lock()
    }

    /// Moves the deadline by the time that the listing waited for limits.
    pub(super) fn postpone(&self, waited: Duration) {
        *self.0.lock() += waited;
    }
}

/// What the requests of one scan share.
#[derive(Debug)]
pub(super) struct ListingContext {
    pub(super) deadline: Arc<Deadline>,
    /// Limits the requests in flight for this listing.
    permits: Semaphore,
    pub(super) buffers: BufferPool,
    /// The bytes of all complete pages.
    size: AtomicUsize,
    /// The turn of the first request, if it was waited for before.
    turn: Mutex<Option<RateTurn>>,
}

impl ListingContext {
    pub(super) fn new(max_in_flight: usize, deadline: Arc<Deadline>) -> Self {
        Self {
            deadline,
            permits: Semaphore::new(max_in_flight),
            buffers: BufferPool::default(),
            size: AtomicUsize::new(0),
            turn: Mutex::default(),
        }
    }

    /// Makes `turn` that of the first request.
    pub(super) fn set_turn(&self, turn: RateTurn) {
        *self.turn.lock() = Some(turn);
    }

    /// The turn that was waited for before, once.
    pub(super) fn take_turn(&self) -> Option<RateTurn> {
        self.turn.lock().take()
    }

    /// Waits for a permit, which is held until it is dropped.
    pub(super) async fn permit(&self) -> Option<SemaphorePermit<'_>> {
        // The semaphore is never closed.
        self.permits.acquire().await.ok()
    }

    /// The size of the listing with a page of `bytes`, which may not be complete.
    pub(super) fn size_with(&self, bytes: usize) -> usize {
        self.size.load(Ordering::Relaxed).saturating_add(bytes)
    }

    /// Adds a complete page.
    pub(super) fn add_page(&self, bytes: usize) {
        self.size.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// Buffers of decoded bodies, for reuse by the next ones.
#[derive(Debug, Default)]
pub(super) struct BufferPool(Mutex<Vec<Vec<u8>>>);

impl BufferPool {
    /// An empty buffer with room for `size` bytes.
    pub(super) fn take(&self, size: usize) -> Vec<u8> {
        let mut buffer = self.0.lock().pop().unwrap_or_default();
        buffer.reserve(size);
        buffer
    }

    /// Returns a buffer that is no longer needed.
    pub(super) fn put(&self, mut buffer: Vec<u8>) {
        buffer.clear();
        self.0.lock().push(buffer);
    }
}
