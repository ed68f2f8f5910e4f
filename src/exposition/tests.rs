//! The text compared with the `prometheus` crate's own encoder.

use std::{io::Read as _, sync::Arc};

use prometheus::{
    TextEncoder,
    proto::{Counter, Gauge, LabelPair, Metric, MetricFamily, MetricType},
};
use proptest::{option, prelude::*};

use super::{
    Encoding, Format, JoinedFamilies, MetricsBody, ObjectGroup, RenderedFamilies, SegmentCache, render,
    target_families::{TargetSamples, Targets, WorkspaceInfo, Workspaces},
    text_block::{Fingerprint, TextBlock},
};

/// Reads `text` back and has the crate encode what it says.
pub(crate) fn encoded_by_the_crate(text: &str) -> String {
    let mut families: Vec<MetricFamily> = Vec::new();
    let mut metrics: Vec<Vec<Metric>> = Vec::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            let mut family = MetricFamily::default();
            family.set_name(name.to_owned());
            family.set_help(help.to_owned());
            families.push(family);
            metrics.push(Vec::new());
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let kind = if rest.ends_with(" counter") { MetricType::COUNTER } else { MetricType::GAUGE };
            families.last_mut().unwrap().set_field_type(kind);
        } else {
            let (head, value) = line.rsplit_once(' ').unwrap();
            let (name, labels) = head.split_once('{').unwrap();
            assert_eq!(name, families.last().unwrap().name(), "a sample stands outside its family");
            metrics.last_mut().unwrap().push(metric(
                labels,
                value.parse().unwrap(),
                families.last().unwrap(),
            ));
        }
    }
    let mut encoded = String::new();
    for (mut family, metrics) in families.into_iter().zip(metrics) {
        family.set_metric(metrics);
        TextEncoder::new().encode_utf8(&[family], &mut encoded).unwrap();
    }
    encoded
}

fn metric(labels: &str, value: f64, family: &MetricFamily) -> Metric {
    let mut metric = Metric::from_label(label_pairs(labels));
    if family.get_field_type() == MetricType::COUNTER {
        let mut counter = Counter::default();
        counter.set_value(value);
        metric.set_counter(counter);
    } else {
        let mut gauge = Gauge::default();
        gauge.set_value(value);
        metric.set_gauge(gauge);
    }
    metric
}

/// The labels in `a="b",c="d"}`, unescaped.
pub(crate) fn label_pairs(text: &str) -> Vec<LabelPair> {
    let mut pairs = Vec::new();
    let mut rest = text;
    while let Some((name, after)) = rest.split_once("=\"") {
        let mut value = String::new();
        let mut characters = after.char_indices();
        let end = loop {
            match characters.next().unwrap() {
                (at, '"') => break at,
                (_, '\\') => value.push(match characters.next().unwrap().1 {
                    'n' => '\n',
                    other => other,
                }),
                (_, other) => value.push(other),
            }
        };
        let mut pair = LabelPair::default();
        pair.set_name(name.trim_start_matches(',').to_owned());
        pair.set_value(value);
        pairs.push(pair);
        rest = &after[end + 1..];
    }
    assert_eq!(rest, "}");
    pairs
}

/// A whole body that ends with `live`.
pub(crate) fn body(
    format: Format,
    encoding: Encoding,
    sections: &[JoinedFamilies<'_>],
    live: &str,
) -> Vec<u8> {
    let body = MetricsBody::new(format, encoding, sections, &SegmentCache::default()).unwrap();
    let last = body.last_piece(live.into()).unwrap();
    let bytes = body.to_vec().unwrap();
    assert_eq!(body.len(), bytes.len() as u64);
    [bytes, last.into()].concat()
}

/// Any text, quotes, backslashes and line feeds among it.
pub(crate) fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{0,8}", ".{0,12}", "[\\\\\"\n a-c]{0,8}"]
}

