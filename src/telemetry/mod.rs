//! The exporter's own metrics.
//!
//! They live in a registry of their own, one a process or a test, and are read at scrape time; what the API told
//! is rendered from the snapshot instead, so that nothing of a deployment outlives it.

mod expiry;
mod openmetrics;
mod process;

use std::{collections::HashMap, time::Duration};

use prometheus::{
    Gauge, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder,
    core::Collector,
};
use tokio::time::Instant;

pub use expiry::Expiry;

/// Seconds; the API answers a page in tens of milliseconds, and is given up after `api.request_timeout`.
const REQUEST_BUCKETS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// What documents one of the exporter's own metrics.
#[derive(Debug, Clone)]
pub struct Described {
    /// Its name.
    pub name: String,
    /// Its type, as `# TYPE` spells it.
    pub kind: String,
    /// Its help.
    pub help: String,
    /// The names of its labels.
    pub labels: Vec<String>,
}

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
    credentials_expiry: expiry::ExpiryCollector,
    reload_successful: IntGauge,
    reload_time: Gauge,
}

impl Telemetry {
    /// Registers every instrument.
    pub fn new() -> Result<Self, prometheus::Error> {
        let telemetry = Self {
            registry: Registry::new(),
            api_requests: counters(
                "api_requests_total",
                "Requests sent to the API, retries included, by HTTP status, or timeout or network where none \
                 came.",
                &["workspace", "operation", "code"],
            )?,
            api_durations: HistogramVec::new(
                HistogramOpts::new(
                    "aliyun_flink_exporter_api_request_duration_seconds",
                    "Seconds from sending a request to the API to the last byte of its reply, or to its failure.",
                )
                .buckets(REQUEST_BUCKETS.to_vec()),
                &["operation"],
            )?,
            api_retries: counters(
                "api_retries_total",
                "Requests to the API that were tried again, by why the try before failed.",
                &["workspace", "reason"],
            )?,
            invalid_values: counters(
                "invalid_values_total",
                "Values of the API that could not be read, by operation and field. Their series are missing. \
                 Counted at each poll.",
                &["operation", "field"],
            )?,
            inconsistent_listings: counters(
                "inconsistent_listings_total",
                "Walks over a namespace's pages that disagreed with themselves, as when deployments are created \
                 or deleted meanwhile; each is walked again, three times at the most.",
                &["workspace", "namespace"],
            )?,
            http_requests: counters(
                "http_requests_total",
                "Requests that the exporter answered, by handler and HTTP status.",
                &["handler", "code"],
            )?,
            credentials_expiry: expiry::ExpiryCollector::new()?,
            reload_successful: IntGauge::new(
                "aliyun_flink_exporter_config_last_reload_successful",
                "1 if the configuration in force is what was last read, 0 if what was last read was refused.",
            )?,
            reload_time: Gauge::new(
                "aliyun_flink_exporter_config_last_reload_success_timestamp_seconds",
                "When the configuration in force was read, in seconds since the Unix epoch.",
            )?,
        };
        telemetry.register()?;
        Ok(telemetry)
    }

    fn register(&self) -> Result<(), prometheus::Error> {
        self.collectors()?.into_iter().try_for_each(|collector| self.registry.register(collector))
    }

    fn collectors(&self) -> Result<[Box<dyn Collector>; 11], prometheus::Error> {
        let build_info = IntGaugeVec::new(
            Opts::new(
                "aliyun_flink_exporter_build_info",
                "1, with the exporter's version and how it was built.",
            ),
            &["version", "revision", "rustc"],
        )?;
        let (revision, rustc) = (env!("BUILD_REVISION"), env!("BUILD_RUSTC"));
        build_info.with_label_values(&[env!("CARGO_PKG_VERSION"), revision, rustc]).set(1);
        Ok([
            Box::new(self.api_requests.clone()),
            Box::new(self.api_durations.clone()),
            Box::new(self.api_retries.clone()),
            Box::new(self.invalid_values.clone()),
            Box::new(self.inconsistent_listings.clone()),
            Box::new(self.http_requests.clone()),
            Box::new(self.credentials_expiry.clone()),
            Box::new(self.reload_successful.clone()),
            Box::new(self.reload_time.clone()),
            Box::new(build_info),
            Box::new(process::ProcessCollector::new()?),
        ])
    }

