//! Requests to read the configuration anew, from a signal or over HTTP.

use std::{fmt, sync::Arc};

use tokio::sync::{mpsc, oneshot};

use crate::{
    config::{Config, ConfigError},
    web::{Reload, Reloaded},
};

/// Requests that may wait for the one under way.
const QUEUE: usize = 4;

/// Reads the configuration.
pub type Load = Arc<dyn Fn() -> Result<Config, ConfigError> + Send + Sync>;

/// A request to reload.
pub(super) struct ReloadRequest {
    pub(super) load: Load,
    pub(super) answer: oneshot::Sender<Reloaded>,
}

/// Where requests to reload arrive.
pub struct Reloads {
    load: Load,
    over_http: bool,
    sender: mpsc::Sender<oneshot::Sender<Reloaded>>,
    receiver: mpsc::Receiver<oneshot::Sender<Reloaded>>,
}

impl fmt::Debug for Reloads {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Reloads").field("over_http", &self.over_http).finish_non_exhaustive()
    }
}

impl Reloads {
    /// Reloads by `load`; `over_http` says whether clients may ask for it.
    pub fn new(load: Load, over_http: bool) -> Self {
        let (sender, receiver) = mpsc::channel(QUEUE);
        Self { load, over_http, sender, receiver }
    }

    /// What asks for a reload, for a signal's handler.
    pub fn handle(&self) -> Reload {
        Reload::new(self.sender.clone())
    }

    pub(super) fn over_http(&self) -> Option<Reload> {
        self.over_http.then(|| self.handle())
    }

    pub(super) async fn next(&mut self) -> ReloadRequest {
        match self.receiver.recv().await {
            Some(answer) => ReloadRequest { load: self.load.clone(), answer },
            // A sender is kept here, so the channel is never closed.
            None => std::future::pending().await,
        }
    }
}
