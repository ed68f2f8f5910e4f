//! The rules of Grafana's dashboard-linter, by its names, and the file that excludes some.

use std::{collections::BTreeSet, fmt, time::Duration};

use serde_json::Value;

use super::{
    Dashboard, Target,
    queries::{interpolated, of_variable, selectors_of},
};

/// Of those that the linter knows, what the dashboards use.
const UNITS: [&str; 8] = ["none", "string", "short", "percentunit", "bytes", "s", "cpm", "dateTimeFromNow"];

/// What is against a rule.
#[derive(Debug, Clone)]
pub(super) struct Violation {
    pub(super) rule: &'static str,
    dashboard: String,
    panel: Option<String>,
    message: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule, dashboard, panel, message } = self;
        write!(formatter, "{rule}: {dashboard}: {}: {message}", panel.as_deref().unwrap_or_default())
    }
}

/// The linter's `.lint` file.
pub(super) struct Exclusions {
    rules: serde_json::Map<String, Value>,
    used: BTreeSet<(String, usize)>,
}

impl Exclusions {
    pub(super) fn parse(text: &str) -> Self {
        let file: Value = yaml_serde::from_str(text).unwrap();
        let rules = file["exclusions"].as_object().unwrap().clone();
        for (rule, entries) in &rules {
            let reasons = entries["entries"].as_array().into_iter().flatten().map(|entry| &entry["reason"]);
            let has_reason = entries["reason"].is_string() || reasons.into_iter().all(Value::is_string);
            assert!(has_reason, "{rule} is excluded without a reason");
        }
        Self { rules, used: BTreeSet::new() }
    }

    /// As the linter matches: a rule without entries is excluded everywhere.
    pub(super) fn excludes(&mut self, violation: &Violation) -> bool {
        let Some(rule) = self.rules.get(violation.rule) else { return false };
        let panel = violation.panel.as_deref().map(Value::from).unwrap_or_default();
        let index = match rule["entries"].as_array() {
            None => Some(0),
            Some(entries) => entries
                .iter()
                .position(|entry| entry["dashboard"] == violation.dashboard && entry["panel"] == panel),
        };
        self.used.extend(index.map(|index| (violation.rule.to_owned(), index)));
        index.is_some()
    }

    /// The exclusions that nothing needed.
    pub(super) fn unused(&self) -> Vec<String> {
        let all = self.rules.iter().flat_map(|(rule, entries)| {
            let count = entries["entries"].as_array().map_or(1, Vec::len);
            (0..count).map(move |index| (rule.clone(), index))
        });
        all.filter(|entry| !self.used.contains(entry))
            .map(|(rule, index)| format!("{rule}, {index}"))
            .collect()
    }
}

type Found = Result<(), String>;

fn check(holds: bool, message: impl FnOnce() -> String) -> Found {
    if holds { Ok(()) } else { Err(message()) }
}

/// Everything of a dashboard that is against a rule.
pub(super) fn violations(dashboard: &Dashboard) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut note = |rule, panel: Option<&str>, result: Found| {
        if let Err(message) = result {
            let dashboard = dashboard.text("title").to_owned();
            found.push(Violation { rule, dashboard, panel: panel.map(str::to_owned), message });
        }
    };
    note(
        "uneditable-dashboard-rule",
        None,
        check(dashboard.json["editable"] == false, || "editable".to_owned()),
    );
    note("template-datasource-rule", None, data_source(dashboard));
    note("template-job-rule", None, template(dashboard, "job", "Job"));
    note("template-instance-rule", None, template(dashboard, "instance", "Instance"));
    note("template-label-promql-rule", None, variables(dashboard, variable_parses));
    note(
        "template-on-time-change-reload-rule",
        None,
        variables(dashboard, |variable| {
            check(variable["refresh"] == 2, || "is not loaded anew when the time range changes".to_owned())
        }),
    );
    for panel in dashboard.panels() {
        let title = panel["title"].as_str();
        note("panel-datasource-rule", title, panel_data_source(panel));
        note("panel-title-description-rule", title, panel_text(panel));
        note("panel-units-rule", title, panel_units(panel));
        let has_targets = panel["targets"].as_array().is_some_and(|targets| !targets.is_empty());
        note("panel-no-targets-rule", title, check(has_targets, || "has no targets".to_owned()));
    }
    for target in dashboard.targets() {
        for (rule, result) in of_target(&target) {
            note(rule, Some(target.panel), result.map_err(|message| format!("{}: {message}", target.index)));
        }
    }
    found
}

fn data_source(dashboard: &Dashboard) -> Found {
    let sources = dashboard.variables().iter().filter(|variable| variable["type"] == "datasource");
    let found: Vec<_> = sources.map(|source| [&source["name"], &source["label"], &source["query"]]).collect();
    check(found == [["datasource", "Data source", "prometheus"]], || format!("{found:?}"))
}

fn template(dashboard: &Dashboard, name: &str, label: &str) -> Found {
    let Some(variable) = dashboard.variable(name) else { return Err(format!("no variable {name}")) };
    let as_wanted = variable["type"] == "query"
        && variable["datasource"]["uid"] == "${datasource}"
        && variable["label"] == label
        && variable["multi"] == true
        && variable["includeAll"] == true
        && variable["allValue"] == ".+";
    check(as_wanted, || format!("{name} is {variable}"))
}

