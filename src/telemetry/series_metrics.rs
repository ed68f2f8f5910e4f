//! The numbers of served and dropped series.
//!
//! They are written as text at each scrape, because instruments with a label for each metric would cost more than all
//! other own metrics.

use std::fmt::Write as _;

use prometheus::proto::{MetricFamily, MetricType};

use super::descriptors::{SERIES, SERIES_DROPPED};
use crate::exposition::{Format, PublishedSeries};

/// Appends the families for a scrape with the `own` families and the `published` series.
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
    // One more for the family itself.
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
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{name}{{family=\"{family}\"}} {value}");
}

/// The number of samples of `family` in the text format.
fn samples(family: &MetricFamily) -> usize {
    let metrics = family.get_metric();
    match family.get_field_type() {
        // The buckets, `+Inf`, the sum and the count.
        MetricType::HISTOGRAM => {
            metrics.iter().map(|metric| metric.get_histogram().get_bucket().len() + 3).sum()
        }
        _ => metrics.len(),
    }
}

/// The number of samples of the exporter's `own` families in the text format, including the metric that counts them.
pub(super) fn own_series(own: &[MetricFamily]) -> usize {
    own.iter().map(samples).sum::<usize>() + own.len() + 1
}
