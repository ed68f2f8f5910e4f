//! The number of series of deployments, and the metrics that a limit drops.

use serde::Serialize;

use crate::{catalogue, exposition::SeriesCounts, snapshot::SeriesBudget};

/// The series of the deployments of all targets. Series of other collectors, of targets and of the exporter are not
/// counted.
#[derive(Debug, Clone, Serialize)]
pub struct SeriesReport {
    /// The number of series.
    pub total: usize,
    /// `metrics.max_series`; none if there is no limit.
    pub max_series: Option<usize>,
    /// The metrics that the limit drops.
    pub dropped: Vec<&'static str>,
    /// The groups that smaller limits drop, in order.
    pub drop_order: Vec<DropStep>,
}

/// Metrics that are dropped together.
#[derive(Debug, Clone, Serialize)]
pub struct DropStep {
    /// The metric names.
    pub metrics: Vec<&'static str>,
    /// The number of series.
    pub series: usize,
    /// The number of series without this and all earlier groups.
    pub remaining: usize,
}

impl SeriesReport {
    /// Creates the report for a limit of `max_series`; 0 is no limit.
    pub(super) fn new(all: &SeriesCounts, max_series: usize) -> Self {
        let total = all.total();
        let mut remaining = total;
        let steps = catalogue::drop_order().iter().filter_map(|group| {
            let metrics: Vec<_> = group.iter().copied().filter(|name| all.get(name) > 0).collect();
            let series = metrics.iter().map(|name| all.get(name)).sum();
            remaining -= series;
            (series > 0).then_some(DropStep { metrics, series, remaining })
        });
        let drop_order = steps.collect();
        let dropped = SeriesBudget::new(max_series).decide(all, 0).dropped();
        let dropped = dropped.into_iter().filter(|name| all.get(name) > 0).collect();
        Self { total, max_series: (max_series > 0).then_some(max_series), dropped, drop_order }
    }

    /// The rows of the table: names and texts. Empty without series.
    pub(super) fn rows(&self) -> Vec<(&'static str, String)> {
        if self.total == 0 {
            return Vec::new();
        }
        let limit = match self.max_series {
            None => "metrics.max_series is not set: nothing is dropped".to_owned(),
            Some(limit) if self.dropped.is_empty() => format!("metrics.max_series {limit} drops nothing"),
            Some(limit) => format!("metrics.max_series {limit} drops {}", self.dropped.join(", ")),
        };
        let step = |step: &DropStep| {
            let DropStep { metrics, series, remaining } = step;
            ("drop", format!("{series} series of {}; {remaining} remain", metrics.join(", ")))
        };
        let rows = [("total", self.total.to_string()), ("limit", limit)];
        rows.into_iter().chain(self.drop_order.iter().map(step)).collect()
    }
}
