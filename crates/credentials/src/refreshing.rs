//! Credentials that one background task fetches ahead of their expiry.
//!
//! The task fetches, sleeps until the next fetch is due, and fetches again. A caller reads what the task published,
//! and waits only if there is nothing yet. So no two fetches run at once, and no request starts one.
//!
//! Pauses are measured with the monotonic clock. Only the expiry is compared with the wall clock; if that is set, the
//! time of the next renewal is calculated again.

use std::{path::PathBuf, sync::Arc, time::Duration};

use clock::Clock;
use futures_util::{FutureExt as _, future::BoxFuture};
use outbound_http::Backoff;
use parking_lot::Mutex;
use rand::RngExt as _;
use small_file::Stamp;
use tokio::{
    sync::{Notify, watch},
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};
use tracing::{info, trace, warn};

use crate::{
    credentials::Credentials,
    error::CredentialsError,
    provider::{CredentialsSource, IssuedCredentials, ProvideCredentials},
    secret_files,
};

/// How long before their expiry credentials are renewed.
const REFRESH_AHEAD: Duration = Duration::from_secs(15 * 60);

/// The longest pause between two fetches. No service of Alibaba Cloud issues credentials for longer; a later expiry
/// means that they don't expire, and then they may be replaced at any time.
const MAX_REFRESH_INTERVAL: Duration = Duration::from_secs(12 * 3600);

/// How long credentials of a fallback are used before the failed provider is tried again.
const FALLBACK_INTERVAL: Duration = Duration::from_secs(60);

/// The shortest pause between two fetches, even of credentials that expire at once.
const MIN_PAUSE: Duration = Duration::from_secs(5);

/// How often a pause compares the clocks.
const CLOCK_CHECK_INTERVAL: Duration = Duration::from_secs(10);

/// How often a pause checks whether a file has changed.
const FILE_CHECK_INTERVAL: Duration = Duration::from_millis(500);

/// The difference between the clocks' progress that counts as a step of the wall clock.
const CLOCK_STEP: Duration = Duration::from_secs(5);

/// The pauses after failures.
const BACKOFF: Backoff = Backoff { base: Duration::from_secs(2), max: Duration::from_secs(60) };

/// The limit for one fetch: a chain asks several services, each with its own timeouts.
const FETCH_TIMEOUT: Duration = Duration::from_secs(40);

/// How often rejections by the API may force a fetch.
const FORCED_INTERVAL: Duration = Duration::from_secs(60);

/// What was fetched, and the last failure.
#[derive(Debug, Clone, Default)]
struct State {
    issued: Option<IssuedCredentials>,
    /// Why the last fetch failed, if it did.
    error: Option<CredentialsError>,
    /// The number of finished fetches.
    finished: u64,
}

/// The credentials of a source, refreshed in the background.
#[derive(Debug)]
pub(crate) struct RefreshingProvider {
    shared: Arc<Shared>,
    task: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
struct Shared {
    source: Arc<dyn CredentialsSource>,
    clock: Clock,
    state: watch::Sender<State>,
    /// Ends the pause of the task.
    wake: Notify,
    forced: Mutex<Forced>,
}

/// The last fetch that a rejection by the API forced.
#[derive(Debug, Default)]
struct Forced {
    at: Option<Instant>,
    /// The number of finished fetches that includes it.
    finished: u64,
}

impl RefreshingProvider {
    /// Refreshes the credentials of `source`. The first fetch starts when credentials are first requested.
    pub(crate) fn new(source: Arc<dyn CredentialsSource>, clock: Clock) -> Self {
        let state = watch::Sender::new(State::default());
        let shared = Shared { source, clock, state, wake: Notify::new(), forced: Mutex::default() };
        Self { shared: Arc::new(shared), task: Mutex::default() }
    }

    /// Starts the task, and restarts it if it panicked.
    fn ensure_running(&self) {
        let mut task = self.task.lock();
        if task.as_ref().is_none_or(JoinHandle::is_finished) {
            *task = Some(tokio::spawn(self.shared.clone().run()));
        }
    }

