//! docs/metrics.md, generated from the catalogue in the code.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
};

use aliyun_flink_exporter::{
    catalogue::{label_descriptions, sections},
    exposition::{FamilyDescriptor, Origin, ReferenceSection},
};

use crate::support::{Exposition, Start};

const REFERENCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/metrics.md");
const REGENERATE: &str = "UPDATE_REFERENCE=1 cargo test --test outside reference";

const RESOURCE_SETTINGS: &str = "\
## Resource settings

All resource settings of a deployment are exported, effective or not. `execution_mode` and `resource_mode` of `aliyun_flink_deployment_info` show \
which one is effective (`resource_mode` is empty with `metrics.resources: false`). The `requested` metrics are computed from the effective \
setting. They show what one job requests, even if no job is running:

| setting | what one job requests |
| --- | --- |
| basic | one JobManager, and as many TaskManagers as `parallelism` slots need |
| expert | the slots and cores of the resource plan. Memory and compute units have no series, because a plan does not contain all memory |
| batch | as basic, with min(`maxSlot`, `parallelism`) slots; this is an upper bound |
| other settings, or missing values | the metrics that depend on them have no series |

";

/// The names of a family's labels, those of the object first.
pub(crate) fn labels(section: &ReferenceSection, family: &FamilyDescriptor) -> Vec<&'static str> {
    section.identity_labels.iter().chain(family.labels).copied().collect()
}

/// Every family with its section.
fn families(sections: &[ReferenceSection]) -> impl Iterator<Item = (&ReferenceSection, &FamilyDescriptor)> {
    sections.iter().flat_map(|section| section.families.iter().map(move |family| (section, family)))
}

fn code(words: &[&str], separator: &str) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(separator)
}

fn or_none(text: String) -> String {
    if text.is_empty() { "none".to_owned() } else { text }
}

fn origin(origin: Origin) -> String {
    match origin {
        Origin::Api { operations, fields } => {
            format!("{} of {}", code(fields, ", "), code(operations, " and "))
        }
        Origin::Computed(from) => format!("computed from {from}"),
        Origin::Exporter(part) => format!("exporter: {part}"),
    }
}

fn reference() -> String {
    let mut out = format!(
        "# Metrics\n\n\
         <!-- Generated from the code: {REGENERATE} -->\n\n\
         This page describes all metrics with their type, unit, labels and origin. Under *origin*, names in `code` are fields \
         of API responses. A value that the API does not return has no series. Metrics show the data of the last successful \
         poll. If polls fail, the series end when the data is older than `poll.stale_after` or three poll intervals, \
         whichever is longer.\n\n\
         {RESOURCE_SETTINGS}\
         ## Labels\n\n\
         | label | values |\n| --- | --- |\n"
    );
    for (label, description) in label_descriptions() {
        writeln!(out, "| `{label}` | {description} |").unwrap();
    }
    for section in sections() {
        write!(out, "\n## {}\n\n", section.title).unwrap();
        if !section.identity_labels.is_empty() {
            let common = code(section.identity_labels, ", ");
            write!(out, "All of them have the labels {common}.\n\n").unwrap();
        }
        for family in &section.families {
            let FamilyDescriptor { name, metric_type, unit, help, labels, origin: from } = family;
            let own = if section.identity_labels.is_empty() { "labels" } else { "additional labels" };
            write!(
                out,
                "### {name}\n\n{help}\n\n- type: {}\n- unit: {}\n- {own}: {}\n- origin: {}\n\n",
                metric_type.as_str(),
                unit.as_str(),
                or_none(code(labels, ", ")),
                origin(*from),
            )
            .unwrap();
        }
        out.truncate(out.trim_end().len());
        out.push('\n');
    }
    out
}

fn assert_generated(file: &str, expected: &str) {
    #[expect(clippy::disallowed_methods, reason = "a variable of the test run may ask for the file")]
    if std::env::var_os("UPDATE_REFERENCE").is_some() {
        fs::write(file, expected).unwrap();
    }
    let written = fs::read_to_string(file).unwrap_or_default();
    let differing = written.lines().zip(expected.lines()).find(|(written, expected)| written != expected);
    assert!(written == expected, "{file} is not up to date ({differing:?}): {REGENERATE}");
}

#[test]
fn the_reference_is_generated_from_the_catalogue() {
    assert_generated(REFERENCE, &reference());
}

