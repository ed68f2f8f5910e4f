//! The number of series in a scrape, and of those that are dropped.
//!
//! Written as text with each scrape: instruments with a label for each metric would cost more than the rest of the
//! exporter's own metrics.

use std::fmt::Write as _;

use prometheus::proto::{MetricFamily, MetricType};

use super::catalogue::{SERIES, SERIES_DROPPED};
use crate::exposition::{Format, PublishedSeries};

/// Appends the families of a scrape that has the `own` families and what is `published`.
pub(super) fn write(text: &mut String, format: Format, own: &[MetricFamily], published: &PublishedSeries) {
    let PublishedSeries { served, dropped } = published;
    text.push_str(&SERIES.header(format));
    for (family, series) in served.iter() {
        sample(text, SERIES.name, family, series);
    }
    for family in own {
        sample(text, SERIES.name, family.name(), samples(family));
    }
    let drops = dropped.families() > 0;
    // Its own family too, so it has one series more.
    let families = served.families() + own.len() + usize::from(drops) + 1;
    sample(text, SERIES.name, SERIES.name, families);
    if drops {
        sample(text, SERIES.name, SERIES_DROPPED.name, dropped.families());
        text.push_str(&SERIES_DROPPED.header(format));
        for (family, series) in dropped.iter() {
            sample(text, SERIES_DROPPED.name, family, series);
        }
    }
}

/// Names of metrics need no escaping.
fn sample(text: &mut String, name: &str, family: &str, value: usize) {
    // Writing to a String can't fail.
    let _ = writeln!(text, "{name}{{family=\"{family}\"}} {value}");
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
