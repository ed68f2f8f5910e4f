//! The health of discovery, read at scrape time.

use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use prometheus::{
    GaugeVec,
    core::{Collector, Desc},
    proto::MetricFamily,
};

use super::descriptors::{
    DISCOVERY_INTERVAL, DISCOVERY_LAST_SUCCESS, DISCOVERY_NAMESPACES, DISCOVERY_UP, DISCOVERY_WORKSPACES,
    options,
};
use crate::exposition::FamilyDescriptor;

/// The states of workspaces and namespaces, in the order of [`DiscoveryHealth::workspaces`].
pub const DISCOVERY_STATES: [&str; 4] = ["polled", "excluded", "not_running", "missing"];

/// The health of one discovery entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DiscoveryHealth {
    /// The entry's name.
    pub name: String,
    /// Its region.
    pub region: String,
    /// The interval.
    pub interval: Duration,
    /// Whether its last listings succeeded; none before the first attempt has finished.
    pub up: Option<bool>,
    /// The last success, as time since the Unix epoch.
    pub last_success: Option<Duration>,
    /// The operations that it uses; none until they are chosen. Not a metric.
    pub source: Option<String>,
    /// The problem, if it is not up. Not a metric.
    pub problem: Option<String>,
    /// Numbers of workspaces by state.
    pub workspaces: [usize; 4],
    /// Numbers of namespaces by state.
    pub namespaces: [usize; 4],
}

/// Returns the health of all entries.
pub type GetDiscoveryHealth = Box<dyn Fn() -> Vec<DiscoveryHealth> + Send + Sync>;

/// The metric families. They are created for each scrape, so that a removed entry leaves no series.
struct Families {
    up: GaugeVec,
    last_success: GaugeVec,
    interval: GaugeVec,
    workspaces: GaugeVec,
    namespaces: GaugeVec,
}

impl Families {
    fn new() -> Result<Self, prometheus::Error> {
        let gauge = |family: &FamilyDescriptor| GaugeVec::new(options(family), family.labels);
        Ok(Self {
            up: gauge(&DISCOVERY_UP)?,
            last_success: gauge(&DISCOVERY_LAST_SUCCESS)?,
            interval: gauge(&DISCOVERY_INTERVAL)?,
            workspaces: gauge(&DISCOVERY_WORKSPACES)?,
            namespaces: gauge(&DISCOVERY_NAMESPACES)?,
        })
    }

    fn all(&self) -> [&GaugeVec; 5] {
        [&self.up, &self.last_success, &self.interval, &self.workspaces, &self.namespaces]
    }

    fn set(&self, health: &DiscoveryHealth) {
        let labels = [health.name.as_str(), health.region.as_str()];
        if let Some(up) = health.up {
            self.up.with_label_values(&labels).set(f64::from(u8::from(up)));
        }
        if let Some(time) = health.last_success {
            self.last_success.with_label_values(&labels).set(time.as_secs_f64());
        }
        self.interval.with_label_values(&labels).set(health.interval.as_secs_f64());
        let counts = [(&self.workspaces, health.workspaces), (&self.namespaces, health.namespaces)];
        for (gauges, counts) in counts {
            for (state, count) in DISCOVERY_STATES.into_iter().zip(counts) {
                gauges.with_label_values(&[labels[0], labels[1], state]).set(count as f64);
            }
        }
    }
}

/// Exports the health of discovery. There are no series without entries.
#[derive(Clone)]
pub(super) struct DiscoveryCollector {
    /// For the descriptors only; without series.
    families: Arc<Families>,
    get: Arc<OnceLock<GetDiscoveryHealth>>,
}

impl DiscoveryCollector {
    pub(super) fn new() -> Result<Self, prometheus::Error> {
        Ok(Self { families: Arc::new(Families::new()?), get: Arc::default() })
    }

    /// Exports the result of `get`. Only the first call has an effect.
    pub(super) fn export(&self, get: GetDiscoveryHealth) {
        self.get.get_or_init(|| get);
    }

    /// The health of all entries.
    pub(super) fn health(&self) -> Vec<DiscoveryHealth> {
        self.get.get().map(|get| get()).unwrap_or_default()
    }
}

