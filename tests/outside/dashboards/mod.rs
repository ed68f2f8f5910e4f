//! Grafana's dashboards: what they ask for is there, and they are as Grafana's own linter wants them.

mod queries;
mod rules;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use serde_json::Value;

use crate::support::{Exposition, Start};
use queries::{Selector, interpolated, labels_of, selectors_of, variables_of};

const DIRECTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/grafana/dashboards");

/// A dashboard's file.
struct Dashboard {
    file: String,
    json: Value,
}

/// A panel's query.
struct Target<'d> {
    panel: &'d str,
    index: usize,
    expression: &'d str,
    legend: &'d str,
}

impl Dashboard {
    fn text(&self, key: &str) -> &str {
        self.json[key].as_str().unwrap_or_default()
    }

    fn list(&self, pointer: &str) -> &[Value] {
        self.json.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    fn variables(&self) -> &[Value] {
        self.list("/templating/list")
    }

    fn variable(&self, name: &str) -> Option<&Value> {
        self.variables().iter().find(|variable| variable["name"] == name)
    }

    /// All but the rows.
    fn panels(&self) -> impl Iterator<Item = &Value> {
        self.list("/panels").iter().filter(|panel| panel["type"] != "row")
    }

    fn targets(&self) -> impl Iterator<Item = Target<'_>> {
        self.panels().flat_map(|panel| {
            let targets = panel["targets"].as_array().into_iter().flatten().enumerate();
            targets.map(|(index, target)| Target {
                panel: panel["title"].as_str().unwrap_or_default(),
                index,
                expression: target["expr"].as_str().unwrap_or_default(),
                legend: target["legendFormat"].as_str().unwrap_or_default(),
            })
        })
    }

    /// Every expression, with where it stands: of panels, annotations and variables.
    fn expressions(&self) -> Vec<(String, String)> {
        let panels = self
            .targets()
            .map(|target| (format!("{}, {}", target.panel, target.index), target.expression.to_owned()));
        let annotations =
            self.list("/annotations/list").iter().filter(|annotation| annotation["builtIn"] != 1);
        let annotations = annotations.map(|annotation| {
            (annotation["name"].to_string(), annotation["expr"].as_str().unwrap().to_owned())
        });
        let variables =
            self.variables().iter().filter(|variable| variable["type"] == "query").map(|variable| {
                (variable["name"].to_string(), queries::of_variable(variable["query"].as_str().unwrap()).0)
            });
        panels.chain(annotations).chain(variables).collect()
    }
}

fn dashboards() -> Vec<Dashboard> {
    let files = fs::read_dir(DIRECTORY).unwrap().map(|entry| entry.unwrap().path());
    let mut dashboards: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| Dashboard {
            file: path.file_name().unwrap().to_string_lossy().into_owned(),
            json: serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap(),
        })
        .collect();
    dashboards.sort_by(|one, other| one.file.cmp(&other.file));
    let files: Vec<_> = dashboards.iter().map(|dashboard| dashboard.file.as_str()).collect();
    assert_eq!(files, ["capacity.json", "deployment.json", "exporter.json", "fleet.json"]);
    dashboards
}

fn assert_none(what: &str, mistakes: &[String]) {
    assert!(mistakes.is_empty(), "{what}:\n{}", mistakes.join("\n"));
}

/// Labels and their values by metric, as the demo serves them and Prometheus stores them.
struct Served(BTreeMap<String, BTreeMap<String, BTreeSet<String>>>);

/// What Prometheus itself knows of a target.
const PROMETHEUS_OWN: [&str; 3] = ["up", "scrape_duration_seconds", "scrape_samples_scraped"];
/// Not in the demo, whose access key does not expire.
const CREDENTIALS: &str = "aliyun_flink_exporter_credentials_expiry_timestamp_seconds";
/// Not in a demo without a state file.
const STATE: &str = "aliyun_flink_exporter_state_healthy";
/// Not in a demo that has just been started.
const STATUS_SINCE: &str = "aliyun_flink_deployment_status_since_timestamp_seconds";
const STATUSES: [&str; 7] =
    ["RUNNING", "TRANSITIONING", "FAILED", "CANCELLED", "FINISHED", "NONE", "UNKNOWN"];

