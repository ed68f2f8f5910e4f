//! The values of a configuration file with their lines.

use figment::value::{Dict, Value};

/// What a file contains.
#[derive(Debug)]
pub struct Document {
    /// The file, as it is named in messages.
    pub(crate) name: String,
    /// The value at the top: a table.
    pub(crate) root: Located,
}

/// A value and its place.
#[derive(Debug, Clone)]
pub(crate) struct Located {
    /// The line, from 1: of the value, or of its key.
    pub(crate) line: usize,
    pub(crate) content: Content,
}

/// A value.
#[derive(Debug, Clone)]
pub(crate) enum Content {
    Scalar {
        value: Value,
        /// The number as it is written, if a reader of YAML or TOML changes its form: `0x1f`, `+12`, `0123`, `1_000`.
        unstable: Option<String>,
    },
    List(Vec<Located>),
    /// Each key once.
    Table(Vec<(String, Located)>),
}

impl Document {
    /// The file and the line of the value at `path`, or of the last value on the way to it.
    pub(crate) fn place(&self, path: &[&str]) -> (String, usize) {
        let line = self.root.walk(path).last().map_or(1, |value| value.line);
        (format!("{}:{line}", self.name), line)
    }

    /// The number at `path` as it is written, if a reader changes its form.
    pub(crate) fn unstable_number(&self, path: &[&str]) -> Option<&str> {
        match &self.root.walk(path).nth(path.len().checked_sub(1)?)?.content {
            Content::Scalar { unstable, .. } => unstable.as_deref(),
            _ => None,
        }
    }
}

impl Located {
    /// The values on the way down, as far as they exist.
    fn walk<'a, 'p>(&'a self, path: &'p [&'p str]) -> impl Iterator<Item = &'a Self> {
        path.iter().scan(self, |value, step| {
            let below = match &value.content {
                Content::Scalar { .. } => None,
                Content::List(items) => items.get(step.parse::<usize>().ok()?),
                Content::Table(entries) => {
                    entries.iter().find(|(key, _)| key == step).map(|(_, value)| value)
                }
            };
            *value = below?;
            Some(*value)
        })
    }

    /// Whether the value is null.
    pub(crate) fn is_absent(&self) -> bool {
        matches!(self.content, Content::Scalar { value: Value::Empty(..), .. })
    }

    /// The value alone.
    pub(crate) fn to_value(&self) -> Value {
        match &self.content {
            Content::Scalar { value, .. } => value.clone(),
            Content::List(items) => items.iter().map(Self::to_value).collect::<Vec<_>>().into(),
            Content::Table(entries) => {
                let entries = entries.iter().map(|(key, value)| (key.clone(), value.to_value()));
                entries.collect::<Dict>().into()
            }
        }
    }
}
