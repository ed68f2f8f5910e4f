//! The text held against the `prometheus` crate's own encoder.

use std::{io::Read as _, sync::Arc};

use prometheus::{
    TextEncoder,
    proto::{Counter, Gauge, LabelPair, Metric, MetricFamily, MetricType},
};
use proptest::{collection::vec, option, prelude::*};

use super::{
    Chunk, Encoding, Format, Joined, Namespace,
    families::FAMILIES,
    render::{BLOCK, render},
    targets::{self, TargetSamples, WorkspaceInfo},
    write,
};
use crate::model::{
    BasicSetting, BatchSetting, Deployment, ExpertSetting, Info, JobCounts, LabelKeys, PlanNode, ProcessSpec,
    ResourcePlan, ResourceSettings, SlotGroup, TaskSlots,
};

/// Reads `text` back and has the crate encode what it says.
fn encoded_by_the_crate(text: &str) -> String {
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
fn label_pairs(text: &str) -> Vec<LabelPair> {
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

fn rendered<'d>(
    workspace: &str,
    namespace: &str,
    deployments: impl Iterator<Item = &'d Deployment>,
    keys: &LabelKeys,
) -> Chunk {
    render(&Namespace::new(workspace, namespace, deployments), keys, &Chunk::default())
}

fn text_of(chunks: Vec<Chunk>) -> String {
    let chunks: Vec<_> = chunks.into_iter().map(Arc::new).collect();
    String::from_utf8(body(Format::Text, Encoding::Identity, &chunks, &Chunk::default(), "")).unwrap()
}

/// A whole body that ends with `live`.
fn body(format: Format, encoding: Encoding, chunks: &[Arc<Chunk>], targets: &Chunk, live: &str) -> Vec<u8> {
    let joined = Joined::new(format, encoding, chunks, targets).unwrap();
    let last = joined.last_piece(live.into()).unwrap();
    assert_eq!(joined.len(), joined.pieces().iter().map(|piece| piece.len() as u64).sum::<u64>());
    [joined.pieces(), &[last]].concat().concat()
}

/// Any text, quotes, backslashes and line feeds among it.
fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{0,8}", ".{0,12}", "[\\\\\"\n a-c]{0,8}"]
}

fn cores() -> impl Strategy<Value = f64> {
    prop_oneof![0.0..64.0, (0_u32..100).prop_map(f64::from), 0.0..1e300, Just(1.13), Just(5e-324)]
}

fn process() -> impl Strategy<Value = ProcessSpec> {
    (option::of(cores()), option::of(0..1_u64 << 53))
        .prop_map(|(cpu_cores, memory_bytes)| ProcessSpec { cpu_cores, memory_bytes })
}

fn basic() -> impl Strategy<Value = BasicSetting> {
    (option::of(0..100_000_u64), process(), process()).prop_map(|(parallelism, jobmanager, taskmanager)| {
        BasicSetting { parallelism, jobmanager, taskmanager }
    })
}

fn plan() -> impl Strategy<Value = ResourcePlan> {
    let group =
        |(index, (name, cpu_cores, heap_bytes)): (usize, (String, Option<f64>, Option<u64>))| SlotGroup {
            name: format!("{name}{index}").into(),
            cpu_cores,
            heap_bytes,
            off_heap_bytes: heap_bytes.map(|bytes| bytes / 2),
            managed_bytes: None,
            slots: None,
        };
    let groups = vec((text(), option::of(cores()), option::of(0..1_u64 << 40)), 0..4);
    (groups, vec(("[a-c]", option::of(0..500_u64)), 0..5)).prop_map(move |(groups, nodes)| {
        let nodes: Vec<_> = nodes
            .into_iter()
            .map(|(group, parallelism)| PlanNode { group: group.into(), parallelism })
            .collect();
        ResourcePlan::new(groups.into_iter().enumerate().map(group).collect(), &nodes)
    })
}

fn resources() -> impl Strategy<Value = ResourceSettings> {
    let expert =
        (process(), option::of(plan())).prop_map(|(jobmanager, plan)| ExpertSetting { jobmanager, plan });
    let batch = (option::of(0..1000_u64), option::of(basic()))
        .prop_map(|(max_slots, basic)| BatchSetting { max_slots, basic });
    let slots = prop_oneof![
        Just(TaskSlots::Absent),
        Just(TaskSlots::Unreadable),
        Just(TaskSlots::Negative),
        (0..64_u64).prop_map(TaskSlots::Given)
    ];
    (option::of(basic()), option::of(expert), option::of(batch), slots).prop_map(
        |(basic, expert, batch, taskmanager_slots)| ResourceSettings {
            basic,
            expert,
            batch,
            taskmanager_slots,
        },
    )
}

