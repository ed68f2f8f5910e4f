//! The expiry of credentials, read at scrape time.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use parking_lot::Mutex;
use prometheus::{
    GaugeVec,
    core::{Collector, Desc},
    proto::MetricFamily,
};

use super::descriptors::{CREDENTIALS_EXPIRY, options};

/// Returns the expiry of credentials; none if they do not expire or do not exist.
pub type Expiry = Box<dyn Fn() -> Option<Duration> + Send + Sync>;

/// The expiry functions of all workspaces.
#[derive(Clone)]
pub(super) struct ExpiryCollector {
    gauge: GaugeVec,
    workspaces: Arc<Mutex<BTreeMap<String, Expiry>>>,
}

impl ExpiryCollector {
    pub(super) fn new() -> Result<Self, prometheus::Error> {
        let gauge = GaugeVec::new(options(&CREDENTIALS_EXPIRY), CREDENTIALS_EXPIRY.labels)?;
        Ok(Self { gauge, workspaces: Arc::default() })
    }

    /// Sets the expiry function of a workspace.
    pub(super) fn add(&self, workspace: &str, expiry: Expiry) {
        self.workspaces.lock().insert(workspace.to_owned(), expiry);
    }

    /// Removes the series of a workspace.
    pub(super) fn remove(&self, workspace: &str) {
        self.workspaces.lock().remove(workspace);
    }
}

impl Collector for ExpiryCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.gauge.desc()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.gauge.reset();
        for (workspace, expiry) in self.workspaces.lock().iter() {
            if let Some(expires) = expiry() {
                self.gauge.with_label_values(&[workspace.as_str()]).set(expires.as_secs_f64());
            }
        }
        self.gauge.collect()
    }
}

impl fmt::Debug for ExpiryCollector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ExpiryCollector").finish_non_exhaustive()
    }
}
