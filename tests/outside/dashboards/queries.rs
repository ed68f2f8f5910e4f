//! Reads `PromQL` as it stands in dashboards.

use std::time::Duration;

use promql_parser::{
    label::Matcher,
    parser::{Expr, LabelModifier, VectorMatchCardinality},
};

/// A selector, with what is around it.
pub(super) struct Selector<'e> {
    pub(super) name: &'e str,
    pub(super) matchers: &'e [Matcher],
    pub(super) range: Option<Duration>,
    parents: Vec<&'e Expr>,
}

impl Selector<'_> {
    /// The function whose argument it is, or nothing.
    pub(super) fn function(&self) -> &str {
        match self.parents.last() {
            Some(Expr::Call(call)) => call.func.name,
            _ => "",
        }
    }

    /// The nearest aggregation around it, or nothing.
    pub(super) fn aggregation(&self) -> String {
        let nearest = self.parents.iter().rev().find_map(|parent| match parent {
            Expr::Aggregate(aggregate) => Some(aggregate.op.to_string()),
            _ => None,
        });
        nearest.unwrap_or_default()
    }
}

/// What is directly below an expression.
fn children(expression: &Expr) -> Vec<&Expr> {
    match expression {
        Expr::Aggregate(aggregate) => {
            aggregate.param.iter().chain([&aggregate.expr]).map(|child| &**child).collect()
        }
        Expr::Unary(unary) => vec![&unary.expr],
        Expr::Binary(binary) => vec![&binary.lhs, &binary.rhs],
        Expr::Paren(paren) => vec![&paren.expr],
        Expr::Subquery(subquery) => vec![&subquery.expr],
        Expr::Call(call) => call.args.args.iter().map(|child| &**child).collect(),
        _ => Vec::new(),
    }
}

fn walk<'e>(
    expression: &'e Expr,
    parents: &mut Vec<&'e Expr>,
    visit: &mut impl FnMut(&'e Expr, &[&'e Expr]),
) {
    visit(expression, parents);
    parents.push(expression);
    for child in children(expression) {
        walk(child, parents, visit);
    }
    parents.pop();
}

/// Every selector of an expression.
pub(super) fn selectors_of(expression: &Expr) -> Vec<Selector<'_>> {
    let mut found = Vec::new();
    walk(expression, &mut Vec::new(), &mut |expression, parents| {
        let (selector, range) = match expression {
            Expr::VectorSelector(selector) => (selector, None),
            Expr::MatrixSelector(matrix) => (&matrix.vs, Some(matrix.range)),
            _ => return,
        };
        let name = selector.name.as_deref().expect("a metric's name");
        let matchers = &selector.matchers.matchers;
        found.push(Selector { name, matchers, range, parents: parents.to_vec() });
    });
    found
}

/// Every label by which an expression aggregates or joins.
pub(super) fn labels_of(expression: &Expr) -> Vec<String> {
    let mut found = Vec::new();
    walk(expression, &mut Vec::new(), &mut |expression, _| {
        let modifier = match expression {
            Expr::Aggregate(aggregate) => aggregate.modifier.as_ref(),
            Expr::Binary(binary) => binary.modifier.as_ref().and_then(|modifier| {
                if let VectorMatchCardinality::ManyToOne(labels) | VectorMatchCardinality::OneToMany(labels) =
                    &modifier.card
                {
                    found.extend(labels.labels.iter().cloned());
                }
                modifier.matching.as_ref()
            }),
            _ => None,
        };
        if let Some(LabelModifier::Include(labels) | LabelModifier::Exclude(labels)) = modifier {
            found.extend(labels.labels.iter().cloned());
        }
    });
    found
}

/// An expression with values in the places of variables where a parser wants them; those in strings stay.
pub(super) fn interpolated(expression: &str) -> String {
    let values = [
        ("$__rate_interval", "4m"),
        ("$__range_s", "3600"),
        ("$__range", "1h"),
        ("$__interval", "1m"),
        ("$label", "team"),
    ];
    values.iter().fold(expression.to_owned(), |text, (name, value)| text.replace(name, value))
}

/// The names of the variables in a text: of `$name`, `${name}` and `${name:format}`.
pub(super) fn variables_of(text: &str) -> Vec<String> {
    let names = text.split('$').skip(1).map(|rest| {
        let rest = rest.strip_prefix('{').unwrap_or(rest);
        rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
    });
    names.collect()
}

/// The expression and the label of a variable's query.
pub(super) fn of_variable(query: &str) -> (String, &str) {
    let arguments = query.strip_prefix("label_values(").and_then(|rest| rest.strip_suffix(')'));
    let (expression, label) =
        arguments.and_then(|rest| rest.rsplit_once(", ")).expect("label_values(…, label)");
    (expression.to_owned(), label)
}