/// The series that rules.yml records, with the labels by which each is aggregated.
fn recorded() -> Vec<(String, Vec<String>)> {
    let path = format!("{DIRECTORY}/../../prometheus/rules.yml");
    let file: Value = yaml_serde::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let groups = file["groups"].as_array().unwrap().iter();
    let rules = groups.flat_map(|group| group["rules"].as_array().unwrap());
    let recorded = rules.map(|rule| {
        let expression = rule["expr"].as_str().unwrap();
        let (_, labels) = expression.split_once(" by (").unwrap();
        let labels = labels.split_once(')').unwrap().0.split(", ");
        (rule["record"].as_str().unwrap().to_owned(), labels.map(str::to_owned).collect())
    });
    recorded.collect()
}

impl Served {
    fn of(metrics: &Exposition) -> Self {
        let mut served: BTreeMap<String, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
        for series in metrics.series() {
            let labels = served.entry(series.name.clone()).or_default();
            for (label, value) in &series.labels {
                labels.entry(label.clone()).or_default().insert(value.clone());
            }
        }
        for metric in PROMETHEUS_OWN {
            served.insert(metric.to_owned(), BTreeMap::new());
        }
        served.insert(CREDENTIALS.to_owned(), [("workspace".to_owned(), BTreeSet::new())].into());
        served.insert(STATE.to_owned(), BTreeMap::new());
        let of_a_deployment = served["aliyun_flink_deployment_status"].clone();
        served.insert(STATUS_SINCE.to_owned(), of_a_deployment);
        for labels in served.values_mut() {
            // A demo need not have each at its start.
            if let Some(values) = labels.get_mut("status") {
                values.extend(STATUSES.map(str::to_owned));
            }
        }
        let values = |label: &String| {
            let all = served.values().filter_map(|labels| labels.get(label)).flatten().cloned();
            (label.clone(), all.collect::<BTreeSet<_>>())
        };
        let recorded: Vec<_> = recorded()
            .into_iter()
            .map(|(name, labels)| (name, labels.iter().map(values).collect::<BTreeMap<_, _>>()))
            .collect();
        served.extend(recorded);
        for labels in served.values_mut() {
            labels.extend(["job", "instance"].map(|label| (label.to_owned(), BTreeSet::new())));
        }
        Self(served)
    }

    fn has_label(&self, label: &str) -> bool {
        self.0.values().any(|labels| labels.contains_key(label))
    }

    /// What of a selector there is not.
    fn lacks(&self, selector: &Selector<'_>) -> Vec<String> {
        if selector.name == "ALERTS" {
            return Vec::new();
        }
        let Some(labels) = self.0.get(selector.name) else {
            return vec![format!("no metric {}", selector.name)];
        };
        let matchers = selector.matchers.iter();
        let missing = matchers.filter_map(|matcher| match labels.get(&matcher.name) {
            None => Some(format!("{} has no label {}", selector.name, matcher.name)),
            Some(values) => {
                let mut wanted = matcher.value.split('|').filter(|value| !value.starts_with('$'));
                wanted
                    .find(|value| !values.contains(*value))
                    .map(|value| format!("{}: {} is never {value}", selector.name, matcher.name))
            }
        });
        missing.collect()
    }
}

#[tokio::test]
async fn every_metric_label_and_value_that_a_dashboard_names_is_in_the_demo() {
    let served = Served::of(&Start::demo().ready().await.metrics_with_jobs().await);
    // Made by the expressions themselves, or by Alertmanager's rules.
    let made = ["problem", "value", "le", "alertname", "severity"];
    let mut missing = Vec::new();
    for dashboard in dashboards() {
        for (place, expression) in dashboard.expressions() {
            let parsed = promql_parser::parser::parse(&interpolated(&expression)).unwrap();
            let of_selectors = selectors_of(&parsed).into_iter().flat_map(|selector| served.lacks(&selector));
            let labels = labels_of(&parsed).into_iter();
            let of_labels = labels
                .filter(|label| !served.has_label(label) && !made.contains(&label.as_str()))
                .map(|label| format!("no label {label}"));
            missing.extend(
                of_selectors.chain(of_labels).map(|lack| format!("{}, {place}: {lack}", dashboard.file)),
            );
        }
        for target in dashboard.targets() {
            let labels =
                target.legend.split("{{").skip(1).map(|rest| rest.split("}}").next().unwrap().trim());
            missing.extend(
                labels
                    .filter(|label| !served.has_label(label) && !made.contains(label))
                    .map(|label| format!("{}, {}: the legend names {label}", dashboard.file, target.panel)),
            );
        }
    }
    assert_none("not in the demo", &missing);
}

