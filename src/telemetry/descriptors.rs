//! The descriptors of the exporter's own metrics.

use prometheus::Opts;

use crate::exposition::{FamilyDescriptor, MetricType, Origin, ReferenceSection, Unit};

const fn family(
    name: &'static str,
    metric_type: MetricType,
    unit: Unit,
    help: &'static str,
    labels: &'static [&'static str],
    origin: &'static str,
) -> FamilyDescriptor {
    FamilyDescriptor { name, metric_type, unit, help, labels, origin: Origin::Exporter(origin) }
}

pub(super) const API_REQUESTS: FamilyDescriptor = family(
    "aliyun_flink_exporter_api_requests_total",
    MetricType::Counter,
    Unit::Count("requests"),
    "Total number of API requests, including retries, by HTTP status code; timeout or network if there was no \
     response.",
    &["workspace", "operation", "code"],
    "API client",
);
pub(super) const API_REQUEST_DURATION: FamilyDescriptor = family(
    "aliyun_flink_exporter_api_request_duration_seconds",
    MetricType::Histogram,
    Unit::Seconds,
    "Duration of API requests in seconds, from sending the request to the last byte of the response.",
    &["operation"],
    "API client",
);
pub(super) const API_RETRIES: FamilyDescriptor = family(
    "aliyun_flink_exporter_api_retries_total",
    MetricType::Counter,
    Unit::Count("requests"),
    "Total number of API request retries, by reason.",
    &["workspace", "reason"],
    "API client",
);
pub(super) const INVALID_VALUES: FamilyDescriptor = family(
    "aliyun_flink_exporter_invalid_values_total",
    MetricType::Counter,
    Unit::Count("values"),
    "Total number of values in API responses that could not be parsed, by operation and field. Counted again at \
     each poll.",
    &["operation", "field"],
    "decoder of API responses",
);
pub(super) const INCONSISTENT_LISTINGS: FamilyDescriptor = family(
    "aliyun_flink_exporter_inconsistent_listings_total",
    MetricType::Counter,
    Unit::Count("listings"),
    "Total number of listings with inconsistent pages because objects changed during pagination. A listing is read \
     up to three times.",
    &["workspace", "namespace"],
    "API client",
);
pub(super) const HTTP_REQUESTS: FamilyDescriptor = family(
    "aliyun_flink_exporter_http_requests_total",
    MetricType::Counter,
    Unit::Count("requests"),
    "Total number of HTTP requests to the exporter, by handler and HTTP status code.",
    &["handler", "code"],
    "HTTP server",
);
pub(super) const CREDENTIALS_EXPIRY: FamilyDescriptor = family(
    "aliyun_flink_exporter_credentials_expiry_timestamp_seconds",
    MetricType::Gauge,
    Unit::Timestamp,
    "Expiry time of the workspace's temporary credentials, in seconds since the Unix epoch. No series if they do not \
     expire.",
    &["workspace"],
    "credentials provider",
);
pub(super) const TLS_CERTIFICATE_EXPIRY: FamilyDescriptor = family(
    "aliyun_flink_exporter_tls_certificate_expiry_timestamp_seconds",
    MetricType::Gauge,
    Unit::Timestamp,
    "Earliest expiry time in the exporter's certificate chain, in seconds since the Unix epoch. No series without \
     TLS.",
    &[],
    "web configuration",
);
pub(super) const RELOAD_SUCCESSFUL: FamilyDescriptor = family(
    "aliyun_flink_exporter_config_last_reload_successful",
    MetricType::Gauge,
    Unit::Boolean,
    "Whether the last configuration reload attempt was successful.",
    &[],
    "configuration",
);
pub(super) const RELOAD_TIME: FamilyDescriptor = family(
    "aliyun_flink_exporter_config_last_reload_success_timestamp_seconds",
    MetricType::Gauge,
    Unit::Timestamp,
    "Time of the last successful configuration reload, in seconds since the Unix epoch.",
    &[],
    "configuration",
);
pub(super) const BUILD_INFO: FamilyDescriptor = family(
    "aliyun_flink_exporter_build_info",
    MetricType::Gauge,
    Unit::One,
    "Version, source revision and compiler of the exporter; always 1.",
    &["version", "revision", "rustc"],
    "build",
);
pub(super) const DISCOVERY_UP: FamilyDescriptor = family(
    "aliyun_flink_discovery_up",
    MetricType::Gauge,
    Unit::Boolean,
    "Whether the last listings of workspaces and of their namespaces succeeded. No series before the first attempt \
     has finished.",
    &["discovery", "region"],
    "discovery",
);
pub(super) const DISCOVERY_LAST_SUCCESS: FamilyDescriptor = family(
    "aliyun_flink_discovery_last_success_timestamp_seconds",
    MetricType::Gauge,
    Unit::Timestamp,
    "Time when the last fully successful discovery ended, in seconds since the Unix epoch.",
    &["discovery", "region"],
    "discovery",
);
pub(super) const DISCOVERY_INTERVAL: FamilyDescriptor = family(
    "aliyun_flink_discovery_interval_seconds",
    MetricType::Gauge,
    Unit::Seconds,
    "Configured interval between discovery listings, in seconds.",
    &["discovery", "region"],
    "discovery",
);
pub(super) const DISCOVERY_WORKSPACES: FamilyDescriptor = family(
    "aliyun_flink_discovery_workspaces",
    MetricType::Gauge,
    Unit::Count("workspaces"),
    "Number of discovered workspaces, by state.",
    &["discovery", "region", "state"],
    "discovery",
);
pub(super) const DISCOVERY_NAMESPACES: FamilyDescriptor = family(
    "aliyun_flink_discovery_namespaces",
    MetricType::Gauge,
    Unit::Count("namespaces"),
    "Number of discovered namespaces, by state.",
    &["discovery", "region", "state"],
    "discovery",
);
pub(super) const STATE_HEALTHY: FamilyDescriptor = family(
    "aliyun_flink_exporter_state_healthy",
    MetricType::Gauge,
    Unit::Boolean,
    "Whether the state file is readable and contains all changes. No series without state.path.",
    &[],
    "state file",
);
pub(super) const STATE_LAST_SAVE: FamilyDescriptor = family(
    "aliyun_flink_exporter_state_last_save_timestamp_seconds",
    MetricType::Gauge,
    Unit::Timestamp,
    "Time of the last successful save to the state file, in seconds since the Unix epoch. No series without \
     state.path.",
    &[],
    "state file",
);
pub(super) const LOG_LINES_DROPPED: FamilyDescriptor = family(
    "aliyun_flink_exporter_log_lines_dropped_total",
    MetricType::Counter,
    Unit::Count("lines"),
    "Total number of log lines dropped because standard error was not read in time or returned an error.",
    &[],
    "log",
);
pub(super) const SERIES: FamilyDescriptor = family(
    "aliyun_flink_exporter_series",
    MetricType::Gauge,
    Unit::Count("series"),
    "Number of series in this scrape, by metric, including this metric and the process metrics.",
    &["family"],
    "series budget",
);
pub(super) const SERIES_DROPPED: FamilyDescriptor = family(
    "aliyun_flink_exporter_series_dropped",
    MetricType::Gauge,
    Unit::Count("series"),
    "Number of series dropped because of metrics.max_series, by metric. No series if nothing is dropped.",
    &["family"],
    "series budget",
);
pub(super) const SHARDS: FamilyDescriptor = family(
    "aliyun_flink_exporter_shards",
    MetricType::Gauge,
    Unit::Count("shards"),
    "Number of exporters that share the targets (shard.total).",
    &[],
    "configuration",
);
pub(super) const SHARD_INDEX: FamilyDescriptor = family(
    "aliyun_flink_exporter_shard_index",
    MetricType::Gauge,
    Unit::Count("index"),
    "Index of this exporter among those that share the targets (shard.index).",
    &[],
    "configuration",
);
pub(super) const PROCESS_CPU: FamilyDescriptor = family(
    "process_cpu_seconds_total",
    MetricType::Counter,
    Unit::Seconds,
    "Total user and system CPU time spent in seconds.",
    &[],
    PROCESS_ORIGIN,
);
pub(super) const PROCESS_RESIDENT_MEMORY: FamilyDescriptor = family(
    "process_resident_memory_bytes",
    MetricType::Gauge,
    Unit::Bytes,
    "Resident memory size in bytes.",
    &[],
    PROCESS_ORIGIN,
);
pub(super) const PROCESS_VIRTUAL_MEMORY: FamilyDescriptor = family(
    "process_virtual_memory_bytes",
    MetricType::Gauge,
    Unit::Bytes,
    "Virtual memory size in bytes.",
    &[],
    PROCESS_ORIGIN,
);
pub(super) const PROCESS_OPEN_FDS: FamilyDescriptor = family(
    "process_open_fds",
    MetricType::Gauge,
    Unit::Count("file descriptors"),
    "Number of open file descriptors.",
    &[],
    PROCESS_ORIGIN,
);
pub(super) const PROCESS_MAX_FDS: FamilyDescriptor = family(
    "process_max_fds",
    MetricType::Gauge,
    Unit::Count("file descriptors"),
    "Maximum number of open file descriptors.",
    &[],
    PROCESS_ORIGIN,
);
pub(super) const PROCESS_THREADS: FamilyDescriptor = family(
    "process_threads",
    MetricType::Gauge,
    Unit::Count("threads"),
    "Number of operating system threads in the process.",
    &[],
    PROCESS_ORIGIN,
);
pub(super) const PROCESS_START_TIME: FamilyDescriptor = family(
    "process_start_time_seconds",
    MetricType::Gauge,
    Unit::Timestamp,
    "Start time of the process since the Unix epoch in seconds.",
    &[],
    PROCESS_ORIGIN,
);

