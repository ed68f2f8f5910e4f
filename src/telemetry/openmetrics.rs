//! Encodes the registry as OpenMetrics, which the `prometheus` crate does not support.

use std::fmt::Write as _;

use prometheus::proto::{Histogram, Metric, MetricFamily, MetricType};

/// Appends `families`, without the final `# EOF`.
pub(super) fn write(text: &mut String, families: &[MetricFamily]) {
    for family in families {
        let (kind, name) = match family.get_field_type() {
            MetricType::COUNTER => ("counter", family.name().strip_suffix("_total").unwrap_or(family.name())),
            MetricType::GAUGE => ("gauge", family.name()),
            MetricType::HISTOGRAM => ("histogram", family.name()),
            // The exporter has no other types.
            MetricType::SUMMARY | MetricType::UNTYPED => continue,
        };
        // Writing to a String cannot fail.
        let _ = write!(text, "# HELP {name} ");
        escape(text, family.help());
        let _ = write!(text, "\n# TYPE {name} {kind}\n");
        for metric in family.get_metric() {
            match kind {
                "counter" => {
                    sample(text, name, "_total", metric, None, metric.get_counter().get_value());
                }
                "gauge" => sample(text, name, "", metric, None, metric.get_gauge().get_value()),
                _ => histogram(text, name, metric, metric.get_histogram()),
            }
        }
    }
}

fn histogram(text: &mut String, name: &str, metric: &Metric, histogram: &Histogram) {
    for bucket in histogram.get_bucket() {
        // `{:?}` writes 1.0 where `{}` writes 1. OpenMetrics requires floats in `le`.
        let limit = format!("{:?}", bucket.upper_bound());
        sample(text, name, "_bucket", metric, Some(&limit), bucket.cumulative_count() as f64);
    }
    let count = histogram.get_sample_count() as f64;
    sample(text, name, "_bucket", metric, Some("+Inf"), count);
    sample(text, name, "_sum", metric, None, histogram.get_sample_sum());
    sample(text, name, "_count", metric, None, count);
}

fn sample(text: &mut String, name: &str, suffix: &str, metric: &Metric, limit: Option<&str>, value: f64) {
    text.push_str(name);
    text.push_str(suffix);
    let labels = metric.get_label().iter().map(|label| (label.name(), label.value()));
    let mut before = '{';
    for (name, value) in labels.chain(limit.map(|limit| ("le", limit))) {
        let _ = write!(text, "{before}{name}=\"");
        escape(text, value);
        text.push('"');
        before = ',';
    }
    if before == ',' {
        text.push('}');
    }
    let _ = writeln!(text, " {value}");
}

fn escape(text: &mut String, value: &str) {
    for character in value.chars() {
        match character {
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            '\n' => text.push_str("\\n"),
            _ => text.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry};

    use super::*;

    #[test]
    fn families_counters_and_limits_are_written_as_openmetrics_wants_them() {
        let registry = Registry::new();
        let counters = IntCounterVec::new(Opts::new("a_total", "Quote \"."), &["l"]).unwrap();
        counters.with_label_values(&["x\"\\\ny"]).inc();
        let options = HistogramOpts::new("h_seconds", "H.").buckets(vec![0.5, 1.0]);
        let histograms = HistogramVec::new(options, &["o"]).unwrap();
        histograms.with_label_values(&["p"]).observe(0.75);
        registry.register(Box::new(counters)).unwrap();
        registry.register(Box::new(histograms)).unwrap();
        let mut text = String::new();
        write(&mut text, &registry.gather());
        insta::assert_snapshot!(text, @r##"
        # HELP a Quote \".
        # TYPE a counter
        a_total{l="x\"\\\ny"} 1
        # HELP h_seconds H.
        # TYPE h_seconds histogram
        h_seconds_bucket{o="p",le="0.5"} 0
        h_seconds_bucket{o="p",le="1.0"} 1
        h_seconds_bucket{o="p",le="+Inf"} 1
        h_seconds_sum{o="p"} 0.75
        h_seconds_count{o="p"} 1
        "##);
    }
}
