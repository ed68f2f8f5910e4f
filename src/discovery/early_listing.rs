//! Early listings: a poll that reports that its workspace or namespace does not exist requests a listing.

use std::{collections::BTreeSet, time::Duration};

use tokio::time::Instant;

/// Minimum time between two early listings of an entry.
const EARLY_INTERVAL: Duration = Duration::from_secs(60);

/// Early listings, because a poll reported that its workspace or namespace does not exist.
#[derive(Debug, Default)]
pub(super) struct EarlyListing {
    workspaces: BTreeSet<String>,
    last: Option<Instant>,
}

impl EarlyListing {
    /// Requests a listing of `workspace`.
    pub(super) fn request(&mut self, workspace: &str) {
        self.workspaces.insert(workspace.to_owned());
    }

    /// When the next requested listing may start; none without requests.
    pub(super) fn due(&self, now: Instant) -> Option<Instant> {
        let earliest = self.last.map_or(now, |last| last + EARLY_INTERVAL);
        (!self.workspaces.is_empty()).then_some(earliest.max(now))
    }

    /// Starts a listing of the returned workspaces.
    pub(super) fn start(&mut self, now: Instant) -> BTreeSet<String> {
        self.last = Some(now);
        std::mem::take(&mut self.workspaces)
    }

    /// Clears the requests, because a complete listing serves them.
    pub(super) fn clear(&mut self) {
        self.workspaces.clear();
    }
}
