//! The exporter's own metrics.
//!
//! Each process or test has its own registry. API data is rendered from the snapshot instead, so that no series
//! outlives its object.

mod credentials_expiry;
mod descriptors;
mod discovery;
mod dropped_log_lines;
mod openmetrics;
mod process;
mod series_metrics;
mod state_health;

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use prometheus::{
    Gauge, GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Registry,
    TextEncoder, core::Collector,
};
use tokio::time::Instant;

pub use credentials_expiry::Expiry;
pub use descriptors::sections;
pub use discovery::{DISCOVERY_STATES, DiscoveryHealth, GetDiscoveryHealth};
pub use state_health::{GetStateHealth, StateHealth};

use crate::{
    exposition::{FamilyDescriptor, Format, PublishedSeries},
    model::Shard,
};

/// In seconds. The API returns a page within tens of milliseconds. `api.request_timeout` limits requests.
const REQUEST_BUCKETS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The exporter's instruments.
#[derive(Debug, Clone)]
pub struct Telemetry {
    registry: Registry,
    api_requests: IntCounterVec,
    api_durations: HistogramVec,
    api_retries: IntCounterVec,
    invalid_values: IntCounterVec,
    inconsistent_listings: IntCounterVec,
    http_requests: IntCounterVec,
    credentials_expiry: credentials_expiry::ExpiryCollector,
    /// A vector without labels, so that there is no series without TLS.
    tls_certificate_expiry: GaugeVec,
    state: state_health::StateCollector,
    discovery: discovery::DiscoveryCollector,
    reload_successful: IntGauge,
    reload_time: Gauge,
    shards: IntGauge,
    shard_index: IntGauge,
    workspaces: Arc<Mutex<HashMap<String, Arc<AtomicBool>>>>,
}

impl Telemetry {
    /// Creates and registers all instruments.
    ///
    /// # Errors
    ///
    /// If an instrument cannot be registered, which is a bug.
    pub fn new() -> Result<Self, prometheus::Error> {
        let telemetry = Self {
            registry: Registry::new(),
            api_requests: counters(&descriptors::API_REQUESTS)?,
            api_durations: HistogramVec::new(
                HistogramOpts::from(descriptors::options(&descriptors::API_REQUEST_DURATION))
                    .buckets(REQUEST_BUCKETS.to_vec()),
                descriptors::API_REQUEST_DURATION.labels,
            )?,
            api_retries: counters(&descriptors::API_RETRIES)?,
            invalid_values: counters(&descriptors::INVALID_VALUES)?,
            inconsistent_listings: counters(&descriptors::INCONSISTENT_LISTINGS)?,
            http_requests: counters(&descriptors::HTTP_REQUESTS)?,
            credentials_expiry: credentials_expiry::ExpiryCollector::new()?,
            tls_certificate_expiry: GaugeVec::new(
                descriptors::options(&descriptors::TLS_CERTIFICATE_EXPIRY),
                descriptors::TLS_CERTIFICATE_EXPIRY.labels,
            )?,
            state: state_health::StateCollector::new()?,
            discovery: discovery::DiscoveryCollector::new()?,
            reload_successful: IntGauge::with_opts(descriptors::options(&descriptors::RELOAD_SUCCESSFUL))?,
            reload_time: Gauge::with_opts(descriptors::options(&descriptors::RELOAD_TIME))?,
            shards: IntGauge::with_opts(descriptors::options(&descriptors::SHARDS))?,
            shard_index: IntGauge::with_opts(descriptors::options(&descriptors::SHARD_INDEX))?,
            workspaces: Arc::default(),
        };
        telemetry.set_shard(Shard::SINGLE);
        telemetry.register()?;
        Ok(telemetry)
    }

    fn register(&self) -> Result<(), prometheus::Error> {
        self.collectors()?.into_iter().try_for_each(|collector| self.registry.register(collector))
    }

    fn collectors(&self) -> Result<Vec<Box<dyn Collector>>, prometheus::Error> {
        let build_info =
            IntGaugeVec::new(descriptors::options(&descriptors::BUILD_INFO), descriptors::BUILD_INFO.labels)?;
        let (revision, rustc) = (env!("BUILD_REVISION"), env!("BUILD_RUSTC"));
        build_info.with_label_values(&[env!("CARGO_PKG_VERSION"), revision, rustc]).set(1);
        Ok(vec![
            Box::new(self.api_requests.clone()),
            Box::new(self.api_durations.clone()),
            Box::new(self.api_retries.clone()),
            Box::new(self.invalid_values.clone()),
            Box::new(self.inconsistent_listings.clone()),
            Box::new(self.http_requests.clone()),
            Box::new(self.credentials_expiry.clone()),
            Box::new(self.tls_certificate_expiry.clone()),
            Box::new(self.state.clone()),
            Box::new(self.discovery.clone()),
            Box::new(self.reload_successful.clone()),
            Box::new(self.reload_time.clone()),
            Box::new(self.shards.clone()),
            Box::new(self.shard_index.clone()),
            Box::new(build_info),
            Box::new(dropped_log_lines::LogCollector::new()?),
            Box::new(process::ProcessCollector::new()?),
        ])
    }

