//! What the API told, as the text that Prometheus reads.
//!
//! [`families`] is the catalogue of what is served of a deployment, [`render()`] writes a namespace's deployments
//! once a poll, [`targets`] writes how polling goes.

pub mod families;
pub mod labels;
mod render;
pub mod targets;
mod text;

#[cfg(test)]
mod tests;

pub use render::{Chunk, render};
pub use text::Samples;

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
    /// Its help, on one line, without backslashes.
    pub help: &'static str,
}

impl Description {
    /// The lines before a family's samples.
    pub fn header(&self) -> String {
        let Self { name, kind, help } = self;
        format!("# HELP {name} {help}\n# TYPE {name} {}\n", kind.as_str())
    }
}
