//! The alerts and their documents: they speak of what is served, they say what they must, and each is proved and
//! explained.

mod documents;
mod files;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use promql_parser::parser::VectorSelector;
use serde::Deserialize;
use serde_json::json;

use crate::support::{Exposition, Reply, Series, Start, StubApi, empty_page};
use files::{Parts, alerts, names, rules, yaml};

/// Recorded series have a colon in their names, as nothing else has.
fn is_recorded(metric: &str) -> bool {
    metric.contains(':')
}

/// Metrics that need another setting than those of the programs below: TLS (tests/serving/tls.rs has it served), a state
/// file, a series budget, a collector beside `deployments`, a failure that the exporter has observed, discovery, a workspace that does not run.
const ELSEWHERE: &str = "\
# HELP aliyun_flink_exporter_tls_certificate_expiry_timestamp_seconds Expiry.
# TYPE aliyun_flink_exporter_tls_certificate_expiry_timestamp_seconds gauge
aliyun_flink_exporter_tls_certificate_expiry_timestamp_seconds 1.8e9
# HELP aliyun_flink_exporter_state_healthy Health.
# TYPE aliyun_flink_exporter_state_healthy gauge
aliyun_flink_exporter_state_healthy 1
# HELP aliyun_flink_exporter_state_last_save_timestamp_seconds Last save.
# TYPE aliyun_flink_exporter_state_last_save_timestamp_seconds gauge
aliyun_flink_exporter_state_last_save_timestamp_seconds 1.8e9
# HELP aliyun_flink_exporter_series_dropped Dropped.
# TYPE aliyun_flink_exporter_series_dropped gauge
aliyun_flink_exporter_series_dropped{family=\"aliyun_flink_deployment_labels\"} 1
# HELP aliyun_flink_deployment_status_since_timestamp_seconds Since.
# TYPE aliyun_flink_deployment_status_since_timestamp_seconds gauge
aliyun_flink_deployment_status_since_timestamp_seconds{workspace=\"w\",namespace=\"n\",deployment_id=\"d\",deployment=\"d\",status=\"FAILED\"} 1.8e9
# HELP aliyun_flink_target_up Up.
# TYPE aliyun_flink_target_up gauge
aliyun_flink_target_up{collector=\"queues\",region=\"r\",workspace=\"w\",namespace=\"n\",selection=\"\"} 1
# HELP aliyun_flink_target_poll_interval_seconds Interval.
# TYPE aliyun_flink_target_poll_interval_seconds gauge
aliyun_flink_target_poll_interval_seconds{collector=\"queues\",region=\"r\",workspace=\"w\",namespace=\"n\",selection=\"\"} 300
# HELP aliyun_flink_target_last_success_timestamp_seconds Last success.
# TYPE aliyun_flink_target_last_success_timestamp_seconds gauge
aliyun_flink_target_last_success_timestamp_seconds{collector=\"queues\",region=\"r\",workspace=\"w\",namespace=\"n\",selection=\"\"} 1.8e9
# HELP aliyun_flink_workspace_order_status Order.
# TYPE aliyun_flink_workspace_order_status gauge
aliyun_flink_workspace_order_status{workspace=\"w\",status=\"CEASE\"} 1
# HELP aliyun_flink_workspace_status Status.
# TYPE aliyun_flink_workspace_status gauge
aliyun_flink_workspace_status{workspace=\"w\",status=\"DISABLE\"} 1
# HELP aliyun_flink_discovery_up Up.
# TYPE aliyun_flink_discovery_up gauge
aliyun_flink_discovery_up{discovery=\"d\",region=\"r\"} 1
# HELP aliyun_flink_discovery_interval_seconds Interval.
# TYPE aliyun_flink_discovery_interval_seconds gauge
aliyun_flink_discovery_interval_seconds{discovery=\"d\",region=\"r\"} 300
# HELP aliyun_flink_discovery_last_success_timestamp_seconds Last success.
# TYPE aliyun_flink_discovery_last_success_timestamp_seconds gauge
aliyun_flink_discovery_last_success_timestamp_seconds{discovery=\"d\",region=\"r\"} 1.8e9
# HELP aliyun_flink_discovery_workspaces Workspaces.
# TYPE aliyun_flink_discovery_workspaces gauge
aliyun_flink_discovery_workspaces{discovery=\"d\",region=\"r\",state=\"missing\"} 0
";

/// Labels that Prometheus adds to what it scrapes.
const OF_PROMETHEUS: [&str; 2] = ["instance", "job"];

/// All that an exporter may serve: what a demo serves, one whose credentials expire, and the rest.
async fn served() -> Vec<Exposition> {
    let demo = Start::demo().ready().await.metrics_with_jobs().await;
    let api = StubApi::start(|request| {
        if request.path == "/credentials" {
            let key = json!({
                "Code": "Success",
                "AccessKeyId": "an-id",
                "AccessKeySecret": "a-secret",
                "SecurityToken": "a-token",
                "Expiration": "2999-01-01T00:00:00Z",
            });
            return Reply::json(200, &key);
        }
        Reply::json(200, &empty_page())
    })
    .await;
    let credentials = format!("credentials: {{type: uri, uri: '{}/credentials'}}\n", api.endpoint());
    let ending = Start::daemon().polling(&api, "[n1]", &credentials).ready().await;
    vec![demo, ending.metrics().await, Exposition::parse(ELSEWHERE).unwrap()]
}

/// The series that a selector of an exported metric may find; none if it can find none.
fn found<'s>(selector: &VectorSelector, served: &'s [Exposition]) -> Vec<&'s Series> {
    let name = selector.name.as_deref().expect("a selector with a name");
    let matches = |series: &&Series| {
        let matchers = &selector.matchers.matchers;
        let value = |label: &str| series.labels.get(label).map_or("", String::as_str);
        series.name == name && matchers.iter().all(|matcher| matcher.is_match(value(&matcher.name)))
    };
    served.iter().flat_map(Exposition::series).filter(matches).collect()
}

/// The labels that the metrics of an expression have, those behind recorded ones among them.
fn labels_of(
    expression: &str,
    recorded: &BTreeMap<String, String>,
    served: &[Exposition],
) -> BTreeSet<String> {
    let mut labels = BTreeSet::new();
    for selector in Parts::of(expression).selectors {
        let name = selector.name.as_deref().expect("a selector with a name");
        if let Some(behind) = recorded.get(name) {
            labels.extend(labels_of(behind, recorded, served));
            continue;
        }
        assert!(!is_recorded(name), "nothing records {name}:\n{expression}");
        let series = found(&selector, served);
        assert!(!series.is_empty(), "no series served is selected by {selector:?}:\n{expression}");
        for matcher in &selector.matchers.matchers {
            assert!(
                series[0].labels.contains_key(&matcher.name),
                "{name} has no label {}:\n{expression}",
                matcher.name
            );
        }
        labels.extend(series.iter().flat_map(|series| series.labels.keys().cloned()));
    }
    labels
}

/// Every recorded series and its expression.
fn recorded() -> BTreeMap<String, String> {
    rules("rules.yml").into_iter().map(|rule| (rule.name().to_owned(), rule.expr)).collect()
}

#[tokio::test]
async fn rules_and_runbooks_speak_of_what_is_served() {
    let (served, recorded) = (served().await, recorded());
    for rule in rules("rules.yml").into_iter().chain(alerts()) {
        let mut labels = labels_of(&rule.expr, &recorded, &served);
        labels.extend(OF_PROMETHEUS.map(str::to_owned));
        for label in Parts::of(&rule.expr).labels {
            assert!(labels.contains(&label), "{}: nothing has the label {label}", rule.name());
        }
        for text in rule.annotations.values() {
            for used in files::between(text, "$labels.", " ") {
                let label = used.trim_end_matches(|c: char| "})".contains(c));
                assert!(labels.contains(label), "{}: nothing has the label {label}", rule.name());
            }
            for query in files::between(text, "query \"", "\"") {
                labels_of(query, &recorded, &served);
            }
            // A query that is put together: what it asks for, without the values.
            let formats = files::between(text, "printf \"", "\" ").into_iter();
            for query in formats.filter(|format| format.contains("aliyun_flink")) {
                labels_of(&query.replace("\\\"", "\"").replace("=%q", "!=\"\""), &recorded, &served);
            }
        }
    }
    for (page, expression) in documents::expressions() {
        let parts = Parts::of(&expression);
        let known = |metric: &str| {
            recorded.contains_key(metric)
                || metric == "up"
                || served.iter().any(|exposition| exposition.find(metric).exists())
        };
        for metric in parts.metrics() {
            assert!(known(metric), "{page}: nothing serves {metric}");
        }
    }
}

#[test]
fn every_alert_says_what_it_must() {
    let alerts = alerts();
    // An alert may have two severities.
    let distinct: BTreeSet<_> = alerts.iter().map(|rule| (rule.name(), &rule.labels["severity"])).collect();
    assert_eq!(distinct.len(), alerts.len());
    for rule in &alerts {
        let name = rule.alert.as_deref().expect("an alert");
        assert!(name.starts_with("AliyunFlink"), "{name}");
        assert!(rule.pending.is_some(), "{name}");
        let labels: Vec<_> = rule.labels.keys().collect();
        assert_eq!(labels, ["severity"], "{name}");
        assert!(["critical", "warning", "info"].contains(&rule.labels["severity"].as_str()), "{name}");
        let annotations: Vec<_> = rule.annotations.keys().collect();
        assert_eq!(annotations, ["description", "runbook_url", "summary"], "{name}");
        assert!(rule.annotations.values().all(|text| !text.trim().is_empty()), "{name}");
    }
}

#[test]
fn alerts_are_in_three_groups() {
    let file: files::RuleFile = yaml("deploy/prometheus/alerts.yml");
    let groups: Vec<_> = file.groups.iter().map(|group| group.name.as_str()).collect();
    assert_eq!(groups, ["aliyun-flink-jobs", "aliyun-flink-polling", "aliyun-flink-exporter"]);
}

const MINUTE: Duration = Duration::from_secs(60);

/// A range has three samples at the longest supported interval of scrapes and polls, which is 5 minutes. Of a counter it has
/// more, since an increase needs a sample before it.
#[test]
fn every_alert_is_short_and_looks_back_far_enough_and_not_too_far() {
    for rule in alerts() {
        let (name, parts) = (rule.name(), Parts::of(&rule.expr));
        assert!(rule.expr.trim().lines().count() <= 6, "{name} has more than six lines");
        for (range, is_counter) in parts.ranges {
            let shortest = if is_counter { 30 } else { 15 };
            assert!(range >= shortest * MINUTE && range <= 120 * MINUTE, "{name}: {range:?}");
        }
        assert!(parts.offsets.iter().all(|offset| *offset <= 120 * MINUTE), "{name}");
        assert!(
            parts.selectors.iter().all(|selector| !is_recorded(selector.name.as_deref().unwrap())),
            "{name}"
        );
    }
}

/// From 10 minutes on, Prometheus restores over its own restart since when an alert is pending. A shorter `for` starts again, and the
/// page resolves meanwhile.
#[test]
fn a_restart_of_prometheus_resolves_no_page() {
    for rule in alerts().iter().filter(|rule| rule.labels["severity"] == "critical") {
        let pending = rule.pending.as_deref().unwrap();
        let minutes: u32 =
            if pending == "0s" { 10 } else { pending.strip_suffix('m').unwrap().parse().unwrap() };
        assert!(minutes >= 10, "{}: {pending}", rule.name());
    }
}

/// A file of promtool's tests: what of it tells which alerts it proves.
#[derive(Deserialize)]
struct TestFile {
    tests: Vec<TestCase>,
}

#[derive(Deserialize)]
struct TestCase {
    promql_expr_test: Vec<Expected>,
    #[serde(default)]
    alert_rule_test: Vec<AlertTest>,
}

#[derive(Deserialize)]
struct Expected {
    expr: String,
    exp_samples: Vec<yaml_serde::Value>,
}

#[derive(Deserialize)]
struct AlertTest {
    alertname: String,
}

/// The alerts that some case proves.
#[derive(Default)]
struct Proved {
    firing: BTreeSet<String>,
    /// In a case in which it never fires.
    silent: BTreeSet<String>,
    worded: BTreeSet<String>,
}

impl Proved {
    fn add(&mut self, case: TestCase) {
        let mut alerts = BTreeMap::new();
        for expected in &case.promql_expr_test {
            // Without the name, a query is about all alerts.
            for alert in files::between(&expected.expr, "alertname=\"", "\"") {
                *alerts.entry(alert.to_owned()).or_insert(false) |= !expected.exp_samples.is_empty();
            }
        }
        for (alert, fires) in alerts {
            let proved = if fires { &mut self.firing } else { &mut self.silent };
            proved.insert(alert);
        }
        self.worded.extend(case.alert_rule_test.into_iter().map(|test| test.alertname));
    }
}

#[test]
fn every_alert_is_proved_to_fire_to_stay_silent_and_to_say_what_it_means() {
    let mut proved = Proved::default();
    for file in names("deploy/prometheus/tests", ".yml") {
        let file: TestFile = yaml(&format!("deploy/prometheus/tests/{file}"));
        file.tests.into_iter().for_each(|case| proved.add(case));
    }
    let alerts: BTreeSet<_> = alerts().iter().map(|rule| rule.name().to_owned()).collect();
    assert_eq!(proved.firing, alerts);
    assert_eq!(proved.silent, alerts);
    assert_eq!(proved.worded, alerts);
}
