//! Requests to reload the configuration, from a signal, a changed file or HTTP.

use std::{fmt, sync::Arc};

use tokio::sync::{mpsc, oneshot};

use crate::{
    config::{Config, ConfigError},
    web::{ReloadHandle, Reloaded},
};

/// Maximum number of waiting requests.
const QUEUE: usize = 4;

/// Reads the configuration.
pub type Load = Arc<dyn Fn() -> Result<Config, ConfigError> + Send + Sync>;

/// A reload request.
pub(super) struct ReloadRequest {
    pub(super) load: Load,
    pub(super) answer: oneshot::Sender<Reloaded>,
}

/// The receiver of reload requests.
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
    /// Creates a receiver that reloads with `load`. `over_http` is whether HTTP clients may request a reload.
    pub fn new(load: Load, over_http: bool) -> Self {
        let (sender, receiver) = mpsc::channel(QUEUE);
        Self { load, over_http, sender, receiver }
    }

    /// A handle that requests a reload, for signal handlers.
    pub fn handle(&self) -> ReloadHandle {
        ReloadHandle::new(self.sender.clone())
    }

    pub(super) fn over_http(&self) -> Option<ReloadHandle> {
        self.over_http.then(|| self.handle())
    }

    pub(super) async fn next(&mut self) -> ReloadRequest {
        match self.receiver.recv().await {
            Some(answer) => ReloadRequest { load: self.load.clone(), answer },
            // The channel is never closed, because a sender is kept here.
            None => std::future::pending().await,
        }
    }
}
