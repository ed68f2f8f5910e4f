//! Sends signed calls for one workspace: limits, deadline, retries, counting.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use rand::RngExt as _;
use reqwest::{
    Client as HttpClient, StatusCode,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::{
    sync::{OwnedSemaphorePermit, SemaphorePermit},
    time::{Instant, sleep, timeout_at},
};
use tracing::debug;
use url::Url;

use super::{
    ApiError, ErrorKind, Progress, Retry, Settings,
    call::{Call, Shared},
    limiter::{Late, Limiter},
};
use crate::{
    clock::Clock,
    credentials::{Credentials, ProvideCredentials},
    telemetry::ApiMetrics,
};

/// The version of the API.
const VERSION: &str = "2022-07-18";

/// The first pause of a backoff, doubled with each further try.
const BACKOFF_BASE: Duration = Duration::from_millis(500);

/// The longest pause of a backoff.
const BACKOFF_CAP: Duration = Duration::from_secs(20);

/// Where the calls of a workspace go.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Scheme and host, without a trailing slash.
    base: String,
    /// The `Host` header's value, as it is signed.
    host: String,
}

impl Endpoint {
    /// The endpoint at `url`, whose path is not used.
    pub fn new(url: &Url) -> Self {
        let host = match (url.host_str().unwrap_or_default(), url.port()) {
            (host, Some(port)) => format!("{host}:{port}"),
            (host, None) => host.to_owned(),
        };
        Self { base: format!("{}://{host}", url.scheme()), host }
    }
}

/// Whom the calls are for.
#[derive(Debug)]
pub struct Workspace {
    /// The workspace's id.
    pub id: String,
    /// Where it is.
    pub endpoint: Endpoint,
    /// Who asks.
    pub credentials: Arc<dyn ProvideCredentials>,
}

/// The client of one workspace.
#[derive(Debug)]
pub struct Client {
    workspace: Workspace,
    http: HttpClient,
    limiter: Limiter,
    pub(super) settings: Settings,
    pub(super) metrics: ApiMetrics,
    pub(super) progress: Arc<Progress>,
    /// How many targets share the limits.
    targets: AtomicUsize,
    clock: Clock,
}

impl Client {
    /// A client for `workspace`.
    pub fn new(
        workspace: Workspace,
        http: HttpClient,
        settings: Settings,
        metrics: ApiMetrics,
        progress: Arc<Progress>,
        clock: Clock,
    ) -> Self {
        let limiter = Limiter::new(settings.max_concurrent_requests, settings.requests_per_second);
        let targets = AtomicUsize::new(1);
        Self { workspace, http, limiter, settings, metrics, progress, targets, clock }
    }

    /// Tells how many targets share the workspace's limits.
    pub fn shared_by(&self, targets: usize) {
        self.targets.store(targets, Ordering::Relaxed);
    }

    /// How many requests of one listing may be under way: all that are permitted, but for one where the workspace
    /// has other targets, so that a target whose requests hang can't keep them waiting.
    pub(super) fn side_by_side(&self) -> usize {
        let all = self.settings.max_concurrent_requests;
        let shared = self.targets.load(Ordering::Relaxed) > 1;
        if shared { all.saturating_sub(1).max(1) } else { all }
    }

    /// Makes `call` and decodes its reply, trying again what may succeed, until `deadline`.
    pub(super) async fn send<T, D>(&self, call: &Call, decode: D, deadline: Instant) -> Result<T, ApiError>
    where
        T: Send + 'static,
        D: Fn(&[u8]) -> Result<T, ApiError> + Clone + Send + 'static,
    {
        let mut attempt = 0;
        let mut renewed = false;
        loop {
            let error = match self.attempt(call, decode.clone(), deadline).await {
                Ok(value) => return Ok(value),
                Err(Failed { error, refused: Some(credentials) }) if !renewed => {
                    // Once a call: if the next credential is refused too, it is not the credential.
                    renewed = true;
                    if !self.renewed(&credentials, deadline).await {
                        return Err(error);
                    }
                    self.metrics.retried(error.kind().as_str());
                    debug!(workspace = self.workspace.id, operation = %call.operation, %error, "trying again with new credentials");
                    continue;
                }
                Err(Failed { error, .. }) => error,
            };
            let Some(pause) = self.pause_before_retry(&error, attempt, deadline) else { return Err(error) };
            self.metrics.retried(error.kind().as_str());
            debug!(workspace = self.workspace.id, operation = %call.operation, %error, ?pause, "trying again");
            if call.abandoned.run_until_cancelled(sleep(pause)).await.is_none() {
                return Err(error);
            }
            attempt += 1;
        }
    }

