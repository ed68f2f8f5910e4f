//! A credential that is fetched ahead of time, by one task, however many ask for it.
//!
//! The task fetches, sleeps until the next is due, and fetches again; whoever needs a credential reads what it
//! published, and waits only while there is none. So no two fetches run at once, and none is started by a request.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::FutureExt as _;
use rand::RngExt as _;
use tokio::{
    sync::{Notify, watch},
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};
use tracing::{trace, warn};

use super::{Credentials, CredentialsError, Fetch, Issued, ProvideCredentials, Providing, Renewing};
use crate::clock::Clock;

/// From when on a credential is renewed, before it expires.
const MARGIN: Duration = Duration::from_secs(15 * 60);

/// How often a source is asked whose credentials don't expire: a file may have changed.
const RECHECK: Duration = Duration::from_secs(10);

/// How long a credential is kept that another source should have given.
const PROVISIONAL: Duration = Duration::from_secs(60);

/// The shortest pause between two fetches, even of credentials that hardly live.
const SHORTEST_PAUSE: Duration = Duration::from_secs(5);

/// The longest sleep in one: the system's clock may be set, or the machine suspended, meanwhile.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// The pauses after failures: the first, and the longest.
const BACKOFF_BASE: Duration = Duration::from_secs(1);
const BACKOFF_CAP: Duration = Duration::from_secs(60);

/// The limit for one fetch: a chain asks several services, each with time-outs of its own.
const FETCH_LIMIT: Duration = Duration::from_secs(40);

/// How often the API's refusals may force a fetch.
const FORCED_INTERVAL: Duration = Duration::from_secs(60);

/// What was fetched, and how it goes.
#[derive(Debug, Clone, Default)]
struct State {
    issued: Option<Issued>,
    /// Why the last fetch failed, if it did.
    error: Option<CredentialsError>,
    /// Fetches that have ended.
    ended: u64,
}

/// A source's credential, renewed in the background.
#[derive(Debug)]
pub(super) struct Refreshing {
    shared: Arc<Shared>,
    task: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
struct Shared {
    source: Arc<dyn Fetch>,
    clock: Clock,
    state: watch::Sender<State>,
    /// Wakes the task before its time.
    wanted: Notify,
    forced: Mutex<Forced>,
}

/// The last fetch that a refusal of the API's forced.
#[derive(Debug, Default)]
struct Forced {
    at: Option<Instant>,
    /// How many fetches have ended once that one has.
    ended: u64,
}

impl Refreshing {
    /// Keeps what `source` gives; nothing is fetched before it is first asked for.
    pub(super) fn new(source: Arc<dyn Fetch>, clock: Clock) -> Self {
        let state = watch::Sender::new(State::default());
        let shared = Shared { source, clock, state, wanted: Notify::new(), forced: Mutex::default() };
        Self { shared: Arc::new(shared), task: Mutex::default() }
    }

    /// Starts the task, also again if it died.
    fn ensure_running(&self) {
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        if task.as_ref().is_none_or(JoinHandle::is_finished) {
            *task = Some(tokio::spawn(self.shared.clone().keep()));
        }
    }

    async fn current(&self) -> Result<Arc<Credentials>, CredentialsError> {
        self.ensure_running();
        let mut states = self.shared.state.subscribe();
        let waiting = async {
            loop {
                let state = states.borrow_and_update().clone();
                if let Some(answer) = self.shared.answer(&state) {
                    return answer;
                }
                // The sender lives as long as `self`.
                let _ = states.changed().await;
            }
        };
        let late = || CredentialsError::failed("no credential came in time");
        timeout(FETCH_LIMIT, waiting).await.unwrap_or_else(|_| Err(late()))
    }

    async fn renew(&self, rejected: &Credentials) -> bool {
        self.ensure_running();
        let mut states = self.shared.state.subscribe();
        let ended = states.borrow().ended;
        if self.shared.differs_from(rejected) {
            return true;
        }
        let awaited = self.shared.force(ended);
        let _ = timeout(FETCH_LIMIT, states.wait_for(|state| state.ended >= awaited)).await;
        self.shared.differs_from(rejected)
    }
}

/// A source that nobody asks any more is asked no more.
impl Drop for Refreshing {
    fn drop(&mut self) {
        if let Some(task) = self.task.lock().unwrap_or_else(PoisonError::into_inner).take() {
            task.abort();
        }
    }
}

impl Shared {
    /// What to tell who asks; nothing as long as the first fetch has not ended.
    fn answer(&self, state: &State) -> Option<Result<Arc<Credentials>, CredentialsError>> {
        match (&state.issued, &state.error) {
            (Some(issued), _) if self.is_valid(issued) => Some(Ok(issued.credentials.clone())),
            (_, Some(error)) => Some(Err(error.clone())),
            (Some(_), None) => {
                // It expired while nobody looked, as on a machine that slept.
                self.wanted.notify_one();
                None
            }
            (None, None) => None,
        }
    }

