//! Progress of listings, for a user who waits for them.

use std::sync::atomic::{AtomicU64, Ordering};

/// The pages of all listings of the process.
#[derive(Debug, Default)]
pub struct ListingProgress {
    pages: AtomicU64,
    read: AtomicU64,
}

impl ListingProgress {
    /// The number of pages read, and of pages known so far.
    pub fn pages(&self) -> (u64, u64) {
        (self.read.load(Ordering::Relaxed), self.pages.load(Ordering::Relaxed))
    }

    pub(super) fn expect(&self, pages: u64) {
        self.pages.fetch_add(pages, Ordering::Relaxed);
    }

    pub(super) fn done(&self) {
        self.read.fetch_add(1, Ordering::Relaxed);
    }
}