impl Collector for DiscoveryCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.families.all().into_iter().flat_map(|gauge| gauge.desc()).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let entries = self.health();
        // The creation has succeeded before.
        let Ok(families) = Families::new() else { return Vec::new() };
        for entry in &entries {
            families.set(entry);
        }
        let families = families.all().map(GaugeVec::collect).into_iter().flatten();
        families.filter(|family| !family.get_metric().is_empty()).collect()
    }
}

impl fmt::Debug for DiscoveryCollector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("DiscoveryCollector").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{exposition::PublishedSeries, telemetry::Telemetry};

    #[test]
    fn each_entry_has_its_series_and_a_removed_one_has_none() {
        let telemetry = Telemetry::new().unwrap();
        assert!(!telemetry.render(&PublishedSeries::default()).unwrap().contains("discovery"));
        let entries = Arc::new(parking_lot::Mutex::new(vec![
            DiscoveryHealth {
                name: "a".into(),
                region: "cn-hangzhou".into(),
                interval: Duration::from_secs(300),
                up: Some(true),
                last_success: Some(Duration::from_secs(1_700_000_000)),
                source: None,
                problem: None,
                workspaces: [1, 2, 3, 4],
                namespaces: [5, 6, 7, 8],
            },
            DiscoveryHealth {
                name: "b".into(),
                region: "cn-hangzhou".into(),
                interval: Duration::from_millis(100),
                up: None,
                last_success: None,
                source: None,
                problem: None,
                workspaces: [0; 4],
                namespaces: [0; 4],
            },
        ]));
        let source = entries.clone();
        telemetry.export_discovery(Box::new(move || source.lock().clone()));
        let lines = || {
            let text = telemetry.render(&PublishedSeries::default()).unwrap();
            let lines = text.lines().filter(|line| line.starts_with("aliyun_flink_discovery_"));
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        insta::assert_snapshot!(lines().join("\n"), @r#"
        aliyun_flink_discovery_interval_seconds{discovery="a",region="cn-hangzhou"} 300
        aliyun_flink_discovery_interval_seconds{discovery="b",region="cn-hangzhou"} 0.1
        aliyun_flink_discovery_last_success_timestamp_seconds{discovery="a",region="cn-hangzhou"} 1700000000
        aliyun_flink_discovery_namespaces{discovery="a",region="cn-hangzhou",state="excluded"} 6
        aliyun_flink_discovery_namespaces{discovery="a",region="cn-hangzhou",state="missing"} 8
        aliyun_flink_discovery_namespaces{discovery="a",region="cn-hangzhou",state="not_running"} 7
        aliyun_flink_discovery_namespaces{discovery="a",region="cn-hangzhou",state="polled"} 5
        aliyun_flink_discovery_namespaces{discovery="b",region="cn-hangzhou",state="excluded"} 0
        aliyun_flink_discovery_namespaces{discovery="b",region="cn-hangzhou",state="missing"} 0
        aliyun_flink_discovery_namespaces{discovery="b",region="cn-hangzhou",state="not_running"} 0
        aliyun_flink_discovery_namespaces{discovery="b",region="cn-hangzhou",state="polled"} 0
        aliyun_flink_discovery_up{discovery="a",region="cn-hangzhou"} 1
        aliyun_flink_discovery_workspaces{discovery="a",region="cn-hangzhou",state="excluded"} 2
        aliyun_flink_discovery_workspaces{discovery="a",region="cn-hangzhou",state="missing"} 4
        aliyun_flink_discovery_workspaces{discovery="a",region="cn-hangzhou",state="not_running"} 3
        aliyun_flink_discovery_workspaces{discovery="a",region="cn-hangzhou",state="polled"} 1
        aliyun_flink_discovery_workspaces{discovery="b",region="cn-hangzhou",state="excluded"} 0
        aliyun_flink_discovery_workspaces{discovery="b",region="cn-hangzhou",state="missing"} 0
        aliyun_flink_discovery_workspaces{discovery="b",region="cn-hangzhou",state="not_running"} 0
        aliyun_flink_discovery_workspaces{discovery="b",region="cn-hangzhou",state="polled"} 0
        "#);
        entries.lock().remove(0);
        assert!(lines().iter().all(|line| line.contains("discovery=\"b\"")), "{:?}", lines());
    }
}