fn deployment() -> impl Strategy<Value = Deployment> {
    let modes = (prop_oneof!["STREAMING", "BATCH", ".{0,5}"], prop_oneof!["BASIC", "EXPERT", "[A-Z]{0,4}"]);
    let info = (modes, text(), text()).prop_map(|((execution_mode, resource_mode), target, creator)| Info {
        execution_mode: execution_mode.into(),
        resource_mode: resource_mode.into(),
        target: target.into(),
        creator: creator.into(),
        ..Info::default()
    });
    let counts = prop::array::uniform6(option::of(0..1_u64 << 53));
    let times = (option::of(0.0..253e9_f64), option::of(0.0..253e9_f64), option::of(any::<bool>()));
    (text(), text(), info, counts, times, resources(), vec((text(), text()), 0..4)).prop_map(
        |(id, name, info, counts, (created, modified, changes_pending), resources, labels)| Deployment {
            id: id.into(),
            name: name.into(),
            info,
            labels: labels.into_iter().map(|(key, value)| (key.into(), value.into())).collect(),
            jobs: JobCounts::new(counts),
            created,
            modified,
            changes_pending,
            resources,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn deployments_read_as_the_crate_writes_them(
        first in vec(deployment(), 0..5),
        second in vec(deployment(), 0..3),
        workspace in text(),
        keys in prop_oneof![Just(LabelKeys::All), vec("[a-cA-C._]{1,3}", 0..3).prop_map(LabelKeys::Listed)],
    ) {
        let chunks = vec![
            rendered(&workspace, "one", first.iter(), &keys),
            rendered(&workspace, "two", second.iter(), &keys),
        ];
        let text = text_of(chunks);
        let namespaces =
            [("one", &first), ("two", &second)].map(|(name, all)| Namespace::new(&workspace, name, all.iter()));
        let mut written = Vec::new();
        write(&namespaces, &keys, &mut written).unwrap();
        prop_assert_eq!(String::from_utf8(written).unwrap(), text.as_str(), "written out at once");
        prop_assert_eq!(encoded_by_the_crate(&text), text);
    }

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
            namespace: "n",
            selection: &selection,
            up,
            deployments: up.then_some(polls),
            last_success: number,
            poll_duration: number.map(|number| number / 3.0),
            polls: vec![("success", polls), ("auth", 0)],
        };
        let chunk = targets::render(&[info], &[target]);
        let text = body(Format::Text, Encoding::Identity, &[], &chunk, "");
        let text = std::str::from_utf8(&text).unwrap();
        prop_assert_eq!(encoded_by_the_crate(text), text);
    }

    #[test]
    fn every_encoding_decodes_to_the_same_text(
        first in vec(deployment(), 0..5),
        second in vec(deployment(), 0..3),
        live in text(),
    ) {
        let keys = LabelKeys::All;
        let chunks = [rendered("w", "one", first.iter(), &keys), rendered("w", "two", second.iter(), &keys)];
        let chunks = chunks.map(Arc::new);
        for format in Format::ALL {
            let of = |encoding| body(format, encoding, &chunks, &Chunk::default(), &live);
            let plain = of(Encoding::Identity);
            let gzip = of(Encoding::Gzip);
            let mut decoder = flate2::bufread::GzDecoder::new(gzip.as_slice());
            let mut decoded = Vec::new();
            decoder.read_to_end(&mut decoded).unwrap();
            prop_assert!(decoder.into_inner().is_empty(), "more than one member");
            prop_assert_eq!(&decoded, &plain);
            prop_assert_eq!(zstd::decode_all(of(Encoding::Zstd).as_slice()).unwrap(), plain);
        }
    }

    #[test]
    fn a_number_reads_back_as_it_was(number in any::<f64>().prop_filter("served", |number| number.is_finite())) {
        let deployment = Deployment { created: Some(number), ..Deployment::default() };
        let text = text_of(vec![rendered("w", "n", std::iter::once(&deployment), &LabelKeys::default())]);
        let line = text.lines().find(|line| line.starts_with("aliyun_flink_deployment_created")).unwrap();
        let (_, value) = line.rsplit_once(' ').unwrap();
        prop_assert_eq!(value.parse::<f64>().unwrap().to_bits(), number.to_bits());
    }
}

#[test]
fn label_values_come_back_as_they_were() {
    let name = "quote \" backslash \\ line\nfeed é 团队";
    let deployment = Deployment { name: name.into(), ..Deployment::default() };
    let text = text_of(vec![rendered("w", "n", std::iter::once(&deployment), &LabelKeys::default())]);
    let line = text.lines().find(|line| line.starts_with("aliyun_flink_deployment_info{")).unwrap();
    let (_, labels) = line.strip_suffix(" 1").unwrap().split_once('{').unwrap();
    let pairs = label_pairs(labels);
    let deployment = pairs.iter().find(|pair| pair.name() == "deployment").unwrap();
    assert_eq!(deployment.value(), name);
}