    async fn current(&self) -> Result<Arc<Credentials>, CredentialsError> {
        self.ensure_running();
        let mut states = self.shared.state.subscribe();
        let answer = async {
            loop {
                let state = states.borrow_and_update().clone();
                if let Some(answer) = self.shared.answer(&state) {
                    return answer;
                }
                // The sender is dropped with `self`.
                let _ = states.changed().await;
            }
        };
        timeout(FETCH_TIMEOUT, answer).await.unwrap_or_else(|_| Err(timed_out()))
    }

    async fn renew(&self, rejected: &Credentials) -> bool {
        self.ensure_running();
        let mut states = self.shared.state.subscribe();
        let finished = states.borrow().finished;
        if self.shared.differs_from(rejected) {
            return true;
        }
        let awaited = self.shared.force(finished);
        let _ = timeout(FETCH_TIMEOUT, states.wait_for(|state| state.finished >= awaited)).await;
        self.shared.differs_from(rejected)
    }
}

/// Stops the task.
impl Drop for RefreshingProvider {
    fn drop(&mut self) {
        if let Some(task) = self.task.lock().take() {
            task.abort();
        }
    }
}

impl Shared {
    /// The answer to a caller; none until the first fetch has finished.
    fn answer(&self, state: &State) -> Option<Result<Arc<Credentials>, CredentialsError>> {
        match (&state.issued, &state.error) {
            (Some(issued), _) if self.is_valid(issued) => Some(Ok(issued.credentials.clone())),
            (_, Some(error)) => Some(Err(error.clone())),
            (Some(_), None) => {
                // They expired during a suspension of the machine, for example.
                self.wake.notify_one();
                None
            }
            (None, None) => None,
        }
    }

    fn is_valid(&self, issued: &IssuedCredentials) -> bool {
        issued.expires.is_none_or(|expires| self.clock.since_epoch() < expires)
    }

    fn differs_from(&self, rejected: &Credentials) -> bool {
        let state = self.state.borrow();
        let issued = state.issued.as_ref();
        issued.is_some_and(|issued| self.is_valid(issued) && !issued.credentials.same_as(rejected))
    }

    /// Forces a fetch, unless another was forced recently. Returns the number of finished fetches to wait for.
    fn force(&self, finished: u64) -> u64 {
        let mut forced = self.forced.lock();
        if forced.at.is_none_or(|at| at.elapsed() >= FORCED_INTERVAL) {
            self.source.rejected();
            *forced = Forced { at: Some(Instant::now()), finished: finished + 1 };
            self.wake.notify_one();
        }
        forced.finished
    }

    /// Fetches whenever a fetch is due; never returns.
    async fn run(self: Arc<Self>) {
        let mut failures = 0;
        loop {
            // Before the fetch: a change during it is seen afterwards.
            let files = WatchedFiles::new(self.source.files()).await;
            let fetched = timeout(FETCH_TIMEOUT, self.source.fetch()).await;
            // This fetch serves all callers that asked during it.
            let _ = self.wake.notified().now_or_never();
            match fetched.unwrap_or_else(|_| Err(timed_out())) {
                Ok(issued) => {
                    failures = 0;
                    self.publish(Ok(issued.clone()));
                    self.pause_until_renewal(&issued, &files).await;
                }
                Err(error) => {
                    self.publish(Err(error));
                    self.pause(BACKOFF.delay(failures), &files).await;
                    failures = failures.saturating_add(1);
                }
            }
        }
    }

    fn publish(&self, fetched: Result<IssuedCredentials, CredentialsError>) {
        self.state.send_modify(|state| {
            state.finished += 1;
            match fetched {
                Ok(issued) => {
                    let previous = state.issued.as_ref();
                    if previous.is_none_or(|previous| !previous.credentials.same_as(&issued.credentials)) {
                        issued.credentials.warn_of_quotes(&issued.origin);
                    }
                    *state = State { issued: Some(issued), error: None, finished: state.finished };
                }
                Err(error) => {
                    if state.error.as_ref() != Some(&error) {
                        let serving = state.issued.as_ref().is_some_and(|issued| self.is_valid(issued));
                        warn!(%error, serving, "fetching credentials failed; retrying");
                    }
                    // The previous credentials are used until they expire.
                    state.error = Some(error);
                }
            }
        });
    }

