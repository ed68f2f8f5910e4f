//! What the requests of one listing share: the deadline, the requests in flight, the buffers and the size.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::Instant,
};

use super::{RateTurn, listing_size::ListingSize};

/// When a listing times out.
#[derive(Debug)]
pub(super) struct Deadline(Mutex<Instant>);

impl Deadline {
    pub(super) fn new(deadline: Instant) -> Self {
        Self(Mutex::new(deadline))
    }

    pub(super) fn get(&self) -> Instant {
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
    pub(super) size: ListingSize,
    /// The turn of the first request, if it was waited for before.
    turn: Mutex<Option<RateTurn>>,
}

impl ListingContext {
    pub(super) fn new(max_in_flight: usize, deadline: Arc<Deadline>) -> Self {
        Self {
            deadline,
            permits: Semaphore::new(max_in_flight),
            buffers: BufferPool::default(),
            size: ListingSize::default(),
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
