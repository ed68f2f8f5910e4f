//! The poll loop of one target.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use super::{PollObserver, Schedule, Settings, Supervised};
use crate::{
    api::{ApiError, InvalidValues, Retry},
    collectors::{Collected, TargetQuery},
    model::{ErrorClass, ObjectSet, PollOutcome, TargetId},
    snapshot::{Publisher, RenderError},
    store::{Change, Listed, PollFailure, PollReport, StatusLookup},
    telemetry::Telemetry,
};

/// Time after the deadline within which a poll must report before it counts as stuck. Committing, rendering and
/// publishing take time on a busy machine.
const REPORT_MARGIN: Duration = Duration::from_secs(60);

/// Polls one target on schedule and commits each poll.
#[derive(Debug)]
pub struct PollLoop {
    /// The target.
    pub id: Arc<TargetId>,
    /// The query of its collector.
    pub query: Arc<dyn TargetQuery>,
    /// The poll settings.
    pub settings: Settings,
    /// The schedule.
    pub schedule: Schedule,
    /// Distinguishes this loop from earlier loops of the same target.
    pub generation: u64,
    /// The publisher, with the store.
    pub publisher: Arc<Publisher>,
    /// The exporter's own metrics.
    pub telemetry: Telemetry,
    /// Receives the outcome of each poll.
    pub observer: Option<Arc<dyn PollObserver>>,
    /// Whether the loop has been started before.
    pub started: AtomicBool,
}

impl Supervised for PollLoop {
    /// Polls on schedule until `shutdown` is cancelled.
    async fn run(self: Arc<Self>, shutdown: CancellationToken) {
        let again = self.started.swap(true, Ordering::Relaxed);
        // After a panic, do not repeat the request immediately.
        let first = if again { self.schedule.next_after(Instant::now()) } else { self.schedule.first() };
        shutdown.run_until_cancelled(self.run_from(first)).await;
    }

    fn on_panic(&self) {
        error!(target = %self.id, "poll task panicked; restarting");
        let message = "the poll task panicked and was restarted".to_owned();
        self.report_failure(ErrorClass::Internal, message, Instant::now());
    }
}

impl PollLoop {
    async fn run_from(&self, first: Instant) -> Infallible {
        self.publisher.store().schedule(&self.id, first, self.report_due(first));
        self.publisher.publish_next_poll(&self.id);
        if let Some(jobs) = self.query.jobs() {
            return self.run_rounds(jobs, first).await;
        }
        let mut due = first;
        loop {
            sleep_until(due).await;
            self.poll().await;
            due = self.schedule.next_after(Instant::now());
        }
    }

    /// Polls once and commits the result.
    pub async fn poll(&self) -> PollOutcome {
        let outcome = match self.query.jobs() {
            Some(jobs) => self.round(jobs, true).await,
            None => self.list().await,
        };
        if let Some(observer) = &self.observer {
            observer.polled(&self.id, outcome);
        }
        outcome
    }

    async fn list(&self) -> PollOutcome {
        let requested_at = Instant::now();
        let deadline = requested_at + self.settings.timeout;
        // The client keeps the deadline itself. This timeout covers everything else.
        let polled = timeout_at(deadline + self.query.max_wait(), self.query.poll(deadline)).await;
        let polled = polled.unwrap_or_else(|_| {
            let detail = "no time left: the poll (poll.timeout)";
            Err(ApiError::new(ErrorClass::Timeout, Retry::Backoff, detail))
        });
        match polled {
            Ok(collected) => self.succeeded(collected, requested_at, deadline).await,
            Err(error) => self.failed(&error, requested_at),
        }
    }

