//! `--config.auto-reload`: reloads when the configuration file changes.

use std::{
    convert::Infallible,
    future,
    path::{Path, PathBuf},
    time::Duration,
};

use small_file::Stamp;
use tokio::time::{MissedTickBehavior, interval};
use tracing::debug;

use crate::web::ReloadHandle;

/// How often the file is checked.
const INTERVAL: Duration = Duration::from_secs(1);

/// The limit for one check, as on a network mount that hangs.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The configuration file, and what it was before it was loaded.
pub(super) struct AutoReload {
    file: Option<PathBuf>,
    loaded: Option<Stamp>,
}

impl AutoReload {
    /// Watches `file`, if there is one. Must be called before the file is loaded, so that no change is missed.
    pub(super) async fn new(file: Option<PathBuf>) -> Self {
        let loaded = match &file {
            Some(file) => stamp(file).await,
            None => None,
        };
        Self { file, loaded }
    }

    /// Reloads after each change, once the file has not changed for an interval, because it may be written in parts. The
    /// application logs the outcome. Symbolic links are followed, so that a volume that Kubernetes replaces is a change.
    pub(super) async fn run(self, reload: ReloadHandle) -> Infallible {
        let Self { file: Some(file), mut loaded } = self else { return future::pending().await };
        let mut last = None;
        let mut checks = interval(INTERVAL);
        checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            checks.tick().await;
            // A file that is missing or cannot be checked changes nothing.
            let now = stamp(&file).await;
            if now.is_some() && now != loaded && now == last {
                loaded = now;
                if let Err(mistakes) = reload.ask().await {
                    debug!(%mistakes, "reload requested by a change of the file");
                }
            }
            last = now;
        }
    }
}

async fn stamp(file: &Path) -> Option<Stamp> {
    let stamps = small_file::stamps_async(vec![file.to_owned()], TIMEOUT).await;
    stamps.ok()?.into_iter().next().flatten()
}