/// Names, types and labels are an interface: whoever changes them must change this snapshot too.
#[test]
fn names_types_and_labels_are_as_published() {
    let sections = sections();
    let lines: BTreeMap<&str, String> = families(&sections)
        .map(|(section, family)| {
            let labels = labels(section, family).join(",");
            (family.name, format!("{} {} {{{labels}}}\n", family.name, family.metric_type.as_str()))
        })
        .collect();
    assert_eq!(lines.len(), families(&sections).count(), "each family is in the catalogue once");
    insta::assert_snapshot!("metrics", lines.into_values().collect::<String>());
}

#[test]
fn descriptions_follow_the_conventions() {
    for (section, family) in families(&sections()) {
        let FamilyDescriptor { name, metric_type, unit, help, .. } = family;
        assert!(help.ends_with('.') && !help.contains(['\\', '"', '\n']), "{name}: {help}");
        assert_eq!(name.ends_with("_total"), metric_type.as_str() == "counter", "{name}");
        let ending = match unit.as_str() {
            "seconds" | "seconds since the Unix epoch" => "_seconds",
            "bytes" => "_bytes",
            "CPU cores" => "_cores",
            "task slots" => "_slots",
            "compute units" => "_compute_units",
            _ => "",
        };
        assert!(name.trim_end_matches("_total").ends_with(ending), "{name} counts {}", unit.as_str());
        let labels = labels(section, family);
        assert_eq!(labels.iter().collect::<BTreeSet<_>>().len(), labels.len(), "{name}: {labels:?}");
    }
}

#[test]
fn every_label_is_described_and_no_other() {
    let sections = sections();
    let used: BTreeSet<&str> =
        families(&sections).flat_map(|(section, family)| labels(section, family)).collect();
    let described = label_descriptions();
    assert_eq!(described.iter().map(|(label, _)| *label).collect::<BTreeSet<_>>(), used);
    assert_eq!(described.len(), used.len(), "each label is described once");
}

/// Whether a served family is described as it is served.
fn assert_described(section: &ReferenceSection, family: &FamilyDescriptor, metrics: &Exposition, text: &str) {
    let name = family.name;
    let served = metrics.families.iter().find(|served| served.name == name).unwrap();
    assert_eq!(served.kind, family.metric_type.as_str(), "{name}");
    assert!(text.contains(&format!("# HELP {name} {}\n", family.help)), "{name}");
    let mut expected: BTreeSet<&str> = labels(section, family).into_iter().collect();
    if expected.remove("label_KEY") {
        // As the demo configures it.
        expected.extend(["label_team", "label_env"]);
    }
    if expected.remove("tag_KEY") {
        expected.extend(["tag_team", "tag_env"]);
    }
    for series in &served.series {
        let labels: BTreeSet<&str> =
            series.labels.keys().map(String::as_str).filter(|label| *label != "le").collect();
        assert_eq!(labels, expected, "{series}");
    }
}

#[tokio::test]
async fn the_demo_serves_the_whole_catalogue_and_no_other_family() {
    let program = Start::demo().ready().await;
    // The requests that the exporter answered are there from the second scrape on.
    let since = "aliyun_flink_deployment_status_since_timestamp_seconds";
    program.metrics_with("a status begins", |metrics| !metrics.find(since).all().is_empty()).await;
    let text = program.get("/metrics").await.body;
    let metrics = program.metrics().await;
    let served: BTreeSet<&str> = metrics.families.iter().map(|family| &*family.name).collect();
    let sections = sections();
    // The demo's access key does not expire, it serves no certificate, keeps no state and has no series budget.
    let absent = [
        "aliyun_flink_exporter_series_dropped",
        "aliyun_flink_exporter_state_healthy",
        "aliyun_flink_exporter_state_last_save_timestamp_seconds",
        "aliyun_flink_exporter_credentials_expiry_timestamp_seconds",
        "aliyun_flink_exporter_tls_certificate_expiry_timestamp_seconds",
    ];
    let expected: BTreeSet<&str> =
        families(&sections).map(|(_, family)| family.name).filter(|name| !absent.contains(name)).collect();
    assert_eq!(served, expected);
    for (section, family) in families(&sections).filter(|(_, family)| !absent.contains(&family.name)) {
        assert_described(section, family, &metrics, &text);
    }
}
