//! Keeps the state across restarts while the exporter runs.

use std::{convert::Infallible, path::PathBuf, sync::Arc, time::Duration};

use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use super::context::AppContext;
use crate::{
    store::Store,
    telemetry::{DiscoveryHealth, StateHealth, Telemetry},
};

/// How often the state records that the exporter runs.
const RECORD_INTERVAL: Duration = Duration::from_secs(60);

/// How long a shutdown waits for the last save.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// The state of a running exporter.
pub(super) struct StateRecorder {
    store: Arc<Store>,
    _recording: AbortOnDropHandle<Infallible>,
}

impl StateRecorder {
    /// Restores the state of an earlier run, if the state is persisted, and begins to record that this one runs. Ends early if
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
            // If it is stopped, there is nothing to save yet.
            let _ = shutdown.run_until_cancelled(store.load_state(path)).await;
        }
        let recording =
            AbortOnDropHandle::new(tokio::spawn(record(store.clone(), context.telemetry.clone())));
        Self { store, _recording: recording }
    }

    /// Saves what changed last.
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

/// How much of the time since the last record brings namespaces that are no target closer to being forgotten: none while
/// discovery fails, since it could not have found them.
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
