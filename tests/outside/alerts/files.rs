//! The shipped files as they stand in the tree, and the expressions in them.

use std::{collections::BTreeMap, fs, path::PathBuf, time::Duration};

use promql_parser::{
    parser::{self, AggregateExpr, BinaryExpr, Expr, Offset, VectorSelector},
    util::{ExprVisitor, walk_expr},
};
use serde::{Deserialize, de::DeserializeOwned};

/// A path in the tree.
pub(super) fn tree(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

pub(super) fn read(path: &str) -> String {
    fs::read_to_string(tree(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The names of a folder's files that end so.
pub(super) fn names(folder: &str, ending: &str) -> Vec<String> {
    let entries = fs::read_dir(tree(folder)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(ending)).collect()
}

pub(super) fn yaml<T: DeserializeOwned>(path: &str) -> T {
    yaml_serde::from_str(&read(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A file of rules.
#[derive(Deserialize)]
pub(super) struct RuleFile {
    pub(super) groups: Vec<Group>,
}

#[derive(Deserialize)]
pub(super) struct Group {
    pub(super) name: String,
    rules: Vec<Rule>,
}

/// An alert, or a series that is recorded.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    pub(super) alert: Option<String>,
    pub(super) record: Option<String>,
    pub(super) expr: String,
    #[serde(rename = "for")]
    pub(super) pending: Option<String>,
    #[serde(rename = "keep_firing_for")]
    _keep_firing_for: Option<String>,
    #[serde(default)]
    pub(super) labels: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) annotations: BTreeMap<String, String>,
}

impl Rule {
    /// What it is called.
    pub(super) fn name(&self) -> &str {
        self.alert.as_deref().or(self.record.as_deref()).expect("an alert or a record")
    }
}

/// The rules of one of the files in deploy/prometheus.
pub(super) fn rules(file: &str) -> Vec<Rule> {
    let file: RuleFile = yaml(&format!("deploy/prometheus/{file}"));
    file.groups.into_iter().flat_map(|group| group.rules).collect()
}

pub(super) fn alerts() -> Vec<Rule> {
    rules("alerts.yml")
}

/// What an expression selects, and the labels that it groups and matches by.
#[derive(Default)]
pub(super) struct Parts {
    pub(super) selectors: Vec<VectorSelector>,
    pub(super) labels: Vec<String>,
    /// How far each range looks back, and whether it is of a counter.
    pub(super) ranges: Vec<(Duration, bool)>,
    pub(super) offsets: Vec<Duration>,
}

impl Parts {
    pub(super) fn of(expression: &str) -> Self {
        let mut parts = Self::default();
        let parsed = parser::parse(expression).unwrap_or_else(|error| panic!("{error}:\n{expression}"));
        walk_expr(&mut parts, &parsed).unwrap_or_else(|never| match never {});
        parts
    }

    fn select(&mut self, selector: &VectorSelector) {
        match &selector.offset {
            Some(Offset::Pos(offset)) => self.offsets.push(*offset),
            Some(Offset::Neg(offset)) => panic!("{selector:?} looks {offset:?} ahead"),
            None => {}
        }
        self.selectors.push(selector.clone());
    }

    /// The names of the metrics that are selected.
    pub(super) fn metrics(&self) -> impl Iterator<Item = &str> {
        self.selectors.iter().filter_map(|selector| selector.name.as_deref())
    }
}

impl ExprVisitor for Parts {
    type Error = std::convert::Infallible;

    fn pre_visit(&mut self, expression: &Expr) -> Result<bool, Self::Error> {
        match expression {
            Expr::VectorSelector(selector) => self.select(selector),
            Expr::MatrixSelector(matrix) => {
                let is_counter = matrix.vs.name.as_deref().is_some_and(|name| name.ends_with("_total"));
                self.ranges.push((matrix.range, is_counter));
                self.select(&matrix.vs);
            }
            Expr::Subquery(subquery) => self.ranges.push((subquery.range, false)),
            Expr::Aggregate(AggregateExpr { modifier: Some(modifier), .. }) => {
                self.labels.extend(modifier.labels().labels.iter().cloned());
            }
            Expr::Binary(BinaryExpr { modifier: Some(modifier), .. }) => {
                let matching = modifier.matching.iter().map(parser::LabelModifier::labels);
                for labels in matching.chain(modifier.card.labels()) {
                    self.labels.extend(labels.labels.iter().cloned());
                }
            }
            _ => {}
        }
        Ok(true)
    }
}

/// What stands between `open` and the next `close`, everywhere.
pub(super) fn between<'t>(text: &'t str, open: &'t str, close: &'t str) -> Vec<&'t str> {
    text.split(open).skip(1).map(|rest| rest.split_once(close).expect("an end").0).collect()
}
