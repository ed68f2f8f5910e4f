//! What is asked, and what the requests of one listing share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_util::sync::CancellationToken;

use crate::model::Operation;

/// One call: what is asked, of which path.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) operation: Operation,
    /// The encoded path.
    pub(super) path: String,
    /// The canonical query.
    pub(super) query: String,
    /// Cancelled when nobody wants the reply any more: then no request is sent that was not sent yet.
    pub(super) abandoned: CancellationToken,
    /// What it shares with the other calls of its listing.
    pub(super) shared: Arc<Shared>,
}

/// What the calls of one listing share.
#[derive(Debug)]
pub(super) struct Shared {
    /// A request is under way in each of these places at the most.
    places: Semaphore,
    /// Bodies that were decoded, whose memory the next ones take.
    bodies: Mutex<Vec<Vec<u8>>>,
}

impl Shared {
    /// For a listing with so many requests under way at once.
    pub(super) fn new(side_by_side: usize) -> Self {
        Self { places: Semaphore::new(side_by_side), bodies: Mutex::default() }
    }

    /// Waits for a place, held until it is dropped.
    pub(super) async fn place(&self) -> Option<SemaphorePermit<'_>> {
        // The semaphore is never closed.
        self.places.acquire().await.ok()
    }

    /// Memory for a body of `size` bytes.
    pub(super) fn body(&self, size: usize) -> Vec<u8> {
        let mut body = self.bodies().pop().unwrap_or_default();
        body.reserve(size);
        body
    }

    /// Takes back the memory of a body that is needed no more.
    pub(super) fn give_back(&self, mut body: Vec<u8>) {
        body.clear();
        self.bodies().push(body);
    }

    fn bodies(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.bodies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