const PROCESS_ORIGIN: &str = "`/proc/self`";

/// The documentation of the instruments, in three sections: discovery, exporter, process.
pub fn sections() -> [ReferenceSection; 3] {
    let section = |title, families| ReferenceSection { title, identity_labels: &[], families };
    [
        section(
            "Discovery metrics",
            vec![
                DISCOVERY_UP,
                DISCOVERY_LAST_SUCCESS,
                DISCOVERY_INTERVAL,
                DISCOVERY_WORKSPACES,
                DISCOVERY_NAMESPACES,
            ],
        ),
        section(
            "Exporter metrics",
            vec![
                API_REQUESTS,
                API_REQUEST_DURATION,
                API_RETRIES,
                INVALID_VALUES,
                INCONSISTENT_LISTINGS,
                HTTP_REQUESTS,
                CREDENTIALS_EXPIRY,
                TLS_CERTIFICATE_EXPIRY,
                RELOAD_SUCCESSFUL,
                RELOAD_TIME,
                BUILD_INFO,
                STATE_HEALTHY,
                STATE_LAST_SAVE,
                LOG_LINES_DROPPED,
                SERIES,
                SERIES_DROPPED,
                SHARDS,
                SHARD_INDEX,
            ],
        ),
        section(
            "Process metrics",
            vec![
                PROCESS_CPU,
                PROCESS_RESIDENT_MEMORY,
                PROCESS_VIRTUAL_MEMORY,
                PROCESS_OPEN_FDS,
                PROCESS_MAX_FDS,
                PROCESS_THREADS,
                PROCESS_START_TIME,
            ],
        ),
    ]
}

/// The options of an instrument from its descriptor.
pub(super) fn options(family: &FamilyDescriptor) -> Opts {
    Opts::new(family.name, family.help)
}