    /// Whether there are other credentials than those that were refused.
    async fn renewed(&self, refused: &Credentials, deadline: Instant) -> bool {
        timeout_at(deadline, self.workspace.credentials.renewed(refused)).await.unwrap_or(false)
    }

    /// The credentials for the next request.
    async fn credentials(&self, deadline: Instant) -> Result<Arc<Credentials>, ApiError> {
        let given = timeout_at(deadline, self.workspace.credentials.credentials()).await;
        given
            .map_err(|_| {
                ApiError::new(ErrorKind::Auth, Retry::Never, "no time left: waiting for credentials")
            })?
            .map_err(|error| ApiError::new(ErrorKind::Auth, Retry::Never, error.to_string()))
    }

    /// The pause before the next try; none if there is to be none or no time for it.
    fn pause_before_retry(&self, error: &ApiError, attempt: u32, deadline: Instant) -> Option<Duration> {
        if attempt >= self.settings.max_retries {
            return None;
        }
        let mut random = rand::rng();
        let pause = match error.retry() {
            Retry::Never => return None,
            Retry::After(pause) => pause.saturating_add(random.random_range(Duration::ZERO..=pause / 10)),
            Retry::Backoff => random.random_range(Duration::ZERO..=backoff_limit(attempt)),
        };
        (pause < deadline.saturating_duration_since(Instant::now())).then_some(pause)
    }

