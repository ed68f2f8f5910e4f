//! Rounds of a target of jobs: one request for each deployment that is due.

use std::{collections::BTreeSet, convert::Infallible, time::Duration};

use futures_util::{
    StreamExt as _,
    future::{BoxFuture, OptionFuture},
    stream::FuturesUnordered,
};
use tokio::time::{Instant, sleep_until};
use tracing::{debug, error};

use super::PollLoop;
use crate::{
    api::{ApiError, InvalidValues, RateTurn},
    collectors::{JobsQuery, ListedJobs},
    model::{ErrorClass, PollOutcome},
    store::{JobsAnswer, PollFailure, Round, RoundReport, Urgency},
};

/// Minimum interval between publications during a round.
const PUBLISH_INTERVAL: Duration = Duration::from_secs(1);

/// Interval at which a waiting round extends its time to report.
const LIVENESS_INTERVAL: Duration = Duration::from_secs(20);

/// Fraction of the interval over which refreshes are spread.
const SPREAD_FRACTION: f64 = 0.9;

type Answer = (Box<str>, Instant, Result<ListedJobs, ApiError>);

/// The progress of a round.
struct RoundProgress {
    round: Round,
    in_flight: FuturesUnordered<BoxFuture<'static, Answer>>,
    asking: BTreeSet<Box<str>>,
    /// Time between two refreshes.
    gap: Duration,
    /// Time of the next refresh.
    next_refresh: Instant,
    /// When new answers are published; none without new answers.
    publish_at: Option<Instant>,
    published: Option<Instant>,
    asked: usize,
    pages: u64,
    invalid: InvalidValues,
    /// The first error, and the number of requests that failed.
    error: Option<ApiError>,
    failed: usize,
    /// The failure of the last publication.
    unpublished: Option<PollFailure>,
    /// Whether the round sends no more requests.
    stopped: bool,
}

impl PollLoop {
    /// Runs rounds on schedule, and immediately if a deployment is urgent.
    pub(super) async fn run_rounds(&self, jobs: &dyn JobsQuery, first: Instant) -> Infallible {
        let mut due = first;
        loop {
            let scheduled = self.wait_for_round(jobs, due).await;
            let begin = Instant::now();
            if scheduled {
                self.poll().await;
                let took_too_long = begin.elapsed() > self.settings.interval;
                due = if took_too_long { begin } else { self.schedule.next_after(Instant::now()) };
            } else {
                let outcome = self.round(jobs, false).await;
                if let Some(observer) = &self.observer {
                    observer.polled(&self.id, outcome);
                }
            }
        }
    }

    /// Waits for the next round. Returns whether it is a scheduled one.
    async fn wait_for_round(&self, jobs: &dyn JobsQuery, due: Instant) -> bool {
        loop {
            tokio::select! {
                biased;
                () = sleep_until(due) => return true,
                () = self.publisher.store().wait_for_urgent_jobs(&self.id) => {
                    let round = Round { mode: jobs.mode(), started: Instant::now(), scheduled: false };
                    if self.publisher.store().next_jobs(&self.id, &round, &BTreeSet::new()).is_some() {
                        return false;
                    }
                }
            }
        }
    }

    /// Runs one round and commits it.
    pub(super) async fn round(&self, jobs: &dyn JobsQuery, scheduled: bool) -> PollOutcome {
        let store = self.publisher.store();
        let started = Instant::now();
        store.begin_round(&self.id);
        let round = Round { mode: jobs.mode(), started, scheduled };
        let refreshes = u32::try_from(store.refreshes(&self.id, &round)).unwrap_or(u32::MAX);
        let mut progress = RoundProgress {
            round,
            in_flight: FuturesUnordered::new(),
            asking: BTreeSet::new(),
            gap: self.settings.interval.mul_f64(SPREAD_FRACTION) / refreshes.max(1),
            next_refresh: started,
            publish_at: None,
            published: None,
            asked: 0,
            pages: 0,
            invalid: InvalidValues::default(),
            error: None,
            failed: 0,
            unpublished: None,
            stopped: false,
        };
        self.ask(jobs, &mut progress).await;
        self.end_round(progress).await
    }

