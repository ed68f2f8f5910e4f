//! The loop of one entry: lists on schedule, and early if polls request it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::{StreamExt as _, stream};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use super::{
    Discovery,
    entries::ListingScope,
    entry_state::{EntrySettings, is_denial},
    listing_source::ListingSource,
};
use crate::poll::{Schedule, Supervised};

/// Maximum number of concurrent `DescribeNamespaces` of one entry. The rate limit applies too.
const CONCURRENT_LISTINGS: usize = 8;

/// Lists the workspaces and namespaces of one entry.
#[derive(Debug)]
pub struct DiscoveryLoop {
    /// The entry.
    pub settings: EntrySettings,
    /// Receives the results.
    pub discovery: Arc<Discovery>,
    /// The schedule.
    pub schedule: Schedule,
    /// Whether the loop has been started before.
    pub started: AtomicBool,
}

impl Supervised for DiscoveryLoop {
    async fn run(self: Arc<Self>, shutdown: CancellationToken) {
        shutdown
            .run_until_cancelled(async {
                // After a panic, do not repeat the request immediately.
                let again = self.started.swap(true, Ordering::Relaxed);
                let mut due =
                    if again { self.schedule.next_after(Instant::now()) } else { self.schedule.first() };
                loop {
                    if self.wait_until(due).await {
                        self.attempt().await;
                        due = self.schedule.next_after(Instant::now());
                    } else {
                        self.attempt_early().await;
                    }
                }
            })
            .await;
    }

    fn on_panic(&self) {
        error!(discovery = self.settings.name, "discovery task panicked; restarting");
        self.discovery.fail(&self.settings.name, "the discovery task panicked and was restarted".to_owned());
        self.discovery.finish(&self.settings.name);
    }
}

impl DiscoveryLoop {
    /// Waits until `due`, or until an early listing may start. Returns whether `due` was reached.
    async fn wait_until(&self, due: Instant) -> bool {
        loop {
            // Created first, so that a request after the check is not lost.
            let requested = self.discovery.early.notified();
            let early = self.discovery.early_due(&self.settings.name).filter(|early| *early < due);
            tokio::select! {
                () = sleep_until(early.unwrap_or(due)) => return early.is_none(),
                () = requested => {}
            }
        }
    }

    /// Lists everything once.
    pub async fn attempt(&self) {
        self.discovery.clear_early(&self.settings.name);
        self.list(ListingScope::All, self.settings.interval).await;
        self.report();
    }

    /// Runs an early listing of the workspaces, and of the namespaces of the requested ones.
    async fn attempt_early(&self) {
        let scope = self.discovery.start_early(&self.settings.name);
        self.list(scope, Duration::ZERO).await;
        self.report();
    }

    async fn list(&self, scope: ListingScope, max_age: Duration) {
        match self.discovery.source(&self.settings.name) {
            Some(ListingSource::Console) => {
                let _ = self.list_workspaces(max_age).await;
                self.list_namespaces(&scope, max_age).await;
            }
            Some(ListingSource::Editable) => self.list_editable(max_age).await,
            None => self.choose_source(max_age).await,
        }
    }

    fn report(&self) {
        if let Some(problem) = self.discovery.finish(&self.settings.name) {
            warn!(
                discovery = self.settings.name,
                problem, "discovery failed; known workspaces and namespaces are still polled"
            );
        }
    }

    pub(super) async fn list_workspaces(&self, max_age: Duration) -> Result<(), FailedListing> {
        let EntrySettings { name, timeout, listings, .. } = &self.settings;
        let shared = listings.console.workspaces(max_age, *timeout).await;
        self.discovery.record_workspaces(name, &shared);
        shared.result.map(drop).map_err(|error| FailedListing { denied: is_denial(&error) })
    }

    pub(super) async fn list_namespaces(
        &self,
        scope: &ListingScope,
        max_age: Duration,
    ) -> Vec<Result<(), FailedListing>> {
        let EntrySettings { name, timeout, listings, .. } = &self.settings;
        let workspaces = self.discovery.workspaces_to_list(name, scope);
        let results = stream::iter(workspaces).map(|(workspace, instance_id)| async move {
            let shared = listings.console.namespaces(&instance_id, max_age, *timeout).await;
            self.discovery.record_namespaces(name, &workspace, &shared);
            shared.result.map(drop).map_err(|error| FailedListing { denied: is_denial(&error) })
        });
        results.buffer_unordered(CONCURRENT_LISTINGS).collect().await
    }

    pub(super) async fn list_editable(&self, max_age: Duration) {
        let EntrySettings { name, timeout, listings, .. } = &self.settings;
        let shared = listings.editable.get(max_age, *timeout).await;
        self.discovery.record_editable(name, &shared);
    }
}

/// A listing that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FailedListing {
    pub(super) denied: bool,
}
