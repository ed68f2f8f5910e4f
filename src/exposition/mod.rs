//! Metrics in the formats that Prometheus reads, whatever objects they describe.
//!
//! A [`Catalogue`] lists the families of one kind of object and writes an object's samples to a [`SampleSink`].
//! [`render()`] writes a group of objects as text, [`targets`] has the families of targets and workspaces, and
//! [`AssembledBody`] joins the text of all groups in one format and encoding. Both formats have the same sample lines;
//! only the lines that describe a family differ.

mod body;
mod catalogue;
mod compress;
mod descriptor;
mod inflater;
mod label_names;
mod objects;
mod render;
mod rendered;
mod sample;
mod section;
mod segments;
mod series;
pub mod targets;
mod text;
mod text_block;

#[cfg(test)]
pub(crate) mod tests;

pub use body::AssembledBody;
pub use catalogue::{Catalogue, Family, IdentityWriter, Section, SectionHeaders};
pub use compress::Encoding;
pub use descriptor::{FamilyDescriptor, MetricType, Origin, Unit};
pub use inflater::Inflater;
pub use label_names::label_names;
pub use objects::ObjectGroup;
#[cfg(test)]
pub(crate) use render::BLOCK;
pub use render::{render, render_within, write};
pub use rendered::RenderedFamilies;
pub(crate) use sample::static_labels;
pub use sample::{Labels, NO_LABELS, SampleSink, SampleWriter, StaticLabels, Value};
pub use section::SectionText;
pub use segments::SegmentCache;
pub use series::{PublishedSeries, SeriesCounts};

/// An exposition format.
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

    /// The text after the last family.
    pub fn end(self) -> &'static str {
        match self {
            Self::Text => "",
            Self::OpenMetrics => "# EOF\n",
        }
    }
}
