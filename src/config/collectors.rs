//! The sections `collectors`: at the top, of a discovery entry and of a workspace.

use std::collections::BTreeMap;
use std::time::Duration;

use super::decode::{Node, Table};
use super::settings::SHORTEST_INTERVAL;
use crate::model::CollectorName;

pub(super) const SETTINGS_KEYS: [&str; 1] = ["interval"];

/// The collectors that can be enabled, and their default intervals. All are enabled by default where discovery is
/// used.
pub(super) const COLLECTORS: [(CollectorName, Duration); 2] =
    [("workspaces", Duration::from_secs(300)), ("namespaces", Duration::from_secs(300))];

/// The collectors that are enabled besides `deployments`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Collectors(BTreeMap<CollectorName, EnabledCollector>);

/// An enabled collector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EnabledCollector {
    /// The poll interval.
    pub interval: Duration,
    /// Whether the configuration does not mention it. It is then switched off where its RAM action is denied.
    pub by_default: bool,
}

impl Collectors {
    /// The settings of a collector, if it is enabled.
    pub fn get(&self, name: &str) -> Option<EnabledCollector> {
        self.0.get(name).copied()
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
#[derive(Debug, Clone, Copy)]
struct Setting {
    enabled: bool,
    interval: Option<Duration>,
}

/// What a section says of the collectors that it mentions.
#[derive(Debug, Clone, Default)]
pub(super) struct CollectorSettings(BTreeMap<CollectorName, Setting>);

impl CollectorSettings {
    pub(super) fn decode(section: Option<Node<'_>>) -> Self {
        let names = COLLECTORS.map(|(name, _)| name);
        let Some(table) = section.and_then(|section| section.table(&names)) else { return Self::default() };
        let settings = names.into_iter().filter_map(|name| Some((name, setting(&table.get(name)?)?)));
        Self(settings.collect())
    }

    /// What is enabled by these settings of an entry, within those at the top.
    pub(super) fn resolve(&self, top: &Self, uses_discovery: bool) -> Collectors {
        let enabled = COLLECTORS.into_iter().filter_map(|(name, default_interval)| {
            let (own, top) = (self.0.get(name), top.0.get(name));
            let decisive = own.or(top);
            let interval = [own, top].into_iter().flatten().find_map(|setting| setting.interval);
            let enabled = EnabledCollector {
                interval: interval.unwrap_or(default_interval),
                by_default: decisive.is_none(),
            };
            decisive.map_or(uses_discovery, |setting| setting.enabled).then_some((name, enabled))
        });
        Collectors(enabled.collect())
    }
}

fn setting(node: &Node<'_>) -> Option<Setting> {
    if node.is_table() {
        let table = node.table(&SETTINGS_KEYS)?;
        let interval = interval(&table);
        return Some(Setting { enabled: true, interval });
    }
    let enabled = node.boolean_or("settings such as {interval: 5m}")?;
    Some(Setting { enabled, interval: None })
}

fn interval(table: &Table<'_>) -> Option<Duration> {
    table.get("interval")?.duration(SHORTEST_INTERVAL)
}
