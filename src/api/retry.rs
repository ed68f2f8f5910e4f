//! Retries of requests: which errors, how often, and after which delay.

use std::time::Duration;

use outbound_http::Backoff;
use rand::RngExt as _;
use tokio::time::{Instant, sleep, timeout_at};
use tracing::debug;

use super::{ApiError, Client, Retry, client::Failed, request::ApiRequest};
use crate::credentials::Credentials;

/// The delays between retries, unless the service asks for another one.
const BACKOFF: Backoff = Backoff { base: Duration::from_millis(500), max: Duration::from_secs(20) };

impl Client {
    /// Sends `request` and decodes its reply, with retries until the deadline of its listing.
    ///
    /// # Errors
    ///
    /// The error of the last attempt.
    pub(super) async fn send<T, D>(&self, request: &ApiRequest, decode: D) -> Result<T, ApiError>
    where
        T: Send + 'static,
        D: Fn(&[u8]) -> Result<T, ApiError> + Clone + Send + 'static,
    {
        let mut attempt = 0;
        let mut renewed = false;
        loop {
            let error = match self.attempt(request, decode.clone()).await {
                Ok(value) => return Ok(value),
                Err(Failed { error, refused: Some(credentials) }) if !renewed => {
                    // Only once: if the next credential is rejected too, the credential is not the cause.
                    renewed = true;
                    if !self.renewed(&credentials, request.deadline()).await {
                        return Err(error);
                    }
                    self.metrics.retried(error.class().as_str());
                    debug!(workspace = self.http.workspace(), operation = request.action, %error, "retrying with renewed credentials");
                    continue;
                }
                Err(Failed { error, .. }) => error,
            };
            let Some(pause) = self.pause_before_retry(&error, attempt, request.deadline()) else {
                return Err(error);
            };
            self.metrics.retried(error.class().as_str());
            debug!(workspace = self.http.workspace(), operation = request.action, %error, ?pause, "retrying");
            if request.cancelled.run_until_cancelled(sleep(pause)).await.is_none() {
                return Err(error);
            }
            attempt += 1;
        }
    }

    /// Whether there are other credentials than the rejected ones.
    async fn renewed(&self, refused: &Credentials, deadline: Instant) -> bool {
        timeout_at(deadline, self.credentials.renewed(refused)).await.unwrap_or(false)
    }

    /// The delay before the next attempt; `None` if there is none, or no time for it.
    fn pause_before_retry(&self, error: &ApiError, attempt: u32, deadline: Instant) -> Option<Duration> {
        if attempt >= self.settings.max_retries {
            return None;
        }
        let pause = match error.retry() {
            Retry::Never => return None,
            Retry::After(pause) => {
                pause.saturating_add(rand::rng().random_range(Duration::ZERO..=pause / 10))
            }
            Retry::Backoff => BACKOFF.delay(attempt),
        };
        (pause < deadline.saturating_duration_since(Instant::now())).then_some(pause)
    }
}
