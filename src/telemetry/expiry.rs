//! When each workspace's credentials end, read at scrape time.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use prometheus::{
    GaugeVec, Opts,
    core::{Collector, Desc},
    proto::MetricFamily,
};

/// Tells when credentials end; none if they don't, or if there are none.
pub type Expiry = Box<dyn Fn() -> Option<Duration> + Send + Sync>;

/// The expiries of all workspaces.
#[derive(Clone)]
pub(super) struct ExpiryCollector {
    gauge: GaugeVec,
    workspaces: Arc<Mutex<BTreeMap<String, Expiry>>>,
}

impl ExpiryCollector {
    pub(super) fn new() -> Result<Self, prometheus::Error> {
        let options = Opts::new(
            "aliyun_flink_exporter_credentials_expiry_timestamp_seconds",
            "When the temporary credentials of a workspace expire, in seconds since the epoch; no series for \
             credentials that don't. They are renewed ahead of it.",
        );
        Ok(Self { gauge: GaugeVec::new(options, &["workspace"])?, workspaces: Arc::default() })
    }

    /// Tells of a workspace from here on, in the place of what told of it before.
    pub(super) fn add(&self, workspace: &str, expiry: Expiry) {
        let mut workspaces = self.workspaces.lock().unwrap_or_else(PoisonError::into_inner);
        workspaces.insert(workspace.to_owned(), expiry);
    }
}

impl Collector for ExpiryCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.gauge.desc()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.gauge.reset();
        let workspaces = self.workspaces.lock().unwrap_or_else(PoisonError::into_inner);
        for (workspace, expiry) in workspaces.iter() {
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
