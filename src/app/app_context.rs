//! The parts of the exporter that live as long as the process.

use std::sync::Arc;

use crate::{api::ListingProgress, clock::Clock, credentials, snapshot::Publisher, telemetry::Telemetry};

/// The parts of the exporter that live as long as the process.
#[derive(Debug)]
pub(super) struct AppContext {
    pub(super) publisher: Arc<Publisher>,
    pub(super) telemetry: Telemetry,
    pub(super) progress: Arc<ListingProgress>,
    pub(super) credentials: Arc<credentials::ProviderContext>,
    pub(super) clock: Clock,
}
