//! Sends signed requests for one workspace or region, within its limits and a deadline.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use reqwest::{Client as HttpClient, StatusCode};
use tokio::{
    sync::SemaphorePermit,
    time::{Instant, timeout_at},
};

use super::{
    ApiError, ListingProgress, Retry, Settings,
    account_rate_limit::{LimitTimeout, RequestRates},
    client_limits::{ClientLimits, Permit},
    http_exchange::{Endpoint, HttpExchange, Reply, timed_out},
    listing_context::ListingContext,
    rate_limiter::{RateLimiter, RateTurn},
    request::ApiRequest,
};
use crate::{
    clock::Clock,
    credentials::{Credentials, ProvideCredentials},
    model::ErrorClass,
    telemetry::ApiMetrics,
};

/// The longest wait for limits whose wait is not part of a deadline.
const MAX_WAIT: Duration = Duration::from_secs(24 * 3600);

/// A workspace, and how to reach it.
#[derive(Debug)]
pub struct Workspace {
    /// The workspace's id.
    pub id: String,
    /// The endpoint that serves it.
    pub endpoint: Endpoint,
    /// What gives the credentials of its requests.
    pub credentials: Arc<dyn ProvideCredentials>,
    /// The rate of all requests to `ververica` with the same region and credentials.
    pub account_rate: Arc<RateLimiter>,
}

/// A product in a region, for operations that concern no single workspace.
#[derive(Debug)]
pub struct Region {
    /// The product's endpoint.
    pub endpoint: Endpoint,
    /// What gives the credentials of its requests.
    pub credentials: Arc<dyn ProvideCredentials>,
    /// The rate of all requests to the product with the same region and credentials.
    pub rate: Arc<RateLimiter>,
}

/// The client of one workspace, or of one product in a region. All its requests share its limits.
#[derive(Debug, Clone)]
pub struct Client {
    pub(super) http: HttpExchange,
    pub(super) credentials: Arc<dyn ProvideCredentials>,
    limits: Arc<ClientLimits>,
    /// The rate of the collector whose requests these are, if it has one of its own.
    collector_rate: Option<Arc<RateLimiter>>,
    /// Whether deadlines include the wait for the limits.
    waits_within_deadline: bool,
    pub(super) settings: Settings,
    pub(super) metrics: ApiMetrics,
    pub(super) progress: Arc<ListingProgress>,
    /// The number of targets that share the limits.
    targets: Arc<AtomicUsize>,
}

impl Client {
    /// A client for `workspace`.
    pub fn new(
        workspace: Workspace,
        http: HttpClient,
        settings: Settings,
        metrics: ApiMetrics,
        progress: Arc<ListingProgress>,
        clock: Clock,
    ) -> Self {
        let Workspace { id, endpoint, credentials, account_rate } = workspace;
        let rates = RequestRates::OwnAndShared(RateLimiter::new(settings.requests_per_second), account_rate);
        let http = HttpExchange::new(id, endpoint, http, &settings, clock);
        Self {
            waits_within_deadline: true,
            ..Self::with_rates(rates, http, credentials, settings, metrics, progress)
        }
    }

    /// A client for `region`. It reads one page of a listing after the other, and the wait for its limits is not part
    /// of the deadline: many listings share a low rate.
    pub fn for_region(
        region: Region,
        http: HttpClient,
        settings: Settings,
        metrics: ApiMetrics,
        progress: Arc<ListingProgress>,
        clock: Clock,
    ) -> Self {
        let Region { endpoint, credentials, rate } = region;
        let http = HttpExchange::new(String::new(), endpoint, http, &settings, clock);
        Self::with_rates(RequestRates::Shared(rate), http, credentials, settings, metrics, progress)
    }

    fn with_rates(
        rates: RequestRates,
        http: HttpExchange,
        credentials: Arc<dyn ProvideCredentials>,
        settings: Settings,
        metrics: ApiMetrics,
        progress: Arc<ListingProgress>,
    ) -> Self {
        Self {
            http,
            credentials,
            limits: Arc::new(ClientLimits::new(settings.max_concurrent_requests, rates)),
            collector_rate: None,
            waits_within_deadline: false,
            settings,
            metrics,
            progress,
            targets: Arc::new(AtomicUsize::new(1)),
        }
    }

    /// The same client for one collector, whose requests also start at `rate`. The wait for that is not part of the
    /// deadline. It reads one page of a listing after the other.
    #[must_use]
    pub fn with_collector_rate(&self, rate: Arc<RateLimiter>) -> Self {
        Self { collector_rate: Some(rate), ..self.clone() }
    }

    /// Waits until the collector may start a request; none if it has no rate of its own.
    ///
    /// # Cancel safety
    ///
    /// A turn that is waited for or dropped is not used.
    pub async fn turn(&self) -> Option<RateTurn> {
        match &self.collector_rate {
            Some(rate) => Some(rate.owned_turn().await),
            None => None,
        }
    }

    /// Sets the number of targets that share the workspace's limits.
    pub fn shared_by(&self, targets: usize) {
        self.targets.store(targets, Ordering::Relaxed);
    }

    /// The number of requests of one listing that may be in flight. If the workspace has several targets, one slot is
    /// left to the others, so that a target whose requests hang cannot block them.
    pub(super) fn max_in_flight(&self) -> usize {
        if self.postpones_deadlines() {
            return 1;
        }
        let all = self.settings.max_concurrent_requests;
        let shared = self.targets.load(Ordering::Relaxed) > 1;
        if shared { all.saturating_sub(1).max(1) } else { all }
    }

