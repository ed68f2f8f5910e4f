//! The settings as they are written. Their comments are the descriptions in the JSON schema.

use std::collections::BTreeMap;

use config_reader::{Period, Short, Size, Whole};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::text_rules::{AllOrFilters, AllOrList, NamespaceName, Rate, Region, Switch, WorkspaceId};
use crate::credentials::ProviderConfig;
use crate::model::{DeploymentsOperation, JobsMode, Selection};

/// An interval of polling. A shorter one would only reach the API's limits.
type Interval = Period<100>;

/// A limit of time.
type Limit = Period<1>;

/// Configuration of aliyun-flink-exporter.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "aliyun-flink-exporter")]
pub(super) struct Config {
    pub(super) poll: Option<Poll>,
    pub(super) api: Option<Api>,
    pub(super) credentials: Option<ProviderConfig>,
    /// Regions whose workspaces and namespaces are discovered.
    pub(super) discovery: Option<Vec<Option<DiscoveryEntry>>>,
    /// Workspaces that are polled.
    pub(super) workspaces: Option<Vec<Option<Workspace>>>,
    pub(super) collectors: Option<Collectors>,
    pub(super) metrics: Option<Metrics>,
    pub(super) shard: Option<Shard>,
    pub(super) state: Option<State>,
}

/// Schedule of polls.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "poll")]
pub(super) struct Poll {
    /// Interval between two polls of a target, at least 100ms.
    pub(super) interval: Option<Interval>,
    /// Maximum duration of a poll, including retries.
    pub(super) timeout: Option<Limit>,
    /// Age at which data is withdrawn, but never before three intervals have passed.
    pub(super) stale_after: Option<Limit>,
}

/// Requests to the API.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "api")]
pub(super) struct Api {
    /// Number of deployments per page.
    pub(super) page_size: Option<Whole<1, 100>>,
    /// Maximum number of concurrent requests for one workspace.
    pub(super) max_concurrent_requests: Option<Whole<1, 1000>>,
    /// Maximum number of requests per second for one workspace.
    pub(super) requests_per_second: Option<Rate>,
    /// Maximum number of requests per second for all workspaces with the same region and credentials. Default: 50, or
    /// `requests_per_second` if that is greater.
    pub(super) account_requests_per_second: Option<Rate>,
    /// Maximum number of requests per second to the console API, for each region and credentials.
    pub(super) console_requests_per_second: Option<Rate>,
    /// Maximum duration of one request, from connecting to the last byte of the response.
    pub(super) request_timeout: Option<Limit>,
    /// Maximum number of retries of one request.
    pub(super) max_retries: Option<Whole<0, 100>>,
    /// Maximum size of a page: 1KiB to 4GiB.
    pub(super) max_response_size: Option<Size<{ 1 << 10 }, { 4 << 30 }>>,
    /// Maximum size of all pages of a listing together: 1KiB to 64GiB.
    pub(super) max_listing_size: Option<Size<{ 1 << 10 }, { 64 << 30 }>>,
}

/// Exported metrics.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "metrics")]
pub(super) struct Metrics {
    /// Number of jobs by state, deployment status and ended jobs.
    pub(super) jobs: Option<bool>,
    /// Resource settings, and the resources that are computed from them.
    pub(super) resources: Option<bool>,
    /// Keys of the deployment labels to export; `["*"]` exports all.
    pub(super) deployment_labels: Option<Vec<Option<String>>>,
    /// Keys of the workspace tags to export; `["*"]` exports all.
    pub(super) workspace_tags: Option<Vec<Option<String>>>,
    /// Maximum number of series in a scrape; 0 means unlimited.
    pub(super) max_series: Option<Whole<0, 1_000_000_000>>,
    /// Minimum time for which the first value of a counter is served. Set it to at least twice the longest scrape interval.
    pub(super) first_value_hold: Option<Period<0>>,
}

/// More would poll less than a namespace each.
const MAX_SHARDS: u32 = 1000;

/// Divides the targets among several exporters.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "shard")]
pub(super) struct Shard {
    /// Index of this exporter.
    pub(super) index: Option<Whole<0, { MAX_SHARDS - 1 }>>,
    /// Number of exporters.
    pub(super) total: Option<Whole<1, MAX_SHARDS>>,
}

/// State that survives restarts.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "state")]
pub(super) struct State {
    /// Path of the state file.
    pub(super) path: Option<String>,
}

