//! Loads the state file, records periodically that the exporter is running, and closes the file.

use std::{convert::Infallible, path::PathBuf, sync::Arc, time::Duration};

use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use super::app_context::AppContext;
use crate::{
    store::Store,
    telemetry::{DiscoveryHealth, StateHealth, Telemetry},
};

/// Interval at which the state records that the exporter is running.
const RECORD_INTERVAL: Duration = Duration::from_secs(60);

/// Maximum time that a shutdown waits for the last save.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// The state recorder of a running exporter.
pub(super) struct StateRecorder {
    store: Arc<Store>,
    _recording: AbortOnDropHandle<Infallible>,
}

impl StateRecorder {
    /// Restores the state of an earlier run, if there is a state file, and starts to record. Returns early if
    /// `shutdown` is cancelled.
    pub(super) async fn start(
        context: &AppContext,
        path: Option<PathBuf>,
        shutdown: &CancellationToken,
    ) -> Self {
        let store = context.publisher.store().clone();
        if let Some(path) = path {
            let health = Arc::downgrade(&store);
            context.telemetry.export_state(Box::new(move || {
                let store = health.upgrade()?;
                let file = store.state_file()?;
                Some(StateHealth { healthy: file.healthy(), last_save: file.last_save() })
            }));
            // On shutdown, there is nothing to save yet.
            let _ = shutdown.run_until_cancelled(store.load_state(path)).await;
        }
        let recording =
            AbortOnDropHandle::new(tokio::spawn(record(store.clone(), context.telemetry.clone())));
        Self { store, _recording: recording }
    }

    /// Saves the last changes.
    pub(super) async fn close(self) {
        self.store.close_state(CLOSE_TIMEOUT).await;
    }
}

async fn record(store: Arc<Store>, telemetry: Telemetry) -> Infallible {
    let mut ticks = interval(RECORD_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last = Instant::now();
    loop {
        let now = ticks.tick().await;
        let elapsed = now.saturating_duration_since(last);
        store.record_state(time_to_forget(elapsed, &telemetry.discovery())).await;
        last = now;
    }
}

/// The part of the time since the last record that counts towards forgetting namespaces that are not targets: none
/// while discovery fails, because it cannot find them.
fn time_to_forget(elapsed: Duration, discovery: &[DiscoveryHealth]) -> Duration {
    if discovery.iter().all(|entry| entry.up == Some(true)) { elapsed } else { Duration::ZERO }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_forgotten_while_discovery_fails() {
        let minute = Duration::from_secs(60);
        let entry = |up| DiscoveryHealth { up, ..DiscoveryHealth::default() };
        assert_eq!(time_to_forget(minute, &[]), minute);
        assert_eq!(time_to_forget(minute, &[entry(Some(true))]), minute);
        for up in [None, Some(false)] {
            assert_eq!(time_to_forget(minute, &[entry(Some(true)), entry(up)]), Duration::ZERO);
        }
    }
}