    /// The number of requests of low priority that may be in flight.
    pub fn max_low_in_flight(&self) -> usize {
        self.settings.max_concurrent_requests.saturating_sub(1).max(1)
    }

    /// The number of pages of one listing that are requested or decoded at a time. While as many requests as permitted
    /// are in flight, as many other pages are decoded.
    pub(super) fn read_ahead(&self) -> usize {
        // The deadline moves on while a page waits, so another page must not wait for the same deadline.
        if self.postpones_deadlines() { 1 } else { 2 * self.max_in_flight() }
    }

    /// Whether a deadline moves on while a request waits for a limit.
    fn postpones_deadlines(&self) -> bool {
        !self.waits_within_deadline || self.collector_rate.is_some()
    }

    async fn credentials(&self, deadline: Instant) -> Result<Arc<Credentials>, ApiError> {
        let limit = deadline.min(Instant::now() + self.settings.request_timeout);
        let given = timeout_at(limit, self.credentials.credentials()).await;
        given
            .map_err(|_| timed_out("waiting for credentials"))?
            .map_err(|error| ApiError::new(ErrorClass::Auth, Retry::Never, error.to_string()))
    }

    pub(super) async fn attempt<T, D>(&self, request: &ApiRequest, decode: D) -> Result<T, Failed>
    where
        T: Send + 'static,
        D: Fn(&[u8]) -> Result<T, ApiError> + Send + 'static,
    {
        let permits = request.cancelled.run_until_cancelled(self.permits(request)).await;
        let permits = permits.ok_or_else(cancelled)?.map_err(|limit| timed_out(limit.as_str()))?;
        let deadline = request.deadline();
        let credentials = self.credentials(deadline).await?;
        let headers = self.http.headers(request, &credentials)?;
        let limit = deadline.min(Instant::now() + self.settings.request_timeout);
        // Counts the request even if this future is dropped before it ends.
        let counted = self.metrics.request(request.action);
        let exchanged = timeout_at(limit, self.http.send(request, headers)).await;
        drop(permits);
        match exchanged.unwrap_or_else(|_| Err(timed_out("the request"))) {
            Ok(reply) => {
                counted.ended(reply.status.as_str());
                let read = match reply.status {
                    StatusCode::OK => decoded(decode, reply.body, request.context.clone()).await,
                    status => Err(refused(status, &reply)),
                };
                read.map_err(|error| {
                    let refused = error.is_of_credentials().then(|| credentials.clone());
                    Failed { error: error.without_secrets(&credentials), refused }
                })
            }
            Err(error) => {
                counted.ended(&error.counted_as());
                Err(error.into())
            }
        }
    }

    /// Waits for permits of the listing and of the client, which are held until they are dropped.
    async fn permits<'r>(
        &self,
        request: &'r ApiRequest,
    ) -> Result<(SemaphorePermit<'r>, Permit), LimitTimeout> {
        let permit = timeout_at(request.deadline(), request.context.permit()).await;
        let permit = permit.ok().flatten().ok_or(LimitTimeout::Concurrency)?;
        // Held until the request may start by the other limits too, so that requests that waited for those keep this rate.
        let turn = self.collector_turn(request).await?;
        let deadline = request.deadline();
        if self.waits_within_deadline {
            let started = self.limits.acquire(request.priority, deadline).await?;
            turn.into_iter().for_each(RateTurn::take);
            return Ok((permit, started));
        }
        let begin = Instant::now();
        let started = self.limits.acquire(request.priority, begin + MAX_WAIT).await?;
        request.context.deadline.postpone(begin.elapsed());
        Ok((permit, started))
    }

    /// Waits for the collector's rate, unless the turn was waited for before.
    async fn collector_turn(&self, request: &ApiRequest) -> Result<Option<RateTurn>, LimitTimeout> {
        if let Some(turn) = request.context.take_turn() {
            return Ok(Some(turn));
        }
        let begin = Instant::now();
        let turn = timeout_at(begin + MAX_WAIT, self.turn()).await.map_err(|_| LimitTimeout::Rate)?;
        if turn.is_some() {
            request.context.deadline.postpone(begin.elapsed());
        }
        Ok(turn)
    }
}

/// A failed attempt.
pub(super) struct Failed {
    pub(super) error: ApiError,
    /// The credentials, if the cloud rejected them.
    pub(super) refused: Option<Arc<Credentials>>,
}

impl From<ApiError> for Failed {
    fn from(error: ApiError) -> Self {
        Self { error, refused: None }
    }
}

fn refused(status: StatusCode, reply: &Reply) -> ApiError {
    if status.is_redirection() {
        let detail = format!("HTTP {}: redirects are not followed; check `endpoint`", status.as_u16());
        return ApiError::new(ErrorClass::Api, Retry::Never, detail);
    }
    ApiError::from_reply(status.as_u16(), &reply.headers, &reply.body)
}

/// Decodes on the blocking pool: a page has a few hundred kilobytes, and may have many megabytes.
async fn decoded<T, D>(decode: D, body: Vec<u8>, context: Arc<ListingContext>) -> Result<T, ApiError>
where
    T: Send + 'static,
    D: Fn(&[u8]) -> Result<T, ApiError> + Send + 'static,
{
    let decoding = tokio::task::spawn_blocking(move || {
        let decoded = decode(&body);
        context.buffers.put(body);
        decoded
    });
    match decoding.await {
        Ok(decoded) => decoded,
        // The supervisor of polls reports panics, so a panic of the decoder is passed on.
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Err(timed_out("stopping")),
    }
}

fn cancelled() -> ApiError {
    ApiError::new(ErrorClass::Timeout, Retry::Never, "another page failed")
}