/// Additional collectors: true, false, or settings.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "collectors")]
pub(super) struct Collectors {
    /// Status, expiry, quota and usage of workspaces.
    pub(super) workspaces: Option<Short<Switch, CollectorSettings>>,
    /// Status, quota and usage of namespaces.
    pub(super) namespaces: Option<Short<Switch, CollectorSettings>>,
    /// Limits and usage of queues.
    pub(super) queues: Option<Short<Switch, CollectorSettings>>,
    /// Status, size and deployments of session clusters.
    pub(super) session_clusters: Option<Short<Switch, CollectorSettings>>,
    /// Support status of engine versions.
    pub(super) engine_versions: Option<Short<Switch, CollectorSettings>>,
    /// Failure reasons of deployments, and usage of live jobs.
    pub(super) jobs: Option<Short<Switch, JobsSettings>>,
}

/// Settings of a collector.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "collector")]
pub(super) struct CollectorSettings {
    /// Interval between two polls, at least 100ms.
    pub(super) interval: Option<Interval>,
}

/// Settings of the collector of jobs.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "jobs-collector")]
pub(super) struct JobsSettings {
    /// Which deployments are queried.
    pub(super) mode: Option<JobsMode>,
    /// Interval between two polls, at least 100ms.
    pub(super) interval: Option<Interval>,
    /// Maximum number of requests per second for one workspace.
    pub(super) requests_per_second: Option<Rate>,
}

/// A region.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "discovery-entry")]
pub(super) struct DiscoveryEntry {
    /// Region, such as cn-hangzhou.
    #[schemars(required)]
    pub(super) region: Option<Region>,
    /// Value of the label `discovery`, which must be unique. Default: the region.
    pub(super) name: Option<String>,
    /// Interval between two listings of workspaces and namespaces, at least 100ms.
    pub(super) interval: Option<Interval>,
    pub(super) workspaces: Option<WorkspaceFilter>,
    /// Filters and settings for namespaces, or `all`. Default: all.
    pub(super) namespaces: Option<Short<AllOrFilters, DiscoveredNamespaces>>,
    pub(super) collectors: Option<Collectors>,
    /// Endpoint of the API. Default: `https://ververica.<region>.aliyuncs.com`.
    pub(super) endpoint: Option<String>,
    /// Endpoint of the console API. Default: by the region.
    pub(super) console_endpoint: Option<String>,
    /// Permits an `http://` endpoint on another machine. Default: false.
    pub(super) allow_plain_http: Option<bool>,
    pub(super) credentials: Option<ProviderConfig>,
}

/// Filters for workspaces.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "workspace-filter")]
pub(super) struct WorkspaceFilter {
    /// Patterns for IDs or names. At least one must match. Default: `["*"]`.
    pub(super) include: Option<Vec<String>>,
    /// Patterns for IDs or names. None may match. Default: `[]`.
    pub(super) exclude: Option<Vec<String>>,
    /// Tags that a workspace must have. All must match.
    pub(super) tags: Option<BTreeMap<String, String>>,
}

/// Filters and settings for discovered namespaces.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "namespace-filter")]
pub(super) struct DiscoveredNamespaces {
    /// Patterns for names. At least one must match. Default: `["*"]`.
    pub(super) include: Option<Vec<String>>,
    /// Patterns for names. None may match. Default: `[]`.
    pub(super) exclude: Option<Vec<String>>,
    pub(super) poll: Option<Poll>,
    pub(super) select: Option<Selection>,
    /// Operation that lists deployments.
    pub(super) api: Option<DeploymentsOperation>,
}

/// A workspace.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "workspace")]
pub(super) struct Workspace {
    /// Workspace ID, such as a14bd5d90a0123.
    #[schemars(required)]
    pub(super) id: Option<WorkspaceId>,
    /// Region, such as cn-hangzhou.
    pub(super) region: Option<Region>,
    /// Endpoint of the API. Default: `https://ververica.<region>.aliyuncs.com`.
    pub(super) endpoint: Option<String>,
    /// Endpoint of the console API. Default: by the region.
    pub(super) console_endpoint: Option<String>,
    /// Permits an `http://` endpoint on another machine. Default: false.
    pub(super) allow_plain_http: Option<bool>,
    pub(super) credentials: Option<ProviderConfig>,
    /// Namespaces: a list, `all`, or filters.
    #[schemars(required)]
    pub(super) namespaces: Option<Namespaces>,
    pub(super) collectors: Option<Collectors>,
}

pub(super) type Namespaces =
    Short<Vec<Option<Short<NamespaceName, Namespace>>>, Short<AllOrList, DiscoveredNamespaces>, true>;

/// A target: a namespace, or a selection of its deployments.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "namespace")]
pub(super) struct Namespace {
    /// Name of the namespace.
    #[schemars(required)]
    pub(super) name: Option<NamespaceName>,
    pub(super) poll: Option<Poll>,
    pub(super) select: Option<Selection>,
    /// Operation that lists deployments.
    pub(super) api: Option<DeploymentsOperation>,
}
