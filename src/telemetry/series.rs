//! The number of series in a scrape, and of those that are dropped.

use prometheus::{
    GaugeVec,
    core::Collector,
    proto::{MetricFamily, MetricType},
};

use super::catalogue::{SERIES, SERIES_DROPPED, options};
use crate::exposition::{PublishedSeries, SeriesCounts};

/// The families, which are made for one scrape.
pub(super) struct SeriesGauges {
    served: GaugeVec,
    dropped: GaugeVec,
}

impl SeriesGauges {
    pub(super) fn new() -> Result<Self, prometheus::Error> {
        Ok(Self {
            served: GaugeVec::new(options(&SERIES), SERIES.labels)?,
            dropped: GaugeVec::new(options(&SERIES_DROPPED), SERIES_DROPPED.labels)?,
        })
    }

    #[cfg(test)]
    pub(super) fn desc(&self) -> impl Iterator<Item = &prometheus::core::Desc> {
        [&self.served, &self.dropped].into_iter().flat_map(|gauges| gauges.desc())
    }

    /// The families of a scrape that has the `own` families and what is `published`.
    pub(super) fn collect(&self, own: &[MetricFamily], published: &PublishedSeries) -> Vec<MetricFamily> {
        set(&self.served, &published.served);
        set(&self.dropped, &published.dropped);
        for family in own {
            self.set_served(family.name(), samples(family));
        }
        if published.dropped.families() > 0 {
            self.set_served(SERIES_DROPPED.name, published.dropped.families());
        }
        // Its own family too, so it has one series more.
        let families = published.served.families() + own.len() + 1;
        let families = families + usize::from(published.dropped.families() > 0);
        self.set_served(SERIES.name, families);
        let families = [&self.served, &self.dropped].into_iter().flat_map(Collector::collect);
        families.filter(|family| !family.get_metric().is_empty()).collect()
    }

    fn set_served(&self, family: &str, series: usize) {
        self.served.with_label_values(&[family]).set(series as f64);
    }
}

fn set(gauges: &GaugeVec, series: &SeriesCounts) {
    for (family, series) in series.iter() {
        gauges.with_label_values(&[family]).set(series as f64);
    }
}

/// The number of samples that the text format has of `family`.
fn samples(family: &MetricFamily) -> usize {
    let metrics = family.get_metric();
    match family.get_field_type() {
        // The buckets and that of all, the sum and the count.
        MetricType::HISTOGRAM => {
            metrics.iter().map(|metric| metric.get_histogram().get_bucket().len() + 3).sum()
        }
        _ => metrics.len(),
    }
}

/// The number of samples that the text format has of the exporter's `own` families and of the metric that counts them.
pub(super) fn own_series(own: &[MetricFamily]) -> usize {
    own.iter().map(samples).sum::<usize>() + own.len() + 1
}
