//! Asking for a reload of the configuration.

use std::time::Duration;

use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

/// How long an answer is waited for: reading a file and making clients takes milliseconds.
const RELOAD_TIMEOUT: Duration = Duration::from_secs(20);

/// What changed, or every mistake of the configuration.
pub type Reloaded = Result<String, String>;

/// Asks for a reload.
#[derive(Debug, Clone)]
pub struct ReloadHandle(mpsc::Sender<oneshot::Sender<Reloaded>>);

impl ReloadHandle {
    /// Asks through `requests`.
    pub fn new(requests: mpsc::Sender<oneshot::Sender<Reloaded>>) -> Self {
        Self(requests)
    }

    /// Asks, and waits for the outcome.
    pub async fn ask(&self) -> Reloaded {
        let (answer, answered) = oneshot::channel();
        self.0.try_send(answer).map_err(|_| "too many reloads at once: try again".to_owned())?;
        match timeout(RELOAD_TIMEOUT, answered).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err("the exporter is shutting down".to_owned()),
            Err(_) => Err(format!("no outcome within {} s", RELOAD_TIMEOUT.as_secs())),
        }
    }
}
