//! `metrics.max_series`: groups of metrics are dropped in order, and metrics name the dropped families.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::{Exposition, Program, Start};

const LABELS: &str = "aliyun_flink_deployment_labels";
const SLOT_GROUPS: [&str; 3] = [
    "aliyun_flink_deployment_slot_group_cpu_cores",
    "aliyun_flink_deployment_slot_group_memory_bytes",
    "aliyun_flink_deployment_slot_group_slots",
];
const QUEUES: &str = "aliyun_flink_queue_limit_cpu_cores";

async fn simulator() -> Program {
    let flags = ["simulate", "--listen-address", "127.0.0.1:0", "--workspace", "w1", "--namespaces=2"];
    Start::bare(&flags).args(&["--deployments=30"]).listening().await
}

/// A configuration that polls two namespaces of the simulator once during a test.
fn configuration(simulator: &Program, max_series: usize) -> String {
    format!(
        "poll: {{interval: 1h}}\n\
         metrics: {{deployment_labels: ['*'], max_series: {max_series}}}\n\
         collectors: {{queues: true}}\n\
         workspaces:\n\
         - {{id: w1, endpoint: 'http://{}', namespaces: [default-namespace, payments-prod]}}\n",
        simulator.address()
    )
}

/// The values of the metric `name` by its label `family`.
fn by_family(metrics: &Exposition, name: &str) -> BTreeMap<String, usize> {
    let series = metrics.find(name).all();
    series
        .iter()
        .map(|series| (series.labels["family"].clone(), series.value.to_string().parse().unwrap()))
        .collect()
}

fn total(metrics: &Exposition) -> usize {
    metrics.series().count()
}

fn assert_counts_itself(metrics: &Exposition) {
    let counted = by_family(metrics, "aliyun_flink_exporter_series");
    assert_eq!(counted.values().sum::<usize>(), total(metrics));
    let mut served = BTreeMap::new();
    for series in metrics.series() {
        let is_family = |name: &&str| counted.contains_key(*name);
        let histogram = ["_bucket", "_sum", "_count"].iter().find_map(|end| series.name.strip_suffix(end));
        let family = histogram.filter(is_family).unwrap_or(&series.name);
        *served.entry(family.to_owned()).or_insert(0) += 1;
    }
    assert_eq!(served, counted);
}

async fn polled(program: &Program) -> Exposition {
    let up = |metrics: &Exposition| metrics.find("aliyun_flink_target_up").sum() >= 4.0;
    program.metrics_with("four targets", up).await
}

#[tokio::test]
async fn a_scrape_counts_its_series_and_stays_within_the_limit() {
    let simulator = simulator().await;
    let program = Start::daemon().config(&configuration(&simulator, 0)).ready().await;
    let all = polled(&program).await;
    assert_counts_itself(&all);
    all.find("aliyun_flink_exporter_series_dropped").absent();
    let labels = all.find(LABELS).all().len();
    let slot_groups: usize = SLOT_GROUPS.iter().map(|name| all.find(name).all().len()).sum();
    assert!(labels > 0 && slot_groups > 0);

    // The limit is slightly below the number of series without labels, so the slot groups are dropped, too.
    // The exporter's own metrics may grow by a few series with each scrape.
    let limit = total(&all) - labels - 3;
    program.rewrite_config(&configuration(&simulator, limit));
    program.signal("HUP").await;
    let reloaded = |metrics: &Exposition| metrics.find("aliyun_flink_exporter_series_dropped").exists();
    let fewer = program.metrics_with("dropped series", reloaded).await;
    assert!(total(&fewer) <= limit + 3, "{} of {limit}", total(&fewer));
    assert_counts_itself(&fewer);
    let dropped = by_family(&fewer, "aliyun_flink_exporter_series_dropped");
    let expected: BTreeSet<&str> = SLOT_GROUPS.into_iter().chain([LABELS]).collect();
    assert_eq!(dropped.keys().map(String::as_str).collect::<BTreeSet<_>>(), expected);
    assert_eq!(dropped.values().sum::<usize>(), labels + slot_groups);
    for name in expected {
        fewer.find(name).absent();
    }
    assert_eq!(fewer.find("aliyun_flink_deployment_cpu_cores").all().len(), {
        all.find("aliyun_flink_deployment_cpu_cores").all().len()
    });

    let page = program.get("/").await.body;
    assert!(page.contains("metrics.max_series") && page.contains(SLOT_GROUPS[0]), "{page}");
    let status: serde_json::Value = serde_json::from_str(&program.get("/api/v1/status").await.body).unwrap();
    assert_eq!(status["series"]["max_series"], limit);
    assert_eq!(status["series"]["dropped"][LABELS], labels);
    let warnings = program.stderr().matches("metrics.max_series is exceeded").count();
    assert_eq!(warnings, 1, "{}", program.stderr());

    // All series are less than 100 % of this limit, but more than the 95 % at which dropped ones return.
    program.rewrite_config(&configuration(&simulator, total(&all) + 50));
    program.signal("HUP").await;
    let unchanged = |metrics: &Exposition| {
        let reloads = metrics.find("aliyun_flink_exporter_config_last_reload_success_timestamp_seconds");
        reloads.one().value > fewer.find(&reloads.one().name).one().value
    };
    let still = program.metrics_with("a reload", unchanged).await;
    still.find(LABELS).absent();
    program.rewrite_config(&configuration(&simulator, 0));
    program.signal("HUP").await;
    let complete = |metrics: &Exposition| metrics.find(LABELS).exists();
    let again = program.metrics_with("every series", complete).await;
    assert_counts_itself(&again);
}

#[tokio::test]
async fn once_prints_no_more_than_the_limit_and_drops_collectors_last() {
    let simulator = simulator().await;
    let once = async |limit| {
        let config = configuration(&simulator, limit);
        Start::new(&["once"]).config(&config).finish().await.with_code(0).metrics()
    };
    let all = once(0).await;
    assert_counts_itself(&all);
    let limit = total(&all) - 1;
    let fewer = once(limit).await;
    assert!(total(&fewer) <= limit);
    assert_counts_itself(&fewer);
    fewer.find(LABELS).absent();
    assert!(fewer.find(SLOT_GROUPS[0]).exists() && fewer.find(QUEUES).exists());

    let least = once(1).await;
    assert_counts_itself(&least);
    least.find(QUEUES).absent();
    least.find("aliyun_flink_deployment_requested_slots").absent();
    for kept in ["aliyun_flink_deployment_info", "aliyun_flink_deployment_status", "aliyun_flink_target_up"] {
        assert_eq!(least.find(kept).all().len(), all.find(kept).all().len(), "{kept}");
    }
}