    async fn succeeded(&self, collected: Collected, requested_at: Instant, deadline: Instant) -> PollOutcome {
        let Collected { objects, consistent, pages, invalid } = collected;
        self.report_invalid_values(&invalid);
        let answer = self.request_last_job_statuses(&*objects, requested_at, deadline).await;
        let (count, took) = (objects.len(), requested_at.elapsed());
        let listed = Listed { objects, consistent, pages, answer };
        let report = self.report(listed, requested_at);
        let Some(change) = self.publisher.store().commit(&self.id, self.generation, report).await else {
            debug!(target = %self.id, "poll discarded: the target was removed or changed");
            return PollOutcome::Success;
        };
        let groups = [&change.group].into_iter().chain(&change.jobs);
        if let Err(problem) = self.publisher.publish_groups(groups).await {
            return self.not_published(change, problem);
        }
        drop(change.unpublished);
        debug!(target = %self.id, objects = count, pages, ?took, "polled");
        PollOutcome::Success
    }

    /// Queries last job statuses if the counts of any deployment are ambiguous.
    async fn request_last_job_statuses(
        &self,
        objects: &dyn ObjectSet,
        requested_at: Instant,
        deadline: Instant,
    ) -> StatusLookup {
        if !self.publisher.store().needs_status_lookup(&self.id, requested_at, objects) {
            return StatusLookup::NotNeeded;
        }
        let Some(asked) = self.query.last_job_statuses(deadline) else { return StatusLookup::NotNeeded };
        let problem = match timeout_at(deadline, asked).await {
            Ok(Ok(statuses)) => return StatusLookup::Statuses(statuses),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no time left (poll.timeout)".to_owned(),
        };
        warn!(target = %self.id, problem, "the status of some deployments is unknown: listing by status failed");
        StatusLookup::Failed
    }

    /// Turns a poll whose data cannot be rendered into a failed poll.
    fn not_published(&self, change: Change, problem: RenderError) -> PollOutcome {
        let (class, _unpublished) = (problem.class(), change.unpublished.clone());
        error!(target = %self.id, outcome = class.as_str(), %problem, "poll not published");
        let failure = PollFailure { class, message: problem.to_string() };
        self.publisher.store().revoke(&self.id, self.generation, change, failure);
        self.publisher.publish_status(&self.id);
        PollOutcome::Failure(class)
    }

    fn failed(&self, error: &ApiError, requested_at: Instant) -> PollOutcome {
        let message = self.log_failure(error, requested_at);
        self.report_failure(error.class(), message, requested_at);
        PollOutcome::Failure(error.class())
    }

    /// Logs a failed poll, and returns the message for pages and the JSON API.
    pub(super) fn log_failure(&self, error: &ApiError, requested_at: Instant) -> String {
        let outcome = PollOutcome::Failure(error.class());
        warn!(
            target = %self.id,
            outcome = outcome.as_str(),
            %error,
            request_id = error.request_id(),
            took = ?requested_at.elapsed(),
            "poll failed"
        );
        let mut message = error.to_string();
        if let Some(id) = error.request_id() {
            message = format!("{message} (request id {id})");
        }
        message
    }

    fn report_failure(&self, class: ErrorClass, message: String, requested_at: Instant) {
        let report = self.report(PollFailure { class, message }, requested_at);
        if let Some(_unpublished) = self.publisher.store().commit_failure(&self.id, self.generation, report) {
            self.publisher.publish_status(&self.id);
        }
    }

    pub(super) fn report<T>(&self, result: T, requested_at: Instant) -> PollReport<T> {
        let next_poll = self.schedule.next_after(Instant::now());
        PollReport {
            result,
            requested_at,
            took: requested_at.elapsed(),
            next_poll,
            next_report_due: self.report_due(next_poll),
        }
    }

    /// Time by which a poll that starts at `start` must report.
    pub(super) fn report_due(&self, start: Instant) -> Instant {
        start + self.settings.timeout + self.query.max_wait() + REPORT_MARGIN
    }

    /// Counts all invalid values. Logs each field once, until all its values are valid again.
    pub(super) fn report_invalid_values(&self, invalid: &InvalidValues) {
        let fields = invalid.iter().map(|(operation, field, _)| (operation, field));
        let news = self.publisher.store().newly_invalid(&self.id, fields);
        for (operation, field, values) in invalid.iter() {
            self.telemetry.invalid_values(operation, field, values.count);
            if news.contains(&(operation, field)) {
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