    async fn attempt<T, D>(&self, call: &Call, decode: D, deadline: Instant) -> Result<T, Failed>
    where
        T: Send + 'static,
        D: Fn(&[u8]) -> Result<T, ApiError> + Send + 'static,
    {
        let turn = call.abandoned.run_until_cancelled(self.turn(call, deadline)).await;
        let turn = turn.ok_or_else(abandoned)?.map_err(|late| timed_out(late.told()))?;
        let credentials = self.credentials(deadline).await?;
        let headers = self.headers(call, &credentials)?;
        let limit = deadline.min(Instant::now() + self.settings.request_timeout);
        // Counts the request even if this future is dropped while it is under way.
        let counted = self.metrics.request(call.operation);
        let exchanged = timeout_at(limit, self.exchange(call, headers)).await;
        drop(turn);
        match exchanged.unwrap_or_else(|_| Err(timed_out("the request"))) {
            Ok(reply) => {
                counted.ended(reply.status.as_str());
                let read = match reply.status {
                    StatusCode::OK => decoded(decode, reply.body, call.shared.clone()).await,
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

    /// Waits for a place in the listing and a turn of the workspace, both held until they are dropped.
    async fn turn<'c>(
        &self,
        call: &'c Call,
        deadline: Instant,
    ) -> Result<(SemaphorePermit<'c>, OwnedSemaphorePermit), Late> {
        let place = timeout_at(deadline, call.shared.place()).await;
        let place = place.ok().flatten().ok_or(Late::Place)?;
        Ok((place, self.limiter.turn(deadline).await?))
    }

    async fn exchange(&self, call: &Call, headers: HeaderMap) -> Result<Reply, ApiError> {
        let url = format!("{}{}?{}", self.workspace.endpoint.base, call.path, call.query);
        let request = self.http.get(url).headers(headers).send();
        let mut response = request.await.map_err(|error| network(&error))?;
        let status = response.status();
        let limit = self.settings.max_response_size;
        let announced = response.content_length().unwrap_or_default();
        if announced > limit as u64 {
            return Err(too_large(limit).with_status(status.as_u16()));
        }
        let mut body = call.shared.body(usize::try_from(announced).unwrap_or_default());
        while let Some(chunk) = response.chunk().await.map_err(|error| broken(&error, status))? {
            if body.len() + chunk.len() > limit {
                return Err(too_large(limit).with_status(status.as_u16()));
            }
            body.extend_from_slice(&chunk);
        }
        let headers = std::mem::take(response.headers_mut());
        Ok(Reply { status, headers, body })
    }

    fn headers(&self, call: &Call, credentials: &Credentials) -> Result<HeaderMap, ApiError> {
        let date = self.clock.timestamp().to_string();
        let nonce = format!("{:032x}", rand::rng().random::<u128>());
        let call = acs3::Call {
            method: "GET",
            host: &self.workspace.endpoint.host,
            path: &call.path,
            query: &call.query,
            action: call.operation.as_str(),
            version: VERSION,
            date: &date,
            nonce: &nonce,
            headers: &[("workspace", &self.workspace.id)],
        };
        let key = acs3::AccessKey {
            id: &credentials.access_key_id,
            secret: credentials.access_key_secret.expose_secret(),
            security_token: credentials.security_token.as_ref().map(SecretString::expose_secret),
        };
        let mut headers = call.signed_headers(key);
        headers.push(("accept", "application/json".into()));
        headers.into_iter().map(|(name, value)| header(name, &value)).collect()
    }
}

/// An attempt that failed.
struct Failed {
    error: ApiError,
    /// The credentials, if it is them that the cloud refused.
    refused: Option<Arc<Credentials>>,
}

impl From<ApiError> for Failed {
    fn from(error: ApiError) -> Self {
        Self { error, refused: None }
    }
}

/// A reply that came whole.
struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

fn refused(status: StatusCode, reply: &Reply) -> ApiError {
    if status.is_redirection() {
        let detail = format!("HTTP {}: redirects are not followed; check `endpoint`", status.as_u16());
        return ApiError::new(ErrorKind::Api, Retry::Never, detail);
    }
    ApiError::from_reply(status.as_u16(), &reply.headers, &reply.body)
}

fn header(name: &'static str, value: &str) -> Result<(HeaderName, HeaderValue), ApiError> {
    let mut value = HeaderValue::from_str(value).map_err(|_| {
        let detail =
            format!("the header `{name}` can't be sent: its value holds characters that HTTP forbids");
        ApiError::new(ErrorKind::Auth, Retry::Never, detail)
    })?;
    value.set_sensitive(matches!(name, "authorization" | "x-acs-security-token"));
    Ok((HeaderName::from_static(name), value))
}

/// Decodes off the asynchronous threads: a page is a few hundred kilobytes, and may be many megabytes.
async fn decoded<T, D>(decode: D, body: Vec<u8>, shared: Arc<Shared>) -> Result<T, ApiError>
where
    T: Send + 'static,
    D: Fn(&[u8]) -> Result<T, ApiError> + Send + 'static,
{
    let decoding = tokio::task::spawn_blocking(move || {
        let decoded = decode(&body);
        shared.give_back(body);
        decoded
    });
    match decoding.await {
        Ok(decoded) => decoded,
        // A panic of the decoder's is the polling task's, whose supervisor tells of it.
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Err(timed_out("stopping")),
    }
}

fn abandoned() -> ApiError {
    ApiError::new(ErrorKind::Timeout, Retry::Never, "another page failed")
}

fn backoff_limit(attempt: u32) -> Duration {
    BACKOFF_BASE.saturating_mul(1 << attempt.min(16)).min(BACKOFF_CAP)
}

fn timed_out(what: &str) -> ApiError {
    ApiError::new(ErrorKind::Timeout, Retry::Backoff, format!("no time left: {what}"))
}

fn too_large(limit: usize) -> ApiError {
    let detail = format!("the reply is larger than api.max_response_size ({limit} bytes)");
    ApiError::invalid(Retry::Never, detail)
}

/// What broke on the way, without the URL: a proxy's may hold a password.
fn network(error: &reqwest::Error) -> ApiError {
    if error.is_timeout() {
        return timed_out("the connection");
    }
    let mut detail = String::new();
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(inner) = cause {
        // The innermost cause is the one that says what happened.
        detail = inner.to_string();
        cause = inner.source();
    }
    let stage = if error.is_connect() { "no connection" } else { "the connection broke" };
    ApiError::new(ErrorKind::Network, Retry::Backoff, format!("{stage}: {detail}"))
}

/// What broke while the body came.
fn broken(error: &reqwest::Error, status: StatusCode) -> ApiError {
    use std::error::Error as _;
    let mut cause = error.source();
    while let Some(inner) = cause {
        // hyper's errors are of the connection; any other is the decoder's.
        if inner.downcast_ref::<hyper::Error>().is_some() {
            return network(error);
        }
        cause = inner.source();
    }
    ApiError::invalid(Retry::Backoff, "the reply's compression is damaged").with_status(status.as_u16())
}