    /// Every family, whether it has series yet or not.
    pub fn catalogue() -> Result<Vec<Described>, prometheus::Error> {
        let mut families = Vec::new();
        for collector in Self::new()?.collectors()? {
            let labels: HashMap<String, Vec<String>> = collector
                .desc()
                .into_iter()
                .map(|desc| (desc.fq_name.clone(), desc.variable_labels.clone()))
                .collect();
            families.extend(collector.collect().into_iter().map(|family| Described {
                labels: labels.get(family.name()).cloned().unwrap_or_default(),
                kind: format!("{:?}", family.get_field_type()).to_lowercase(),
                name: family.name().to_owned(),
                help: family.help().to_owned(),
            }));
        }
        Ok(families)
    }

    /// The instruments of one workspace's client.
    pub fn api(&self, workspace: &str) -> ApiMetrics {
        ApiMetrics { telemetry: self.clone(), workspace: workspace.to_owned() }
    }

    /// Starts the count of a workspace's retries at 0, so that the first is an increase.
    pub fn workspace(&self, workspace: &str, retry_reasons: &[&str]) {
        for reason in retry_reasons {
            self.api_retries.with_label_values(&[workspace, reason]).inc_by(0);
        }
    }

    /// Forgets the count of a namespace that is not polled any more.
    pub fn forget_namespace(&self, workspace: &str, namespace: &str) {
        // An error says that there is no such count, which is what is wanted.
        let _ = self.inconsistent_listings.remove_label_values(&[workspace, namespace]);
    }

    /// Starts the count of a namespace's inconsistent listings at 0.
    pub fn namespace(&self, workspace: &str, namespace: &str) {
        self.inconsistent_listings.with_label_values(&[workspace, namespace]).inc_by(0);
    }

    /// Tells at each scrape when a workspace's credentials end.
    pub fn credentials(&self, workspace: &str, expiry: Expiry) {
        self.credentials_expiry.add(workspace, expiry);
    }

    /// Counts invalid values of a field.
    pub fn invalid_values(&self, operation: &str, field: &str, count: u64) {
        self.invalid_values.with_label_values(&[operation, field]).inc_by(count);
    }

    /// Notes that a configuration was read at `time` since the Unix epoch and is in force.
    pub fn config_accepted(&self, time: Duration) {
        self.reload_successful.set(1);
        self.reload_time.set(time.as_secs_f64());
    }

    /// Notes that a configuration was refused.
    pub fn config_refused(&self) {
        self.reload_successful.set(0);
    }

    /// Counts a request that the exporter answered.
    pub fn http_request(&self, handler: &str, status: u16) {
        self.http_requests.with_label_values(&[handler, &status.to_string()]).inc();
    }

    /// The live metrics in the text format.
    pub fn render(&self) -> Result<String, prometheus::Error> {
        let mut text = String::with_capacity(8 * 1024);
        TextEncoder::new().encode_utf8(&self.registry.gather(), &mut text)?;
        Ok(text)
    }

    /// The live metrics as OpenMetrics, without the line that ends an exposition.
    pub fn render_openmetrics(&self) -> String {
        let mut text = String::with_capacity(8 * 1024);
        openmetrics::write(&mut text, &self.registry.gather());
        text
    }
}

fn counters(name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec, prometheus::Error> {
    IntCounterVec::new(Opts::new(format!("aliyun_flink_exporter_{name}"), help), labels)
}

/// What one workspace's client counts.
#[derive(Debug, Clone)]
pub struct ApiMetrics {
    telemetry: Telemetry,
    workspace: String,
}

impl ApiMetrics {
    /// Counts a request from here on, until it is told how it ended.
    pub fn request(&self, operation: &'static str) -> CountedRequest {
        CountedRequest { metrics: self.clone(), operation, since: Instant::now(), ended: false }
    }

    /// Counts a retry.
    pub fn retried(&self, reason: &str) {
        self.telemetry.api_retries.with_label_values(&[self.workspace.as_str(), reason]).inc();
    }

    /// Counts a walk whose pages disagreed.
    pub fn inconsistent_listing(&self, namespace: &str) {
        self.telemetry.inconsistent_listings.with_label_values(&[self.workspace.as_str(), namespace]).inc();
    }
}

/// A request under way; one that is dropped before it ended counts as timed out.
#[derive(Debug)]
pub struct CountedRequest {
    metrics: ApiMetrics,
    operation: &'static str,
    since: Instant,
    ended: bool,
}

impl CountedRequest {
    /// Counts it under `code`.
    pub fn ended(mut self, code: &str) {
        self.count(code);
    }

    fn count(&mut self, code: &str) {
        self.ended = true;
        let ApiMetrics { telemetry, workspace } = &self.metrics;
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