#[test]
fn the_linter_finds_nothing_but_what_its_file_excludes_with_a_reason() {
    let text = fs::read_to_string(format!("{DIRECTORY}/.lint")).unwrap();
    let mut lint = rules::Exclusions::parse(&text);
    let found: Vec<_> = dashboards().iter().flat_map(rules::violations).collect();
    let left: Vec<_> =
        found.iter().filter(|violation| !lint.excludes(violation)).map(ToString::to_string).collect();
    assert_none("against the linter's rules", &left);
    assert_none("excluded, and not found", &lint.unused());
}

#[test]
fn the_linters_rules_find_what_is_against_them() {
    rules::assert_each_rule_finds_its_mistake(&dashboards());
}

/// The nearest aggregation around each is a maximum or a minimum: what two replicas tell counts once.
#[test]
fn no_sum_counts_a_deployment_for_each_replica() {
    let mut doubled = Vec::new();
    for dashboard in dashboards().iter().filter(|dashboard| dashboard.file != "exporter.json") {
        for target in dashboard.targets() {
            let parsed = promql_parser::parser::parse(&interpolated(target.expression)).unwrap();
            let bare = selectors_of(&parsed)
                .into_iter()
                .filter(|selector| !["max", "min"].contains(&selector.aggregation().as_str()))
                .map(|selector| format!("{}, {}: {}", dashboard.file, target.panel, selector.name));
            doubled.extend(bare);
        }
    }
    assert_none("not made one before all else", &doubled);
}

#[test]
fn every_instance_is_one_of_those_chosen_in_the_exporters_dashboard() {
    let dashboards = dashboards();
    let exporter = dashboards.iter().find(|dashboard| dashboard.file == "exporter.json").unwrap();
    // All jobs are those of exporters: series such as `up` are of every target of Prometheus.
    assert!(exporter.variable("job").unwrap()["allValue"].is_null());
    let found =
        rules::violations(exporter).into_iter().filter(|violation| violation.rule != "template-job-rule");
    let found: Vec<_> = found.map(|violation| violation.to_string()).collect();
    assert_none("against the linter's rules, no other of which is excluded here", &found);
}

#[test]
fn the_provisioned_data_source_knows_the_scrape_interval() {
    let read = |path: &str| -> Value {
        let text = fs::read_to_string(format!("{DIRECTORY}/../../{path}")).unwrap();
        yaml_serde::from_str(&text).unwrap()
    };
    let source = &read("grafana/provisioning/datasources/prometheus.yml")["datasources"][0];
    let interval = &read("prometheus/prometheus.yml")["global"]["scrape_interval"];
    assert_eq!(source["jsonData"]["timeInterval"], *interval);
    let provider = &read("grafana/provisioning/dashboards/aliyun-flink.yml")["providers"][0];
    assert_eq!(provider["options"]["path"], "/var/lib/grafana/dashboards");
}

#[test]
fn names_and_places_are_each_taken_once() {
    let uids: Vec<_> = dashboards().iter().map(|dashboard| dashboard.text("uid").to_owned()).collect();
    // Links and bookmarks hold on to these.
    assert_eq!(
        uids,
        ["aliyun-flink-capacity", "aliyun-flink-deployment", "aliyun-flink-exporter", "aliyun-flink-fleet"]
    );
    for dashboard in dashboards() {
        let all = dashboard.list("/panels");
        let ids: BTreeSet<_> = all.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
        assert_eq!(ids.len(), all.len(), "{}: ids", dashboard.file);
        let mut taken = BTreeSet::new();
        for panel in all {
            let place = |key| panel["gridPos"][key].as_u64().unwrap();
            assert!(place("x") + place("w") <= 24, "{} is beyond the edge", panel["title"]);
            for x in place("x")..place("x") + place("w") {
                for y in place("y")..place("y") + place("h") {
                    assert!(taken.insert((x, y)), "{}: {} lies on another", dashboard.file, panel["title"]);
                }
            }
        }
    }
}