    /// The instruments of one workspace's client.
    pub fn api(&self, workspace: &str) -> ApiMetrics {
        let removed = self.workspaces.lock().entry(workspace.to_owned()).or_default().clone();
        ApiMetrics { telemetry: self.clone(), workspace: workspace.to_owned(), removed }
    }

    /// Initializes the counters of a workspace with 0, so that the first increase is visible, and exports the expiry
    /// of its credentials.
    pub fn init_workspace(&self, workspace: &str, retry_reasons: &[&str], expiry: Expiry) {
        for reason in retry_reasons {
            self.api_retries.with_label_values(&[workspace, reason]).inc_by(0);
        }
        self.credentials_expiry.add(workspace, expiry);
    }

    /// Removes the series of a workspace. Requests in flight are not counted.
    pub fn remove_workspace(&self, workspace: &str) {
        if let Some(removed) = self.workspaces.lock().remove(workspace) {
            removed.store(true, Ordering::Relaxed);
        }
        for counters in [&self.api_requests, &self.api_retries] {
            remove_series(counters, workspace);
        }
        self.credentials_expiry.remove(workspace);
    }

    /// Exports the expiry of the served certificate, as time since the Unix epoch.
    pub fn tls_certificate_expires(&self, expires: Duration) {
        self.tls_certificate_expiry.with_label_values::<&str>(&[]).set(expires.as_secs_f64());
    }

    /// Exports the health of discovery.
    pub fn export_discovery(&self, get: GetDiscoveryHealth) {
        self.discovery.export(get);
    }

    /// The health of the discovery entries.
    pub fn discovery(&self) -> Vec<DiscoveryHealth> {
        self.discovery.health()
    }

    /// Exports the health of the state file.
    pub fn export_state(&self, get: GetStateHealth) {
        self.state.export(get);
    }

    /// Initializes the counter of a namespace with 0.
    pub fn init_namespace(&self, workspace: &str, namespace: &str) {
        self.inconsistent_listings.with_label_values(&[workspace, namespace]).inc_by(0);
    }

    /// Removes the series of a namespace.
    pub fn remove_namespace(&self, workspace: &str, namespace: &str) {
        // An error means that the series does not exist.
        let _ = self.inconsistent_listings.remove_label_values(&[workspace, namespace]);
    }

    /// Counts values that could not be parsed.
    pub fn invalid_values(&self, operation: &str, field: &str, count: u64) {
        self.invalid_values.with_label_values(&[operation, field]).inc_by(count);
    }

    /// Records that a configuration became effective at `time`, a time since the Unix epoch.
    pub fn config_accepted(&self, time: Duration) {
        self.reload_successful.set(1);
        self.reload_time.set(time.as_secs_f64());
    }

    /// Records that a configuration was rejected.
    pub fn config_rejected(&self) {
        self.reload_successful.set(0);
    }

    /// Exports the shard of this exporter.
    pub fn set_shard(&self, shard: Shard) {
        self.shards.set(shard.total().into());
        self.shard_index.set(shard.index().into());
    }

    /// The shard of this exporter.
    pub fn shard(&self) -> Shard {
        let [index, total] =
            [&self.shard_index, &self.shards].map(|gauge| u32::try_from(gauge.get()).unwrap_or(0));
        Shard::try_new(index, total).unwrap_or(Shard::SINGLE)
    }

    /// Counts an HTTP request to the exporter.
    pub fn http_request(&self, handler: &str, status: u16) {
        self.http_requests.with_label_values(&[handler, &status.to_string()]).inc();
    }

    /// Renders the instruments in the text format. `published` are the numbers of other series in the scrape.
    ///
    /// # Errors
    ///
    /// The errors of the encoder, which are bugs.
    pub fn render(&self, published: &PublishedSeries) -> Result<String, prometheus::Error> {
        let mut text = String::with_capacity(16 * 1024);
        let own = self.registry.gather();
        TextEncoder::new().encode_utf8(&own, &mut text)?;
        series_metrics::write(&mut text, Format::Text, &own, published);
        Ok(text)
    }

    /// Renders the instruments as OpenMetrics, without the final `# EOF`.
    pub fn render_openmetrics(&self, published: &PublishedSeries) -> String {
        let mut text = String::with_capacity(16 * 1024);
        let own = self.registry.gather();
        openmetrics::write(&mut text, &own);
        series_metrics::write(&mut text, Format::OpenMetrics, &own, published);
        text
    }

    /// The number of the exporter's own series, without those that count the series of other families.
    pub fn own_series(&self) -> usize {
        series_metrics::own_series(&self.registry.gather())
    }
}

