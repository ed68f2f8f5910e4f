//! The health of the state file, read at scrape time.

use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use prometheus::{
    GaugeVec,
    core::{Collector, Desc},
    proto::MetricFamily,
};

use super::descriptors::{STATE_HEALTHY, STATE_LAST_SAVE, options};

/// The health of the state file.
#[derive(Debug, Clone, Copy)]
pub struct StateHealth {
    /// Whether all changes have been saved.
    pub healthy: bool,
    /// The last save, as time since the Unix epoch.
    pub last_save: Option<Duration>,
}

/// Returns the health of the state file; none if there is no file.
pub type GetStateHealth = Box<dyn Fn() -> Option<StateHealth> + Send + Sync>;

/// Exports the health. There are no series without a state file.
#[derive(Clone)]
pub(super) struct StateCollector {
    healthy: GaugeVec,
    last_save: GaugeVec,
    get: Arc<OnceLock<GetStateHealth>>,
}

impl StateCollector {
    pub(super) fn new() -> Result<Self, prometheus::Error> {
        Ok(Self {
            healthy: GaugeVec::new(options(&STATE_HEALTHY), STATE_HEALTHY.labels)?,
            last_save: GaugeVec::new(options(&STATE_LAST_SAVE), STATE_LAST_SAVE.labels)?,
            get: Arc::default(),
        })
    }

    /// Exports the result of `get`. Only the first call has an effect.
    pub(super) fn export(&self, get: GetStateHealth) {
        self.get.get_or_init(|| get);
    }
}

impl Collector for StateCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.healthy.desc().into_iter().chain(self.last_save.desc()).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let Some(health) = self.get.get().and_then(|get| get()) else { return Vec::new() };
        let no_labels: [&str; 0] = [];
        self.healthy.with_label_values(&no_labels).set(f64::from(u8::from(health.healthy)));
        if let Some(last_save) = health.last_save {
            self.last_save.with_label_values(&no_labels).set(last_save.as_secs_f64());
        }
        let families = self.healthy.collect().into_iter().chain(self.last_save.collect());
        families.filter(|family| !family.get_metric().is_empty()).collect()
    }
}

impl fmt::Debug for StateCollector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("StateCollector").finish_non_exhaustive()
    }
}
