//! The sections `collectors`: at the top, of a discovery entry and of a workspace.

use std::collections::BTreeMap;
use std::time::Duration;

use config_reader::{Decimal, Diagnostic, Period, Short};

use super::raw;
use super::text_rules::Switch;
use crate::collectors::{self, Collector, DEPLOYMENTS};
use crate::model::{CollectorName, JOBS, JobsMode};

/// The collectors that send requests to the console API. They are enabled by default where discovery is used, which
/// sends the same requests.
const OF_CONSOLE: [CollectorName; 2] = [collectors::workspaces::NAME, collectors::namespaces::NAME];

/// The default of `collectors.jobs.requests_per_second`.
pub(super) const JOBS_REQUESTS_PER_SECOND: f64 = 2.0;

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

    /// An enabled collector whose requests go to the console API, if there is one.
    pub fn of_console(&self) -> Option<CollectorName> {
        OF_CONSOLE.into_iter().find(|name| self.0.contains_key(name))
    }

    /// Every enabled collector.
    pub fn iter(&self) -> impl Iterator<Item = (CollectorName, EnabledCollector)> {
        self.0.iter().map(|(name, enabled)| (*name, *enabled))
    }

    /// What is enabled by the settings of an entry, within those at the top.
    pub(super) fn resolve(own: &raw::Collectors, top: &raw::Collectors, uses_discovery: bool) -> Self {
        let enabled = optional().filter_map(|collector| {
            let name = collector.name();
            let (own, top) = (own.get(name), top.get(name));
            let decisive = own.as_ref().or(top.as_ref()).map(|(is_enabled, _)| *is_enabled);
            if !decisive.unwrap_or(uses_discovery && OF_CONSOLE.contains(&name)) {
                return None;
            }
            let [own, top] =
                [own, top].map(|setting| setting.map(|(_, settings)| settings).unwrap_or_default());
            let rate = own.requests_per_second.or(top.requests_per_second);
            let jobs = JobsSettings {
                mode: own.mode.or(top.mode).unwrap_or_default(),
                requests_per_second: rate.map_or(JOBS_REQUESTS_PER_SECOND, |rate| rate.0),
            };
            let interval = own.interval.or(top.interval);
            let interval = interval.map_or(collector.default_interval(), |interval| interval.0);
            let jobs = (name == JOBS).then_some(jobs);
            Some((name, EnabledCollector { interval, by_default: decisive.is_none(), jobs }))
        });
        enabled.collect()
    }

    /// As it is written: what is enabled, and what is disabled although it is enabled by default.
    pub(super) fn to_raw(&self, uses_discovery: bool) -> raw::Collectors {
        let plain = |name: &str| match self.get(name) {
            Some(enabled) => {
                Some(Short::Long(raw::CollectorSettings { interval: Some(Period(enabled.interval)) }))
            }
            None => (uses_discovery && OF_CONSOLE.contains(&name)).then_some(Short::Short(Switch(false))),
        };
        let jobs = self.get(JOBS).and_then(|enabled| {
            let JobsSettings { mode, requests_per_second } = enabled.jobs?;
            Some(Short::Long(raw::JobsSettings {
                mode: Some(mode),
                interval: Some(Period(enabled.interval)),
                requests_per_second: Some(Decimal(requests_per_second)),
            }))
        });
        raw::Collectors {
            workspaces: plain("workspaces"),
            namespaces: plain("namespaces"),
            queues: plain("queues"),
            session_clusters: plain("session_clusters"),
            engine_versions: plain("engine_versions"),
            jobs,
        }
    }
}

impl FromIterator<(CollectorName, EnabledCollector)> for Collectors {
    fn from_iter<I: IntoIterator<Item = (CollectorName, EnabledCollector)>>(enabled: I) -> Self {
        Self(enabled.into_iter().collect())
    }
}

/// The error if the collector of jobs is enabled and `metrics.jobs` is false. The collector needs the counts of jobs.
pub(super) fn missing_job_counts<'c>(
    exports_jobs: bool,
    mut collectors: impl Iterator<Item = &'c Collectors>,
) -> Option<Diagnostic> {
    let is_enabled = collectors.any(|collectors| collectors.get(JOBS).is_some());
    (is_enabled && !exports_jobs).then(|| {
        let message = "needs the counts of jobs, which `metrics.jobs: false` leaves out; set `metrics.jobs: true`, or \
                       disable this collector";
        Diagnostic::new(message).about("collectors.jobs")
    })
}

/// The collectors that can be enabled.
pub(super) fn optional() -> impl Iterator<Item = &'static dyn Collector> {
    collectors::all().iter().copied().filter(|collector| collector.name() != DEPLOYMENTS)
}

impl raw::Collectors {
    /// Whether a collector is enabled, and its settings, if it is mentioned.
    fn get(&self, name: &str) -> Option<(bool, raw::JobsSettings)> {
        let plain = match name {
            "workspaces" => &self.workspaces,
            "namespaces" => &self.namespaces,
            "queues" => &self.queues,
            "session_clusters" => &self.session_clusters,
            "engine_versions" => &self.engine_versions,
            _ => {
                return Some(match self.jobs.clone()? {
                    Short::Short(switch) => (switch.0, raw::JobsSettings::default()),
                    Short::Long(settings) => (true, settings),
                });
            }
        };
        Some(match plain.clone()? {
            Short::Short(switch) => (switch.0, raw::JobsSettings::default()),
            Short::Long(raw::CollectorSettings { interval }) => {
                (true, raw::JobsSettings { interval, ..raw::JobsSettings::default() })
            }
        })
    }
}
