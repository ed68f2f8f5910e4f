//! `api.max_listing_size`: limits the bytes of all pages of one listing together.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::{ApiError, Retry};

/// The bytes of all complete pages of a listing.
#[derive(Debug, Default)]
pub(super) struct ListingSize(AtomicUsize);

impl ListingSize {
    /// Checks the size of the listing with a page of `bytes`, which may not be complete.
    ///
    /// # Errors
    ///
    /// If the listing is larger than `limit` bytes.
    pub(super) fn check(&self, bytes: usize, limit: usize) -> Result<(), ApiError> {
        if self.0.load(Ordering::Relaxed).saturating_add(bytes) <= limit {
            return Ok(());
        }
        let detail = format!("the pages of the listing are larger than api.max_listing_size ({limit} bytes)");
        Err(ApiError::invalid(Retry::Never, detail))
    }

    /// Adds a complete page.
    pub(super) fn add_page(&self, bytes: usize) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }
}