fn variables(dashboard: &Dashboard, holds: impl Fn(&Value) -> Found) -> Found {
    let mut queried = dashboard.variables().iter().filter(|variable| variable["type"] == "query");
    queried.try_for_each(|variable| {
        holds(variable).map_err(|message| format!("{}: {message}", variable["name"]))
    })
}

fn variable_parses(variable: &Value) -> Found {
    let (expression, _) = of_variable(variable["query"].as_str().unwrap_or_default());
    promql_parser::parser::parse(&interpolated(&expression)).map(|_| ())
}

fn is_one_of(panel: &Value, kinds: &[&str]) -> bool {
    kinds.contains(&panel["type"].as_str().unwrap_or_default())
}

fn panel_data_source(panel: &Value) -> Found {
    let uid = &panel["datasource"]["uid"];
    check(uid == "${datasource}", || format!("asks {uid}"))
}

fn panel_text(panel: &Value) -> Found {
    let filled = |key: &str| panel[key].as_str().is_some_and(|text| !text.is_empty());
    check(filled("title") && filled("description"), || "has no title or no description".to_owned())
}

fn panel_units(panel: &Value) -> Found {
    let unit = panel["fieldConfig"]["defaults"]["unit"].as_str().unwrap_or_default();
    let needs_one = is_one_of(panel, &["stat", "table", "timeseries", "gauge", "bargauge"]);
    check(!needs_one || UNITS.contains(&unit), || format!("has the unit {unit:?}"))
}

fn of_target(target: &Target<'_>) -> Vec<(&'static str, Found)> {
    let parsed = match promql_parser::parser::parse(&interpolated(target.expression)) {
        Ok(parsed) => parsed,
        Err(message) => return vec![("target-promql-rule", Err(message))],
    };
    let mut found = Vec::new();
    for selector in selectors_of(&parsed) {
        for (rule, label) in [("target-job-rule", "job"), ("target-instance-rule", "instance")] {
            let variable = format!("${label}");
            let matched = selector.matchers.iter().any(|matcher| {
                matcher.name == label && matcher.op.to_string() == "=~" && matcher.value == variable
            });
            found
                .push((rule, check(matched, || format!("{} has no {label}=~\"{variable}\"", selector.name))));
        }
        let rate = ["rate", "irate"].contains(&selector.function());
        let interval = selector.range == Some(Duration::from_secs(240));
        found.push((
            "target-rate-interval-rule",
            check(!rate || interval, || {
                format!("{} over another range than $__rate_interval", selector.name)
            }),
        ));
        let counted = rate || selector.function() == "increase";
        found.push((
            "target-counter-agg-rule",
            check(counted || !selector.name.ends_with("_total"), || {
                format!("{} without a rate", selector.name)
            }),
        ));
    }
    found
}

/// Spoils a dashboard in each way that a rule is about.
pub(super) fn assert_each_rule_finds_its_mistake(dashboards: &[Dashboard]) {
    let exporter = dashboards.iter().find(|dashboard| dashboard.file == "exporter.json").unwrap();
    let first = exporter.list("/panels").iter().position(|panel| panel["type"] == "timeseries").unwrap();
    let panel = |part: &str| format!("/panels/{first}/{part}");
    let expression = panel("targets/0/expr");
    let cases: [(&str, String, Value); 14] = [
        ("uneditable-dashboard-rule", "/editable".into(), true.into()),
        ("template-datasource-rule", "/templating/list/0/label".into(), "Source".into()),
        ("template-job-rule", "/templating/list/1/multi".into(), false.into()),
        ("template-instance-rule", "/templating/list/2/allValue".into(), ".*".into()),
        ("template-label-promql-rule", "/templating/list/3/query".into(), "label_values(up{, job)".into()),
        ("template-on-time-change-reload-rule", "/templating/list/3/refresh".into(), 1.into()),
        ("panel-datasource-rule", panel("datasource/uid"), "prometheus".into()),
        ("panel-title-description-rule", panel("description"), "".into()),
        ("panel-units-rule", panel("fieldConfig/defaults/unit"), "seconds".into()),
        ("panel-no-targets-rule", panel("targets"), Value::Array(Vec::new())),
        ("target-promql-rule", expression.clone(), "sum(up".into()),
        ("target-job-rule", expression.clone(), "up{instance=~\"$instance\"}".into()),
        ("target-instance-rule", expression.clone(), "up{job=~\"$job\", instance=\"$instance\"}".into()),
        (
            "target-counter-agg-rule",
            expression.clone(),
            "a_total{job=~\"$job\", instance=~\"$instance\"}".into(),
        ),
    ];
    let narrow = "rate(a_total{job=~\"$job\", instance=~\"$instance\"}[5m])";
    let cases = cases.into_iter().chain([("target-rate-interval-rule", expression, narrow.into())]);
    for (rule, place, mistake) in cases {
        let mut json = exporter.json.clone();
        // Which is excluded.
        json["templating"]["list"][1]["allValue"] = ".+".into();
        *json.pointer_mut(&place).unwrap_or_else(|| panic!("no {place}")) = mistake;
        let spoiled = Dashboard { file: exporter.file.clone(), json };
        let found: BTreeSet<_> = violations(&spoiled).iter().map(|violation| violation.rule).collect();
        assert_eq!(found, [rule].into(), "{place}");
    }
}
