//! What the API told, as the text that Prometheus reads.
//!
//! [`families`] is the catalogue of what is served of a deployment, [`render()`] writes a namespace's deployments
//! once a poll, [`targets`] writes how polling goes, and [`Joined`] is all of it in one format and encoding. Both
//! formats have the same lines of samples; only the lines that describe a family differ.

mod chunk;
mod compress;
pub mod families;
pub mod labels;
mod render;
pub mod targets;
mod text;

#[cfg(test)]
mod tests;

pub use chunk::{Chunk, Joined};
pub use compress::Encoding;
pub use render::{Namespace, render, write};
pub use text::Samples;

/// How the text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Prometheus's text format, version 0.0.4.
    Text,
    /// OpenMetrics, version 1.0.0.
    OpenMetrics,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 2] = [Self::Text, Self::OpenMetrics];

    /// What stands after the last family.
    pub fn end(self) -> &'static str {
        match self {
            Self::Text => "",
            Self::OpenMetrics => "# EOF\n",
        }
    }
}

/// A metric's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A value that goes up and down.
    Gauge,
    /// A value that only rises while the exporter runs.
    Counter,
}

impl Kind {
    /// The type as `# TYPE` spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Counter => "counter",
        }
    }
}

/// What documents a metric family.
#[derive(Debug, Clone, Copy)]
pub struct Description {
    /// The metric's name.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// Its help, on one line, without backslashes or quotes.
    pub help: &'static str,
}

impl Description {
    /// The lines before a family's samples. In OpenMetrics a counter's family has no `_total`, its samples have.
    pub fn header(&self, format: Format) -> String {
        let Self { name, kind, help } = self;
        let name = match (format, kind) {
            (Format::OpenMetrics, Kind::Counter) => name.strip_suffix("_total").unwrap_or(name),
            _ => name,
        };
        format!("# HELP {name} {help}\n# TYPE {name} {}\n", kind.as_str())
    }
}
