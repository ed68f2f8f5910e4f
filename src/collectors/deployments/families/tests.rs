//! The deployments' text compared with the `prometheus` crate's own encoder.

use std::{collections::HashSet, io::Read as _, time::Duration};

use bytes::Bytes;
use proptest::{collection::vec, option, prelude::*};

use super::{Deployments, ExportedLabels, FAMILIES, group};
use crate::{
    exposition::{
        BLOCK, Encoding, Format, JoinedFamilies, MetricsBody, RenderedFamilies, SegmentCache, render,
        render_within,
        tests::{body, encoded_by_the_crate, label_pairs, text},
        write,
    },
    model::{
        BasicSetting, BatchSetting, Deployment, DeploymentInfo, DeploymentStatus, ExpertSetting, JobCounts,
        JobState, LabelKeys, ObservedStatus, PlanNode, ProcessSpec, ResourcePlan, ResourceSettings,
        SlotGroup, TaskSlots, Transitions,
    },
};

/// The deployments with some transitions.
fn tracked<'d>(
    deployments: impl IntoIterator<Item = &'d Deployment>,
) -> impl Iterator<Item = (&'d Deployment, Transitions)> {
    deployments.into_iter().map(|deployment| (deployment, transitions(deployment)))
}

fn transitions(deployment: &Deployment) -> Transitions {
    let failed = deployment.jobs.get(JobState::Failed);
    let status = if failed == Some(0) { DeploymentStatus::Running } else { DeploymentStatus::Failed };
    let since = failed.map(Duration::from_millis);
    Transitions {
        status: failed.map(|_| ObservedStatus { status, since: since.filter(|since| !since.is_zero()) }),
        jobs_ended: JobState::ENDED.map(|state| deployment.jobs.get(state)),
    }
}

fn rendered<'d>(
    workspace: &str,
    namespace: &str,
    deployments: impl IntoIterator<Item = &'d Deployment>,
    keys: &LabelKeys,
) -> RenderedFamilies {
    let labels = ExportedLabels::new(keys);
    render(&group(workspace, namespace, tracked(deployments), &labels), &RenderedFamilies::default())
}

fn text_of(groups: &[RenderedFamilies]) -> String {
    let sections = [JoinedFamilies::of::<Deployments>(groups)];
    String::from_utf8(body(Format::Text, Encoding::Identity, &sections, "")).unwrap()
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
    let info = (modes, text(), text()).prop_map(|((execution_mode, resource_mode), queue, creator)| {
        DeploymentInfo {
            execution_mode: execution_mode.into(),
            resource_mode: resource_mode.into(),
            queue: queue.into(),
            creator: creator.into(),
            ..DeploymentInfo::default()
        }
    });
    let counts = prop::array::uniform6(option::of(0..1_u64 << 53));
    let times = (option::of(0.0..253e9_f64), option::of(0.0..253e9_f64), option::of(any::<bool>()));
    (text(), text(), info, counts, times, resources(), vec((text(), text()), 0..4)).prop_map(
        |(id, name, info, counts, (created, modified, changes_pending), resources, labels)| Deployment {
            id: id.into(),
            name: name.into(),
            info: info.into(),
            labels: labels.into_iter().map(|(key, value)| (key.into(), value.into())).collect(),
            jobs: JobCounts::new(counts),
            created,
            modified,
            // A field that is added to deployments needs no entry here.
            ..Deployment { changes_pending, resources: resources.into(), ..Deployment::default() }
        },
    )
}

/// The bytes of a group's samples.
fn text_len(group: &RenderedFamilies) -> usize {
    (0..FAMILIES.len()).flat_map(|family| group.family(family)).map(|block| block.len()).sum()
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
        let groups = [
            rendered(&workspace, "one", &first, &keys),
            rendered(&workspace, "two", &second, &keys),
        ];
        let text = text_of(&groups);
        let labels = ExportedLabels::new(&keys);
        let groups =
            [("one", &first), ("two", &second)].map(|(name, all)| group(&workspace, name, tracked(all), &labels));
        let series = groups.iter().map(|group| group.series().total()).sum::<usize>();
        prop_assert_eq!(series, text.lines().filter(|line| !line.starts_with('#')).count());
        let mut written = Vec::new();
        let counts = write(&groups, &[], &mut written).unwrap();
        prop_assert_eq!(counts.total(), series);
        prop_assert_eq!(String::from_utf8(written).unwrap(), text.as_str(), "written out at once");
        prop_assert_eq!(encoded_by_the_crate(&text), text);
    }

    #[test]
    fn a_text_is_rendered_exactly_if_it_fits_the_limit(
        deployments in vec(deployment(), 0..5),
        keys in prop_oneof![Just(LabelKeys::All), vec("[a-cA-C._]{1,3}", 0..3).prop_map(LabelKeys::Listed)],
    ) {
        let labels = ExportedLabels::new(&keys);
        let group = group("w", "n", tracked(&deployments), &labels);
        let len = text_len(&rendered("w", "n", &deployments, &keys));
        let rendered = |limit| render_within(&group, &RenderedFamilies::default(), limit);
        prop_assert_eq!(rendered(len).map(|families| text_len(&families)), Some(len));
        prop_assert!(len == 0 || rendered(len - 1).is_none());
    }

    #[test]
    fn every_encoding_decodes_to_the_same_text(
        first in vec(deployment(), 0..5),
        second in vec(deployment(), 0..3),
        live in text(),
    ) {
        let keys = LabelKeys::All;
        let groups = [rendered("w", "one", &first, &keys), rendered("w", "two", &second, &keys)];
        for format in Format::ALL {
            let of = |encoding| body(format, encoding, &[JoinedFamilies::of::<Deployments>(&groups)], &live);
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
        let text = text_of(&[rendered("w", "n", [&deployment], &LabelKeys::default())]);
        let line = text.lines().find(|line| line.starts_with("aliyun_flink_deployment_created")).unwrap();
        let (_, value) = line.rsplit_once(' ').unwrap();
        prop_assert_eq!(value.parse::<f64>().unwrap().to_bits(), number.to_bits());
    }
}