fn target<'a>(selection: &'a str, polls: Vec<(&'static str, u64)>) -> TargetSamples<'a> {
    TargetSamples {
        collector: "deployments",
        region: "cn-hangzhou",
        workspace: "w",
        namespace: "n",
        selection,
        up: Some(true),
        poll_interval: 60.0,
        objects: None,
        last_success: None,
        poll_duration: None,
        polls,
    }
}

fn rendered(targets: Vec<TargetSamples<'_>>) -> RenderedFamilies {
    render::<Targets>(&ObjectGroup::new(&[], targets), &RenderedFamilies::default())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn targets_read_as_the_crate_writes_them(
        workspace in text(),
        selection in text(),
        up in any::<bool>(),
        number in option::of(0.0..1e12_f64),
        polls in 0..1_u64 << 53,
    ) {
        let info = WorkspaceInfo {
            workspace: workspace.clone(),
            region: "cn-hangzhou".into(),
            endpoint: "https://ververica.cn-hangzhou.aliyuncs.com".into(),
        };
        let target = TargetSamples {
            workspace: &workspace,
            up: Some(up),
            objects: up.then_some(polls),
            last_success: number,
            poll_duration: number.map(|number| number / 3.0),
            ..target(&selection, vec![("success", polls), ("auth", 0)])
        };
        let workspaces =
            render::<Workspaces>(&ObjectGroup::new(&[], [&info]), &RenderedFamilies::default());
        let targets = rendered(vec![target]);
        let sections = [JoinedFamilies::of::<Workspaces>([&workspaces]), JoinedFamilies::of::<Targets>([&targets])];
        let text = body(Format::Text, Encoding::Identity, &sections, "");
        let text = std::str::from_utf8(&text).unwrap();
        prop_assert_eq!(encoded_by_the_crate(text), text);
    }

}

#[test]
fn in_openmetrics_a_counters_family_has_no_suffix_and_its_samples_have() {
    let targets = rendered(vec![target("", vec![("success", 3)])]);
    let sections = [JoinedFamilies::of::<Targets>([&targets])];
    let text = body(Format::OpenMetrics, Encoding::Identity, &sections, Format::OpenMetrics.end());
    insta::assert_snapshot!(String::from_utf8(text).unwrap(), @r##"
    # HELP aliyun_flink_target_up Whether the last poll of the target succeeded. No series before the first poll has finished.
    # TYPE aliyun_flink_target_up gauge
    aliyun_flink_target_up{collector="deployments",region="cn-hangzhou",workspace="w",namespace="n",selection=""} 1
    # HELP aliyun_flink_target_poll_interval_seconds Configured interval between polls of the target, in seconds.
    # TYPE aliyun_flink_target_poll_interval_seconds gauge
    aliyun_flink_target_poll_interval_seconds{collector="deployments",region="cn-hangzhou",workspace="w",namespace="n",selection=""} 60
    # HELP aliyun_flink_target_polls Total number of polls of the target, by outcome.
    # TYPE aliyun_flink_target_polls counter
    aliyun_flink_target_polls_total{collector="deployments",region="cn-hangzhou",workspace="w",namespace="n",selection="",outcome="success"} 3
    # EOF
    "##);
}

#[test]
fn a_large_text_and_a_text_that_can_not_be_compressed_come_back() {
    use proptest::test_runner::{RngAlgorithm, TestRng};
    let mut random = vec![0; 300_000];
    TestRng::deterministic_rng(RngAlgorithm::ChaCha).fill_bytes(&mut random);
    let mut compressor = None;
    let blocks = [vec![b'a'; 1_000_000], random]
        .map(|text| Arc::new(TextBlock::new(&text, Fingerprint::of(&text), 1, 0, &mut compressor)));
    let workspaces = RenderedFamilies::new(vec![blocks.to_vec()]);
    let sections = [JoinedFamilies::of::<Workspaces>([&workspaces])];
    let plain = body(Format::Text, Encoding::Identity, &sections, "end");
    let gzip = body(Format::Text, Encoding::Gzip, &sections, "end");
    let mut decoded = Vec::new();
    flate2::bufread::GzDecoder::new(gzip.as_slice()).read_to_end(&mut decoded).unwrap();
    assert!(decoded == plain && plain.len() > 1_300_000 && gzip.len() < 400_000);
    let zstd = body(Format::Text, Encoding::Zstd, &sections, "end");
    assert!(zstd::decode_all(zstd.as_slice()).unwrap() == plain);
}