    fn is_valid(&self, issued: &Issued) -> bool {
        issued.expires.is_none_or(|expires| self.clock.since_epoch() < expires)
    }

    fn differs_from(&self, rejected: &Credentials) -> bool {
        let state = self.state.borrow();
        let issued = state.issued.as_ref();
        issued.is_some_and(|issued| self.is_valid(issued) && !issued.credentials.same_as(rejected))
    }

    /// Forces a fetch, unless one was a while ago; tells the count of ended fetches to wait for.
    fn force(&self, ended: u64) -> u64 {
        let mut forced = self.forced.lock().unwrap_or_else(PoisonError::into_inner);
        if forced.at.is_none_or(|at| at.elapsed() >= FORCED_INTERVAL) {
            *forced = Forced { at: Some(Instant::now()), ended: ended + 1 };
            self.wanted.notify_one();
        }
        forced.ended
    }

    /// Fetches for ever, each time that it is due.
    async fn keep(self: Arc<Self>) {
        let mut failures = 0;
        loop {
            let fetched = timeout(FETCH_LIMIT, self.source.fetch()).await;
            let late = || CredentialsError::failed("no credential came in time");
            // Who asked meanwhile is answered by this one.
            let _ = self.wanted.notified().now_or_never();
            let pause = match fetched.unwrap_or_else(|_| Err(late())) {
                Ok(issued) => {
                    failures = 0;
                    let pause = self.until_renewal(&issued);
                    self.publish(Ok(issued));
                    pause
                }
                Err(error) => {
                    failures += 1;
                    self.publish(Err(error));
                    backoff(failures)
                }
            };
            trace!(?pause, "the next credential is fetched after a pause");
            self.sleep(pause).await;
        }
    }

    fn publish(&self, fetched: Result<Issued, CredentialsError>) {
        self.state.send_modify(|state| {
            state.ended += 1;
            match fetched {
                Ok(issued) => {
                    *state = State { issued: Some(issued), error: None, ended: state.ended };
                }
                Err(error) => {
                    if state.error.as_ref() != Some(&error) {
                        let serving = state.issued.as_ref().is_some_and(|issued| self.is_valid(issued));
                        warn!(%error, serving, "no new credentials; trying again until there are");
                    }
                    // The old one serves on until it expires.
                    state.error = Some(error);
                }
            }
        });
    }

    /// How long the credential serves before the next is fetched, with jitter.
    fn until_renewal(&self, issued: &Issued) -> Duration {
        let longest = if issued.provisional { PROVISIONAL } else { Duration::MAX };
        let Some(expires) = issued.expires else { return RECHECK };
        let lifetime = expires.saturating_sub(self.clock.since_epoch());
        let margin = MARGIN.min(lifetime / 2);
        // Late rather than early, and within the margin: many exporters may have been started together.
        let jitter = rand::rng().random_range(Duration::ZERO..=margin / 5);
        (lifetime.saturating_sub(margin) + jitter).min(longest).max(SHORTEST_PAUSE)
    }

    /// Sleeps by the wall clock, unless somebody wants a credential at once.
    async fn sleep(&self, pause: Duration) {
        let until = self.clock.since_epoch() + pause;
        loop {
            let rest = until.saturating_sub(self.clock.since_epoch());
            if rest.is_zero() {
                return;
            }
            tokio::select! {
                // A clock that was set back must not put it off.
                () = sleep(rest.min(pause).min(LONGEST_SLEEP)) => {}
                () = self.wanted.notified() => return,
            }
        }
    }
}

fn backoff(failures: u32) -> Duration {
    let limit = BACKOFF_BASE.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(BACKOFF_CAP);
    rand::rng().random_range(limit / 2..=limit)
}

impl ProvideCredentials for Refreshing {
    fn credentials(&self) -> Providing<'_> {
        Box::pin(self.current())
    }

    fn renewed<'a>(&'a self, rejected: &'a Credentials) -> Renewing<'a> {
        Box::pin(self.renew(rejected))
    }

    fn expiry(&self) -> Option<Duration> {
        self.shared.state.borrow().issued.as_ref()?.expires
    }

    fn origin(&self) -> Option<String> {
        Some(self.shared.state.borrow().issued.as_ref()?.origin.clone())
    }
}