#[test]
fn a_value_that_is_not_known_has_no_series_and_an_empty_family_no_header() {
    let deployment = Deployment { id: "d".into(), ..Deployment::default() };
    let text = text_of(vec![rendered("w", "n", std::iter::once(&deployment), &LabelKeys::default())]);
    let names: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(names.len(), 1, "{text}");
    assert!(names[0].starts_with("aliyun_flink_deployment_info{workspace=\"w\""), "{text}");
    assert_eq!(text.matches("# TYPE").count(), 1, "{text}");
}

#[test]
fn listed_labels_are_on_every_deployment() {
    let labels = vec![("team".into(), "a".into())];
    let labelled = Deployment { id: "1".into(), labels, ..Deployment::default() };
    let bare = Deployment { id: "2".into(), ..Deployment::default() };
    let keys = LabelKeys::Listed(vec!["team".into(), "costCenter".into()]);
    let text = text_of(vec![rendered("w", "n", [&labelled, &bare].into_iter(), &keys)]);
    let lines: Vec<_> =
        text.lines().filter(|line| line.starts_with("aliyun_flink_deployment_labels{")).collect();
    assert!(lines[0].ends_with("label_team=\"a\",label_cost_center=\"\"} 1"), "{text}");
    assert!(lines[1].ends_with("label_team=\"\",label_cost_center=\"\"} 1"), "{text}");
}

#[test]
fn in_openmetrics_a_counters_family_has_no_suffix_and_its_samples_have() {
    let target = TargetSamples {
        workspace: "w",
        namespace: "n",
        selection: "",
        up: true,
        deployments: None,
        last_success: None,
        poll_duration: None,
        polls: vec![("success", 3)],
    };
    let chunk = targets::render(&[], &[target]);
    let text = body(Format::OpenMetrics, Encoding::Identity, &[], &chunk, Format::OpenMetrics.end());
    insta::assert_snapshot!(String::from_utf8(text).unwrap(), @r##"
    # HELP aliyun_flink_target_up 1 if the target's last poll succeeded, 0 if it failed, or if there was none yet.
    # TYPE aliyun_flink_target_up gauge
    aliyun_flink_target_up{workspace="w",namespace="n",selection=""} 1
    # HELP aliyun_flink_target_polls Polls of the target by outcome.
    # TYPE aliyun_flink_target_polls counter
    aliyun_flink_target_polls_total{workspace="w",namespace="n",selection="",outcome="success"} 3
    # EOF
    "##);
}

#[test]
fn a_large_text_and_a_text_that_can_not_be_compressed_come_back() {
    use proptest::test_runner::{RngAlgorithm, TestRng};
    let mut random = vec![0; 300_000];
    TestRng::deterministic_rng(RngAlgorithm::ChaCha).fill_bytes(&mut random);
    let pieces = [vec![b'a'; 1_000_000], random];
    let chunk = Chunk::new(vec![pieces.iter().cloned().map(bytes::Bytes::from).collect()]);
    let chunks = [Arc::new(chunk)];
    let plain = body(Format::Text, Encoding::Identity, &chunks, &Chunk::default(), "end");
    let gzip = body(Format::Text, Encoding::Gzip, &chunks, &Chunk::default(), "end");
    let mut decoded = Vec::new();
    flate2::bufread::GzDecoder::new(gzip.as_slice()).read_to_end(&mut decoded).unwrap();
    assert!(decoded == plain && plain.len() > 1_300_000 && gzip.len() < 400_000);
}

#[test]
fn what_did_not_change_is_shared() {
    let fleet = |failed_of_the_first| {
        let fleet = (0..=2 * BLOCK).map(|index| Deployment {
            id: format!("d{index}").into(),
            jobs: JobCounts::new([
                None,
                None,
                None,
                None,
                None,
                Some(if index == 0 { failed_of_the_first } else { 7 }),
            ]),
            created: Some(1.0),
            ..Deployment::default()
        });
        fleet.collect::<Vec<_>>()
    };
    let render = |failed, before: &Chunk| {
        let fleet = fleet(failed);
        render(&Namespace::new("w", "n", fleet.iter()), &LabelKeys::default(), before)
    };
    let first = render(1, &Chunk::default());
    assert!(render(1, &first).shares_all(&first));
    let other = render(2, &first);
    assert!(!other.shares_all(&first), "the jobs changed");
    let pieces = |chunk: &Chunk| -> Vec<*const u8> {
        (0..FAMILIES.len())
            .flat_map(|family| chunk.family(family).iter().map(|piece| piece.as_ptr()))
            .collect()
    };
    let same = pieces(&other).iter().filter(|piece| pieces(&first).contains(piece)).count();
    assert_eq!((same, pieces(&other).len()), (8, 9), "of three families in three pieces, one piece changed");
    assert_eq!(text_of(vec![other]), text_of(vec![render(2, &Chunk::default())]));
}
