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

/// When targets are polled.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "poll")]
pub(super) struct Poll {
    /// How often each target is polled; 100ms or more.
    pub(super) interval: Option<Interval>,
    /// Limit for one poll of one target, retries included.
    pub(super) timeout: Option<Limit>,
    /// Age at which a target's series are withdrawn, but at least three intervals.
    pub(super) stale_after: Option<Limit>,
}

/// How the API is called.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "api")]
pub(super) struct Api {
    /// Deployments on one page.
    pub(super) page_size: Option<Whole<1, 100>>,
    /// Concurrent requests of one workspace.
    pub(super) max_concurrent_requests: Option<Whole<1, 1000>>,
    /// Requests started per second in one workspace.
    pub(super) requests_per_second: Option<Rate>,
    /// The same for all workspaces with the same region and credentials together. If `requests_per_second` is more, that
    /// is the default.
    pub(super) account_requests_per_second: Option<Rate>,
    /// Requests to the console's API per second, for each region and credentials.
    pub(super) console_requests_per_second: Option<Rate>,
    /// Limit for one request, from connecting to the last byte.
    pub(super) request_timeout: Option<Limit>,
    /// How often one request is retried.
    pub(super) max_retries: Option<Whole<0, 100>>,
    /// Largest page that is read: 1KiB to 4GiB.
    pub(super) max_response_size: Option<Size<{ 1 << 10 }, { 4 << 30 }>>,
    /// Largest listing, the bytes of all its pages together: 1KiB to 64GiB.
    pub(super) max_listing_size: Option<Size<{ 1 << 10 }, { 64 << 30 }>>,
}

/// What is exported.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "metrics")]
pub(super) struct Metrics {
    /// Job counts by state.
    pub(super) jobs: Option<bool>,
    /// Resource settings, and what is computed from them.
    pub(super) resources: Option<bool>,
    /// Keys of the deployment labels to export; `["*"]` for all.
    pub(super) deployment_labels: Option<Vec<Option<String>>>,
    /// Keys of the workspace tags to export; `["*"]` for all.
    pub(super) workspace_tags: Option<Vec<Option<String>>>,
    /// Maximum number of series in a scrape; 0 is unlimited.
    pub(super) max_series: Option<Whole<0, 1_000_000_000>>,
    /// How long the first value of a counter is served at least; at least twice the longest scrape interval.
    pub(super) first_value_hold: Option<Period<0>>,
}

/// More would poll less than a namespace each.
const MAX_SHARDS: u32 = 1000;

/// Several exporters that share the targets.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "shard")]
pub(super) struct Shard {
    /// Which of them this is.
    pub(super) index: Option<Whole<0, { MAX_SHARDS - 1 }>>,
    /// How many there are.
    pub(super) total: Option<Whole<1, MAX_SHARDS>>,
}

/// The state that survives a restart.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "state")]
pub(super) struct State {
    /// Path of the state file.
    pub(super) path: Option<String>,
}

/// What is polled besides deployments: true, false, or settings.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "collectors")]
pub(super) struct Collectors {
    /// The state, expiry, quota and usage of workspaces.
    pub(super) workspaces: Option<Short<Switch, CollectorSettings>>,
    /// The state, quota and usage of namespaces.
    pub(super) namespaces: Option<Short<Switch, CollectorSettings>>,
    /// The limits and the usage of queues.
    pub(super) queues: Option<Short<Switch, CollectorSettings>>,
    /// The state, size and users of session clusters.
    pub(super) session_clusters: Option<Short<Switch, CollectorSettings>>,
    /// The support status of engine versions.
    pub(super) engine_versions: Option<Short<Switch, CollectorSettings>>,
    /// The jobs of deployments: why they failed, and what live ones use.
    pub(super) jobs: Option<Short<Switch, JobsSettings>>,
}

/// Settings of a collector.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "collector")]
pub(super) struct CollectorSettings {
    /// How often it polls; 100ms or more.
    pub(super) interval: Option<Interval>,
}

/// Settings of the collector of jobs.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "jobs-collector")]
pub(super) struct JobsSettings {
    /// Which deployments it asks for.
    pub(super) mode: Option<JobsMode>,
    /// How often it polls; 100ms or more.
    pub(super) interval: Option<Interval>,
    /// Requests started per second in a workspace.
    pub(super) requests_per_second: Option<Rate>,
}

/// A region.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "discovery-entry")]
pub(super) struct DiscoveryEntry {
    /// The region, such as cn-hangzhou.
    #[schemars(required)]
    pub(super) region: Option<Region>,
    /// Value of the label `discovery`; unique. Default: the region.
    pub(super) name: Option<String>,
    /// How often workspaces and namespaces are listed; 100ms or more.
    pub(super) interval: Option<Interval>,
    pub(super) workspaces: Option<WorkspaceFilter>,
    /// Which namespaces: `all`, or filters. Default: all.
    pub(super) namespaces: Option<Short<AllOrFilters, DiscoveredNamespaces>>,
    pub(super) collectors: Option<Collectors>,
    /// Endpoint of the API. Default: `https://ververica.<region>.aliyuncs.com`.
    pub(super) endpoint: Option<String>,
    /// Endpoint of the console's API. Default: by the region.
    pub(super) console_endpoint: Option<String>,
    /// Permits `http://` to other machines. Default: false.
    pub(super) allow_plain_http: Option<bool>,
    pub(super) credentials: Option<ProviderConfig>,
}

/// Which workspaces.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "workspace-filter")]
pub(super) struct WorkspaceFilter {
    /// Patterns of ids or names, one of which must match. Default: `["*"]`.
    pub(super) include: Option<Vec<String>>,
    /// Patterns of ids or names, none of which may match. Default: `[]`.
    pub(super) exclude: Option<Vec<String>>,
    /// Tags that a workspace must have, all with these values.
    pub(super) tags: Option<BTreeMap<String, String>>,
}

/// Which of the namespaces that discovery finds.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "namespace-filter")]
pub(super) struct DiscoveredNamespaces {
    /// Patterns of names, one of which must match. Default: `["*"]`.
    pub(super) include: Option<Vec<String>>,
    /// Patterns of names, none of which may match. Default: `[]`.
    pub(super) exclude: Option<Vec<String>>,
    pub(super) poll: Option<Poll>,
    pub(super) select: Option<Selection>,
    /// How deployments are listed.
    pub(super) api: Option<DeploymentsOperation>,
}

/// A workspace.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "workspace")]
pub(super) struct Workspace {
    /// The workspace's id, such as a14bd5d90a0123.
    #[schemars(required)]
    pub(super) id: Option<WorkspaceId>,
    /// The region, such as cn-hangzhou.
    pub(super) region: Option<Region>,
    /// Endpoint of the API. Default: `https://ververica.<region>.aliyuncs.com`.
    pub(super) endpoint: Option<String>,
    /// Endpoint of the console's API. Default: by the region.
    pub(super) console_endpoint: Option<String>,
    /// Permits `http://` to other machines. Default: false.
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
    /// How deployments are listed.
    pub(super) api: Option<DeploymentsOperation>,
}