    async fn ask(&self, jobs: &dyn JobsQuery, progress: &mut RoundProgress) {
        let store = self.publisher.store();
        // Kept across iterations, so that it keeps its place in the queue of the rate limiter.
        let mut turn: OptionFuture<BoxFuture<'static, Option<RateTurn>>> = None.into();
        let mut waits = false;
        loop {
            let next = self.next(progress);
            if next.is_none() && progress.in_flight.is_empty() {
                return;
            }
            let may_ask_at = match next {
                Some((_, Urgency::Refresh)) => Some(progress.next_refresh),
                Some(_) => Some(Instant::now()),
                None => None,
            };
            let may_ask = may_ask_at.is_some_and(|at| at <= Instant::now())
                && progress.in_flight.len() < jobs.max_in_flight();
            if may_ask != waits {
                turn = may_ask.then(|| jobs.turn()).into();
                waits = may_ask;
            }
            let alive_until = Instant::now() + LIVENESS_INTERVAL;
            store.extend_report(&self.id, self.report_due(alive_until));
            tokio::select! {
                biased;
                Some(answer) = progress.in_flight.next() => self.answered(answer, progress).await,
                () = sleep_until(progress.publish_at.unwrap_or(alive_until)), if progress.publish_at.is_some() => {
                    self.publish(progress).await;
                }
                Some(turn_taken) = &mut turn, if waits => {
                    waits = false;
                    turn = None.into();
                    // A more urgent deployment may have become due.
                    if let Some((deployment, urgency)) = self.next(progress) {
                        self.request(jobs, deployment, urgency, turn_taken, progress);
                    }
                }
                () = store.wait_for_urgent_jobs(&self.id) => {}
                () = sleep_until(may_ask_at.unwrap_or(alive_until)), if may_ask_at.is_some_and(|at| at > Instant::now()) => {}
                () = sleep_until(alive_until) => {}
            }
        }
    }

    fn next(&self, progress: &RoundProgress) -> Option<(Box<str>, Urgency)> {
        if progress.stopped {
            return None;
        }
        self.publisher.store().next_jobs(&self.id, &progress.round, &progress.asking)
    }

    fn request(
        &self,
        jobs: &dyn JobsQuery,
        deployment: Box<str>,
        urgency: Urgency,
        turn: Option<RateTurn>,
        progress: &mut RoundProgress,
    ) {
        let requested_at = Instant::now();
        if urgency == Urgency::Refresh {
            // Do not catch up after a delay.
            progress.next_refresh = (progress.next_refresh + progress.gap).max(requested_at);
        }
        self.publisher.store().jobs_asked(&self.id, &deployment);
        progress.asked += 1;
        progress.asking.insert(deployment.clone());
        let listing = jobs.list(deployment.clone(), turn, requested_at + self.settings.timeout);
        progress.in_flight.push(Box::pin(async move { (deployment, requested_at, listing.await) }));
    }

    async fn answered(&self, (deployment, requested_at, result): Answer, progress: &mut RoundProgress) {
        progress.asking.remove(&deployment);
        let answer = match result {
            Ok(ListedJobs { jobs, complete, pages, invalid }) => {
                progress.pages += pages;
                progress.invalid.merge(invalid);
                JobsAnswer { requested_at, jobs: Some(jobs), complete }
            }
            // The deployment does not exist any more. If the namespace does not exist, polls of deployments report
            // it.
            Err(error) if error.class() == ErrorClass::NotFound => {
                JobsAnswer { requested_at, jobs: None, complete: true }
            }
            Err(error) => {
                debug!(target = %self.id, %deployment, %error, "listing jobs failed");
                // Other requests would fail too.
                progress.stopped |= matches!(error.class(), ErrorClass::Auth | ErrorClass::Permission);
                progress.failed += 1;
                progress.error.get_or_insert(error);
                return;
            }
        };
        let store = self.publisher.store();
        progress.stopped |= !store.commit_jobs(&self.id, self.generation, &deployment, &answer).await;
        let earliest = progress.published.map_or(requested_at, |published| published + PUBLISH_INTERVAL);
        progress.publish_at.get_or_insert(earliest);
    }

    /// Publishes new answers.
    async fn publish(&self, progress: &mut RoundProgress) {
        progress.publish_at = None;
        progress.published = Some(Instant::now());
        let group = self.id.group();
        self.publisher.store().serve_jobs(&group);
        let published = self.publisher.publish_group(&group).await;
        progress.unpublished = published.err().map(|problem| {
            error!(target = %self.id, %problem, "jobs not published");
            PollFailure { class: problem.class(), message: problem.to_string() }
        });
    }

    async fn end_round(&self, mut progress: RoundProgress) -> PollOutcome {
        let started = progress.round.started;
        self.report_invalid_values(&progress.invalid);
        if progress.publish_at.is_some() {
            self.publish(&mut progress).await;
        }
        let failed = progress
            .error
            .take()
            .map(|error| PollFailure { class: error.class(), message: self.log_failure(&error, started) });
        let failure = failed.or(progress.unpublished);
        let outcome =
            failure.as_ref().map_or(PollOutcome::Success, |failure| PollOutcome::Failure(failure.class));
        let report = RoundReport { asked: progress.asked, pages: progress.pages, failure };
        let report = self.report(report, started);
        let committed = self.publisher.store().commit_round(&self.id, self.generation, report).await;
        if committed.is_none() {
            debug!(target = %self.id, "poll discarded: the target was removed or changed");
        } else if let Err(problem) = self.publisher.publish_group(&self.id.group()).await {
            error!(target = %self.id, %problem, "jobs not published");
        }
        debug!(target = %self.id, asked = progress.asked, took = ?started.elapsed(), "jobs queried");
        outcome
    }
}