#[test]
fn label_values_come_back_as_they_were() {
    let name = "quote \" backslash \\ line\nfeed é 团队";
    let deployment = Deployment { name: name.into(), ..Deployment::default() };
    let text = text_of(&[rendered("w", "n", [&deployment], &LabelKeys::default())]);
    let line = text.lines().find(|line| line.starts_with("aliyun_flink_deployment_info{")).unwrap();
    let (_, labels) = line.strip_suffix(" 1").unwrap().split_once('{').unwrap();
    let pairs = label_pairs(labels);
    let deployment = pairs.iter().find(|pair| pair.name() == "deployment").unwrap();
    assert_eq!(deployment.value(), name);
}

#[test]
fn a_value_that_is_not_known_has_no_series_and_an_empty_family_no_header() {
    let deployment = Deployment { id: "d".into(), ..Deployment::default() };
    let text = text_of(&[rendered("w", "n", [&deployment], &LabelKeys::default())]);
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
    let text = text_of(&[rendered("w", "n", [&labelled, &bare], &keys)]);
    let lines: Vec<_> =
        text.lines().filter(|line| line.starts_with("aliyun_flink_deployment_labels{")).collect();
    assert!(lines[0].ends_with("label_team=\"a\",label_cost_center=\"\"} 1"), "{text}");
    assert!(lines[1].ends_with("label_team=\"\",label_cost_center=\"\"} 1"), "{text}");
}

#[test]
fn unchanged_segments_are_shared() {
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
    let labels = ExportedLabels::new(&LabelKeys::default());
    let render = |failed, previous: &RenderedFamilies| {
        render(&group("w", "n", tracked(&fleet(failed)), &labels), previous)
    };
    let first = render(1, &RenderedFamilies::default());
    assert!(render(1, &first).shares_all(&first));
    let other = render(2, &first);
    assert!(!other.shares_all(&first), "the jobs changed");
    let pieces = |rendered: &RenderedFamilies| -> Vec<*const _> {
        (0..FAMILIES.len())
            .flat_map(|family| rendered.family(family).iter().map(std::sync::Arc::as_ptr))
            .collect()
    };
    let same = pieces(&other).iter().filter(|piece| pieces(&first).contains(piece)).count();
    assert_eq!(
        (same, pieces(&other).len()),
        (15, 18),
        "of six families in three pieces, one piece of three families changed"
    );
    assert_eq!(text_of(&[other]), text_of(&[render(2, &RenderedFamilies::default())]));
}

/// Namespaces of one deployment each.
fn small_groups(namespaces: usize) -> Vec<RenderedFamilies> {
    let deployment = |number: usize| Deployment {
        id: format!("{number}").into(),
        created: Some(number as f64),
        ..Deployment::default()
    };
    let group = |number| rendered("w", &format!("n{number}"), [&deployment(number)], &LabelKeys::default());
    (0..namespaces).map(group).collect()
}

/// The pieces of the body in gzip, and their text.
fn gzip(groups: &[RenderedFamilies], cache: &SegmentCache) -> (Vec<Bytes>, String) {
    let sections = [JoinedFamilies::of::<Deployments>(groups)];
    let body = MetricsBody::new(Format::Text, Encoding::Gzip, &sections, cache).unwrap();
    let mut bytes = body.pieces().concat();
    bytes.extend(body.last_piece(Vec::new()).unwrap());
    let mut text = String::new();
    flate2::read::GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).unwrap();
    (body.pieces().to_vec(), text)
}

fn new_pieces(before: &[Bytes], after: &[Bytes]) -> usize {
    let before: HashSet<_> = before.iter().map(|piece| piece.as_ptr()).collect();
    after.iter().filter(|piece| !before.contains(&piece.as_ptr())).count()
}

#[test]
fn small_groups_are_compressed_together_and_only_where_they_changed() {
    let cache = SegmentCache::default();
    let mut groups = small_groups(3000);
    let (first, text) = gzip(&groups, &cache);
    assert_eq!(text, text_of(&groups));
    // Two families of about 500 and 300 kB, two headers and gzip's own.
    assert!((8..60).contains(&first.len()), "{}", first.len());
    assert_eq!(new_pieces(&first, &gzip(&groups, &cache).0), 0, "nothing changed");

    let changed = Deployment { created: Some(-1.0), ..Deployment::default() };
    groups[1500] = rendered("w", "n1500", [&changed], &LabelKeys::default());
    let (second, text) = gzip(&groups, &cache);
    assert_eq!(text, text_of(&groups));
    assert_eq!(new_pieces(&first, &second), 2, "one segment of each family");

    groups.remove(1000);
    groups.insert(2000, rendered("w", "between", [&changed], &LabelKeys::default()));
    let (third, text) = gzip(&groups, &cache);
    assert_eq!(text, text_of(&groups));
    let anew = new_pieces(&second, &third);
    assert!((2..=8).contains(&anew), "a group that is added or removed changes only its own segment: {anew}");
}

#[test]
fn segments_have_a_bounded_size() {
    // The same namespace again and again never ends a segment by its hash.
    let group = small_groups(1).remove(0);
    let groups = vec![group; 5000];
    let (pieces, text) = gzip(&groups, &SegmentCache::default());
    assert_eq!(text, text_of(&groups));
    assert!(pieces.len() > 4, "{}", pieces.len());
}
