//! The sections `collectors`: at the top, of a discovery entry and of a workspace.

use std::collections::BTreeMap;
use std::time::Duration;

use super::decode::{Node, Table};
use super::settings::{LOWEST_RATE, SHORTEST_INTERVAL};
use crate::model::{CollectorName, JOBS, JobsMode};

pub(super) const SETTINGS_KEYS: [&str; 1] = ["interval"];
pub(super) const JOBS_KEYS: [&str; 3] = ["mode", "interval", "requests_per_second"];

/// The default of `collectors.jobs.requests_per_second`.
const JOBS_REQUESTS_PER_SECOND: f64 = 2.0;

/// A collector that can be enabled.
#[derive(Debug, Clone, Copy)]
pub(super) struct Collector {
    pub(super) name: CollectorName,
    default_interval: Duration,
    /// Whether its requests go to the console's API. It is then enabled by default where discovery is used, which sends the
    /// same requests.
    pub(super) uses_console: bool,
}

/// The collectors that can be enabled.
pub(super) const COLLECTORS: [Collector; 6] = [
    collector("workspaces", 300, true),
    collector("namespaces", 300, true),
    collector("queues", 300, false),
    collector("session_clusters", 300, false),
    collector("engine_versions", 3600, false),
    collector(JOBS, 300, false),
];

const fn collector(name: CollectorName, seconds: u64, uses_console: bool) -> Collector {
    Collector { name, default_interval: Duration::from_secs(seconds), uses_console }
}

/// The collectors that are enabled besides `deployments`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Collectors(BTreeMap<CollectorName, EnabledCollector>);

/// An enabled collector.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EnabledCollector {
    /// The poll interval.
    pub interval: Duration,
    /// Whether the configuration does not mention it. It is then switched off where its RAM action is denied.
    pub by_default: bool,
    /// How jobs are collected, if it is that collector.
    pub jobs: Option<JobsSettings>,
}

/// How jobs are collected.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct JobsSettings {
    /// Whose jobs.
    pub mode: JobsMode,
    /// Requests started per second in a workspace.
    pub requests_per_second: f64,
}

impl Collectors {
    /// The settings of a collector, if it is enabled.
    pub fn get(&self, name: &str) -> Option<EnabledCollector> {
        self.0.get(name).copied()
    }

    /// An enabled collector whose requests go to the console's API, if there is one.
    pub fn of_console(&self) -> Option<CollectorName> {
        let mut names =
            COLLECTORS.iter().filter(|collector| collector.uses_console).map(|collector| collector.name);
        names.find(|name| self.0.contains_key(name))
    }

    /// Every enabled collector.
    pub fn iter(&self) -> impl Iterator<Item = (CollectorName, EnabledCollector)> {
        self.0.iter().map(|(name, enabled)| (*name, *enabled))
    }
}

impl FromIterator<(CollectorName, EnabledCollector)> for Collectors {
    fn from_iter<I: IntoIterator<Item = (CollectorName, EnabledCollector)>>(enabled: I) -> Self {
        Self(enabled.into_iter().collect())
    }
}

/// What a section says of one collector.
#[derive(Debug, Clone, Copy, Default)]
struct Setting {
    enabled: bool,
    interval: Option<Duration>,
    mode: Option<JobsMode>,
    requests_per_second: Option<f64>,
}

/// What a section says of the collectors that it mentions.
#[derive(Debug, Clone, Default)]
pub(super) struct CollectorSettings(BTreeMap<CollectorName, Setting>);

impl CollectorSettings {
    pub(super) fn decode(section: Option<Node<'_>>) -> Self {
        let names = COLLECTORS.map(|collector| collector.name);
        let Some(table) = section.and_then(|section| section.table(&names)) else { return Self::default() };
        let settings = names.into_iter().filter_map(|name| Some((name, setting(name, &table.get(name)?)?)));
        Self(settings.collect())
    }

    /// What is enabled by these settings of an entry, within those at the top.
    pub(super) fn resolve(&self, top: &Self, uses_discovery: bool) -> Collectors {
        let enabled =
            COLLECTORS.into_iter().filter_map(|Collector { name, default_interval, uses_console }| {
                let (own, top) = (self.0.get(name), top.0.get(name));
                let decisive = own.or(top);
                let given = || [own, top].into_iter().flatten();
                let interval = given().find_map(|setting| setting.interval);
                let jobs = JobsSettings {
                    mode: given().find_map(|setting| setting.mode).unwrap_or_default(),
                    requests_per_second: given()
                        .find_map(|setting| setting.requests_per_second)
                        .unwrap_or(JOBS_REQUESTS_PER_SECOND),
                };
                let enabled = EnabledCollector {
                    interval: interval.unwrap_or(default_interval),
                    by_default: decisive.is_none(),
                    jobs: (name == JOBS).then_some(jobs),
                };
                decisive
                    .map_or(uses_discovery && uses_console, |setting| setting.enabled)
                    .then_some((name, enabled))
            });
        Collectors(enabled.collect())
    }
}

fn setting(name: CollectorName, node: &Node<'_>) -> Option<Setting> {
    if !node.is_table() {
        let enabled = node.boolean_or("settings such as {interval: 5m}")?;
        return Some(Setting { enabled, ..Setting::default() });
    }
    if name != JOBS {
        let interval = interval(&node.table(&SETTINGS_KEYS)?);
        return Some(Setting { enabled: true, interval, ..Setting::default() });
    }
    let table = node.table(&JOBS_KEYS)?;
    let modes = JobsMode::ALL.map(|mode| (mode.as_str(), mode));
    let rate = table.get("requests_per_second");
    Some(Setting {
        enabled: true,
        interval: interval(&table),
        mode: table.get("mode").and_then(|node| node.choice(&modes)),
        requests_per_second: rate.and_then(|node| node.number_between(LOWEST_RATE, 1_000_000)),
    })
}

fn interval(table: &Table<'_>) -> Option<Duration> {
    table.get("interval")?.duration(SHORTEST_INTERVAL)
}