fn counters(family: &FamilyDescriptor) -> Result<IntCounterVec, prometheus::Error> {
    IntCounterVec::new(descriptors::options(family), family.labels)
}

/// Removes all series of a workspace.
fn remove_series(counters: &IntCounterVec, workspace: &str) {
    for family in counters.collect() {
        for metric in family.get_metric() {
            let labels: HashMap<&str, &str> =
                metric.get_label().iter().map(|label| (label.name(), label.value())).collect();
            if labels.get("workspace") == Some(&workspace) {
                // An error means that the series does not exist any more.
                let _ = counters.remove(&labels);
            }
        }
    }
}

/// The instruments of one workspace's API client.
#[derive(Debug, Clone)]
pub struct ApiMetrics {
    telemetry: Telemetry,
    workspace: String,
    /// Set when the series of the workspace are removed. An aborted request must not create them again.
    removed: Arc<AtomicBool>,
}

impl ApiMetrics {
    /// Starts to measure a request. [`CountedRequest::ended`] counts it.
    pub fn request(&self, operation: &'static str) -> CountedRequest {
        CountedRequest { metrics: self.clone(), operation, since: Instant::now(), ended: false }
    }

    fn is_removed(&self) -> bool {
        self.removed.load(Ordering::Relaxed)
    }

    /// Counts a retry.
    pub fn retried(&self, reason: &str) {
        if self.is_removed() {
            return;
        }
        self.telemetry.api_retries.with_label_values(&[self.workspace.as_str(), reason]).inc();
    }

    /// Counts a listing whose pages were inconsistent.
    pub fn inconsistent_listing(&self, namespace: &str) {
        if self.is_removed() {
            return;
        }
        self.telemetry.inconsistent_listings.with_label_values(&[self.workspace.as_str(), namespace]).inc();
    }
}

/// A request in flight. If it is dropped before it ended, it counts as timed out.
#[derive(Debug)]
pub struct CountedRequest {
    metrics: ApiMetrics,
    operation: &'static str,
    since: Instant,
    ended: bool,
}

impl CountedRequest {
    /// Counts the request with `code`.
    pub fn ended(mut self, code: &str) {
        self.count(code);
    }

    fn count(&mut self, code: &str) {
        self.ended = true;
        if self.metrics.is_removed() {
            return;
        }
        let ApiMetrics { telemetry, workspace, .. } = &self.metrics;
        let seconds = self.since.elapsed().as_secs_f64();
        telemetry.api_requests.with_label_values(&[workspace.as_str(), self.operation, code]).inc();
        telemetry.api_durations.with_label_values(&[self.operation]).observe(seconds);
    }
}

impl Drop for CountedRequest {
    fn drop(&mut self) {
        if !self.ended {
            self.count("timeout");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    #[test]
    fn every_instrument_is_described_by_the_catalogue() {
        let of_series = [descriptors::SERIES.name, descriptors::SERIES_DROPPED.name];
        let families = sections().into_iter().flat_map(|section| section.families);
        let families = families.filter(|family| !of_series.contains(&family.name));
        let catalogue: BTreeMap<&str, BTreeSet<&str>> =
            families.map(|family| (family.name, family.labels.iter().copied().collect())).collect();
        let collectors = Telemetry::new().unwrap().collectors().unwrap();
        let instruments: BTreeMap<&str, BTreeSet<&str>> = collectors
            .iter()
            .flat_map(|collector| collector.desc())
            .map(|desc| (&*desc.fq_name, desc.variable_labels.iter().map(String::as_str).collect()))
            .collect();
        assert_eq!(instruments, catalogue);
    }

    #[test]
    fn a_removed_workspace_leaves_no_series() {
        let telemetry = Telemetry::new().unwrap();
        for workspace in ["gone", "stays"] {
            let expiry = Box::new(|| Some(Duration::from_secs(1)));
            telemetry.init_workspace(workspace, &["auth", "network"], expiry);
            telemetry.init_namespace(workspace, "n");
            telemetry.api(workspace).request("ListDeployments").ended("200");
            telemetry.api(workspace).retried("network");
        }
        let before = telemetry.render(&PublishedSeries::default()).unwrap();
        assert_eq!(
            before.matches("workspace=\"gone\"").count(),
            before.matches("workspace=\"stays\"").count()
        );
        let in_flight = telemetry.api("gone").request("ListDeployments");
        telemetry.remove_workspace("gone");
        telemetry.remove_namespace("gone", "n");
        drop(in_flight);
        let after = telemetry.render(&PublishedSeries::default()).unwrap();
        assert!(!after.contains("gone"), "{after}");
        assert_eq!(
            after.matches("workspace=\"stays\"").count(),
            before.matches("workspace=\"stays\"").count()
        );
        telemetry.api("gone").retried("network");
        let again = telemetry.render(&PublishedSeries::default()).unwrap();
        assert_eq!(again.matches("gone").count(), 1, "a workspace that returns is counted again: {again}");
    }
}