    /// Sleeps until `issued` is due for renewal, which is calculated again whenever the wall clock is set.
    async fn pause_until_renewal(&self, issued: &IssuedCredentials, files: &WatchedFiles) {
        while self.pause(self.until_renewal(issued), files).await == PauseEnd::ClockStep {}
    }

    /// How long the credentials are used before the next fetch, with jitter.
    fn until_renewal(&self, issued: &IssuedCredentials) -> Duration {
        let Some(expires) = issued.expires else { return issued.recheck_interval };
        let lifetime = expires.saturating_sub(self.clock.since_epoch());
        let longest = if issued.is_fallback { FALLBACK_INTERVAL } else { MAX_REFRESH_INTERVAL };
        let ahead = REFRESH_AHEAD.min(lifetime / 2);
        // Jitter delays the fetch, but not beyond the expiry: many exporters may have started at the same time.
        let jitter = rand::rng().random_range(Duration::ZERO..=ahead / 5);
        (lifetime.saturating_sub(ahead) + jitter).min(longest).max(MIN_PAUSE)
    }

    /// Sleeps for `pause` by the monotonic clock, unless a caller needs credentials, a file changes or the wall clock
    /// is set.
    async fn pause(&self, pause: Duration, files: &WatchedFiles) -> PauseEnd {
        trace!(?pause, "until the next fetch of credentials");
        let started = Instant::now();
        let wall_started = self.clock.since_epoch();
        loop {
            let elapsed = started.elapsed();
            let wall_elapsed = self.clock.since_epoch();
            if wall_elapsed.abs_diff(wall_started + elapsed) > CLOCK_STEP {
                info!("the system clock was set; recalculating when to renew credentials");
                return PauseEnd::ClockStep;
            }
            let Some(rest) = pause.checked_sub(elapsed).filter(|rest| !rest.is_zero()) else {
                return PauseEnd::Due;
            };
            tokio::select! {
                () = sleep(rest.min(files.check_interval())) => {}
                () = self.wake.notified() => return PauseEnd::Due,
            }
            if files.have_changed().await {
                return PauseEnd::Due;
            }
        }
    }
}

/// The files that a source depends on, as they were at some time.
#[derive(Debug)]
struct WatchedFiles {
    paths: Vec<PathBuf>,
    stamps: Option<Vec<Option<Stamp>>>,
}

impl WatchedFiles {
    async fn new(paths: Vec<PathBuf>) -> Self {
        Self { stamps: secret_files::stamps(paths.clone()).await, paths }
    }

    fn check_interval(&self) -> Duration {
        if self.paths.is_empty() { CLOCK_CHECK_INTERVAL } else { FILE_CHECK_INTERVAL }
    }

    /// Files that can't be examined, such as those on a mount that hangs, have not changed.
    async fn have_changed(&self) -> bool {
        if self.paths.is_empty() {
            return false;
        }
        let now = secret_files::stamps(self.paths.clone()).await;
        now.is_some() && now != self.stamps
    }
}

/// Why a pause ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PauseEnd {
    /// The next fetch is due.
    Due,
    /// The wall clock was set.
    ClockStep,
}

fn timed_out() -> CredentialsError {
    CredentialsError::failed("no credentials were returned in time")
}

impl ProvideCredentials for RefreshingProvider {
    fn credentials(&self) -> BoxFuture<'_, Result<Arc<Credentials>, CredentialsError>> {
        Box::pin(self.current())
    }

    fn renewed<'a>(&'a self, rejected: &'a Credentials) -> BoxFuture<'a, bool> {
        Box::pin(self.renew(rejected))
    }

    fn expiry(&self) -> Option<Duration> {
        self.shared.state.borrow().issued.as_ref()?.expires
    }

    fn origin(&self) -> Option<String> {
        Some(self.shared.state.borrow().issued.as_ref()?.origin.clone())
    }
}
