//! The alerts and their documents: they speak of what is served, they say what they must, and each is proved and
//! explained.

mod documents;
mod files;

use std::collections::{BTreeMap, BTreeSet};

use promql_parser::parser::VectorSelector;
use serde::Deserialize;
use serde_json::json;

use crate::support::{Exposition, Reply, Series, Start, StubApi, empty_page};
use files::{Parts, alerts, names, rules, yaml};

/// Recorded series have a colon in their names, as nothing else has.
fn is_recorded(metric: &str) -> bool {
    metric.contains(':')
}

/// All that an exporter may serve, by a demo, and by one whose credentials end.
async fn served() -> Vec<Exposition> {
    let demo = Start::demo().ready().await;
    demo.metrics().await;
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
    // Served with TLS only; tests/serving/tls.rs proves that it is.
    let tls = "# HELP aliyun_flink_exporter_tls_certificate_expiry_timestamp_seconds Expiry.\n\
               # TYPE aliyun_flink_exporter_tls_certificate_expiry_timestamp_seconds gauge\n\
               aliyun_flink_exporter_tls_certificate_expiry_timestamp_seconds 1.8e9\n";
    vec![demo.metrics().await, ending.metrics().await, Exposition::parse(tls).unwrap()]
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
            // A rule may go on from its own last result.
            if behind != expression {
                labels.extend(labels_of(behind, recorded, served));
            }
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
    let all = rules("thresholds.yml").into_iter().chain(rules("rules.yml"));
    all.map(|rule| (rule.name().to_owned(), rule.expr)).collect()
}

#[tokio::test]
async fn rules_and_runbooks_speak_of_what_is_served() {
    let (served, recorded) = (served().await, recorded());
    for rule in rules("rules.yml").into_iter().chain(alerts()) {
        let mut labels = labels_of(&rule.expr, &recorded, &served);
        // A label of its own making, and those of a threshold of a namespace.
        if rule.expr.contains(r#""threshold", "#) {
            labels.insert("threshold".to_owned());
        }
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
            for query in files::between(text, "printf \"aliyun", "\" ") {
                labels_of(&format!("aliyun{}", query.replace("=%q", "!=\"\"")), &recorded, &served);
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
    let distinct: BTreeSet<_> = alerts.iter().map(files::Rule::name).collect();
    assert_eq!(distinct.len(), alerts.len());
    for rule in &alerts {
        let name = rule.alert.as_deref().expect("an alert");
        assert!(name.starts_with("AliyunFlink"), "{name}");
        assert!(rule.pending.is_some() && rule.keep_firing_for.is_some(), "{name}");
        let labels: Vec<_> = rule.labels.keys().collect();
        assert_eq!(labels, ["severity"], "{name}");
        assert!(["critical", "warning", "info"].contains(&rule.labels["severity"].as_str()), "{name}");
        let annotations: Vec<_> = rule.annotations.keys().collect();
        assert_eq!(annotations, ["description", "runbook_url", "summary"], "{name}");
        assert!(rule.annotations.values().all(|text| !text.trim().is_empty()), "{name}");
    }
}

#[test]
fn every_threshold_is_used_and_missed() {
    let recorded: BTreeSet<_> =
        rules("thresholds.yml").iter().filter_map(|rule| rule.record.clone()).collect();
    let (guards, others): (Vec<_>, Vec<_>) =
        alerts().into_iter().partition(|rule| rule.name() == "AliyunFlinkThresholdMissing");
    for rules in [guards, others] {
        let used: BTreeSet<_> = rules
            .iter()
            .flat_map(|rule| Parts::of(&rule.expr).metrics().map(str::to_owned).collect::<Vec<_>>())
            .filter(|metric| metric.contains(":threshold_"))
            .collect();
        assert_eq!(used, recorded);
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
            let alert = files::between(&expected.expr, "alertname=\"", "\"")[0];
            *alerts.entry(alert.to_owned()).or_insert(false) |= !expected.exp_samples.is_empty();
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
