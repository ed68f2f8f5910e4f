//! The loop of one target.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::{Schedule, Settings, Supervised, absences::Absences, rhythm::Rhythm};
use crate::{
    api::{ApiError, Client, InvalidValues, Listing, Retry},
    collectors::deployments::DeploymentsQuery,
    model::{Deployment, ErrorClass, PollOutcome},
    snapshot::{Board, PollTimes, TargetId},
    telemetry::Telemetry,
};

/// A target and all that its loop needs.
#[derive(Debug)]
pub struct Target {
    /// Its identity.
    pub id: TargetId,
    /// What it lists.
    pub request: DeploymentsQuery,
    /// Through which client.
    pub client: Arc<Client>,
    /// Its rhythm.
    pub settings: Settings,
    /// When it is due.
    pub schedule: Schedule,
    /// Where it reports.
    pub board: Arc<Board>,
    /// Where it counts.
    pub telemetry: Telemetry,
    /// What a restart of its loop must know of the time before.
    pub memory: Memory,
}

/// What a target remembers beside its data.
#[derive(Debug, Default)]
pub struct Memory {
    /// Whether the loop ran before.
    started: AtomicBool,
    /// The fields whose unreadable values were told of.
    told_fields: Mutex<HashSet<(&'static str, &'static str)>>,
    /// The deployments that listings may have missed.
    absences: Mutex<Absences>,
}

impl Supervised for Target {
    /// Polls whenever it is due, and withdraws data that became too old, until `stop`.
    async fn run(self: Arc<Self>, stop: CancellationToken) {
        let again = self.memory.started.swap(true, Ordering::Relaxed);
        // A task that died on a reply must not ask for the same at once.
        let first = if again { self.schedule.next_after(Instant::now()) } else { self.schedule.first() };
        let rhythm = Rhythm {
            id: &self.id,
            board: &self.board,
            schedule: self.schedule,
            stale_after: self.settings.stale_after,
        };
        stop.run_until_cancelled(rhythm.keep(first, || self.poll())).await;
    }

    /// Counts a poll whose task panicked.
    fn died(&self) {
        tracing::error!(target = %self.id, "poll task panicked; restarting");
        let times = PollTimes { took: Duration::ZERO, next: self.schedule.next_after(Instant::now()) };
        let error = "the poll task panicked and was restarted".to_owned();
        self.board.failed(&self.id, ErrorClass::Internal, error, times);
    }
}

impl Target {
    /// Whether `other` asks for the same, of the same client, in the same rhythm.
    pub fn is_like(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.client, &other.client)
            && self.request == other.request
            && self.settings == other.settings
    }

    /// Polls once and reports.
    pub async fn poll(&self) -> PollOutcome {
        let begun = Instant::now();
        let deadline = begun + self.settings.timeout;
        // The client keeps the deadline itself; this holds it against everything else.
        let listed = timeout_at(deadline, self.request.list(&self.client, deadline)).await;
        let listed = listed.unwrap_or_else(|_| {
            let detail = "no time left: the poll (poll.timeout)";
            Err(ApiError::new(ErrorClass::Timeout, Retry::Backoff, detail))
        });
        let times = PollTimes { took: begun.elapsed(), next: self.schedule.next_after(Instant::now()) };
        match listed {
            Ok(listing) => self.succeeded(listing, times).await,
            Err(error) => self.failed(&error, times),
        }
    }

    async fn succeeded(&self, listing: Listing<Deployment>, times: PollTimes) -> PollOutcome {
        let kept = self.missed_by(&listing);
        self.tell_of_invalid_values(&listing.invalid);
        let deployments = listing.items.len();
        self.board.succeeded(&self.id, listing.items, kept, listing.pages, times).await;
        debug!(target = %self.id, deployments, pages = listing.pages, took = ?times.took, "polled");
        PollOutcome::Success
    }

    fn failed(&self, error: &ApiError, times: PollTimes) -> PollOutcome {
        let outcome = PollOutcome::Failure(error.class());
        warn!(
            target = %self.id,
            outcome = outcome.as_str(),
            %error,
            request_id = error.request_id(),
            took = ?times.took,
            "poll failed"
        );
        let mut shown = error.to_string();
        if let Some(id) = error.request_id() {
            shown = format!("{shown} (request id {id})");
        }
        self.board.failed(&self.id, error.class(), shown, times);
        outcome
    }

    /// What a listing that disagrees with itself may have missed.
    fn missed_by(&self, listing: &Listing<Deployment>) -> Vec<Deployment> {
        let mut absences = self.memory.absences.lock().unwrap_or_else(PoisonError::into_inner);
        match self.board.deployments(&self.id) {
            Some(before) if !listing.consistent => absences.missed(&before, &listing.items),
            _ => {
                absences.clear();
                Vec::new()
            }
        }
    }

    /// Counts every unreadable value, and logs each field once until it can be read again.
    fn tell_of_invalid_values(&self, invalid: &InvalidValues) {
        let mut told = self.memory.told_fields.lock().unwrap_or_else(PoisonError::into_inner);
        told.retain(|known| invalid.iter().any(|(operation, field, _)| (operation, field) == *known));
        for (operation, field, values) in invalid.iter() {
            self.telemetry.invalid_values(operation, field, values.count);
            if told.insert((operation, field)) {
                info!(
                    target = %self.id,
                    operation,
                    field,
                    count = values.count,
                    object_id = %values.object_id,
                    "invalid values are skipped (logged once for each field)"
                );
            }
        }
    }
}
