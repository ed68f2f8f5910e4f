//! A request for one page of a listing.

use std::sync::Arc;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Priority, Product, listing_context::ListingContext};

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