#[test]
fn every_panel_says_what_it_means_and_asks_the_chosen_data_source() {
    for dashboard in dashboards() {
        for panel in dashboard.panels() {
            let title = panel["title"].as_str().unwrap();
            let description = panel["description"].as_str().unwrap_or_default();
            assert!(!title.is_empty() && description.ends_with('.'), "{title}: {description:?}");
            let targets = panel["targets"].as_array().unwrap();
            for source in targets.iter().chain([panel]).map(|part| &part["datasource"]["uid"]) {
                assert_eq!(source, "${datasource}", "{title}");
            }
            let refs: BTreeSet<_> = targets.iter().map(|target| target["refId"].as_str().unwrap()).collect();
            assert_eq!(refs.len(), targets.len(), "{title}: refId");
        }
    }
}

/// Without a mapping Grafana gives it the colour of the lowest threshold, which often is a healthy green.
#[test]
fn no_single_value_looks_healthy_where_there_is_none() {
    for dashboard in dashboards() {
        for panel in dashboard.panels().filter(|panel| panel["type"] == "stat") {
            let defaults = &panel["fieldConfig"]["defaults"];
            let mappings = defaults["mappings"].as_array().unwrap();
            let mut options = mappings.iter().map(|mapping| &mapping["options"]);
            let nothing = options.find(|options| options["match"] == "null+nan");
            let result =
                &nothing.unwrap_or_else(|| panic!("{} maps no missing value", panel["title"]))["result"];
            assert_eq!(result["text"], defaults["noValue"], "{}", panel["title"]);
            assert_ne!(result["color"], "green", "{}", panel["title"]);
        }
    }
}

#[test]
fn every_variable_that_is_used_is_there_and_the_other_way_round() {
    for dashboard in dashboards() {
        let defined: BTreeSet<_> = dashboard
            .variables()
            .iter()
            .map(|variable| variable["name"].as_str().unwrap().to_owned())
            .collect();
        let mut parts = dashboard.json.clone();
        parts["description"] = Value::Null;
        let used: BTreeSet<_> = variables_of(&parts.to_string())
            .into_iter()
            // Grafana's own, and the groups of label_replace.
            .filter(|name| !name.starts_with("__") && name.parse::<u8>().is_err())
            .collect();
        assert_eq!(defined, used, "{}", dashboard.file);
    }
}

#[test]
fn links_lead_to_dashboards_that_take_what_they_carry() {
    let dashboards = dashboards();
    let by_uid: BTreeMap<_, _> =
        dashboards.iter().map(|dashboard| (dashboard.text("uid"), dashboard)).collect();
    let mut links = 0;
    for dashboard in &dashboards {
        let text = dashboard.json.to_string();
        for rest in text.split("\"/d/").skip(1) {
            let url = rest.split('"').next().unwrap();
            let (uid, query) = url.split_once('?').unwrap_or((url, ""));
            let to = by_uid.get(uid).unwrap_or_else(|| panic!("{}: a link to {url}", dashboard.file));
            let named = query.split("var-").skip(1).map(|part| part.split('=').next().unwrap().to_owned());
            let carried = query.split("${").skip(1).filter_map(|part| part.split_once(":queryparam}"));
            for name in named.chain(carried.map(|(name, _)| name.to_owned())) {
                assert!(to.variable(&name).is_some(), "{}: {uid} has no {name}: {url}", dashboard.file);
            }
            links += 1;
        }
        // Each leads to two others, the fleet to all of them.
        let titles = dashboard.list("/links").iter().filter(|link| link["keepTime"] == true).count();
        let expected = if dashboard.file == "fleet.json" { 3 } else { 2 };
        assert_eq!(titles, expected, "{}", dashboard.file);
    }
    assert!(links > 10, "{links}");
}
