//! Metrics in the formats that Prometheus reads, whatever objects they describe.
//!
//! A [`MetricFamilies`] lists the families of one kind of object and writes an object's samples to a [`SampleSink`].
//! [`render()`] writes a group of objects as text, [`target_families`] has the families of targets and workspaces, and
//! [`MetricsBody`] joins the text of all groups in one format and encoding. Both formats have the same sample lines;
//! only the lines that describe a family differ.

mod compress;
mod descriptor;
mod inflater;
mod joined_families;
mod label_names;
mod metric_families;
mod metrics_body;
mod object_group;
mod render;
mod rendered_families;
mod sample;
mod series_counts;
mod shared_segments;
pub mod target_families;
mod text_block;
mod text_format;

#[cfg(test)]
pub(crate) mod tests;

pub use compress::Encoding;
pub use descriptor::{FamilyDescriptor, MetricType, Origin, Unit};
pub use inflater::Inflater;
pub use joined_families::JoinedFamilies;
pub use label_names::label_names;
pub use metric_families::{Family, FamilyHeaders, IdentityWriter, MetricFamilies, ReferenceSection};
pub use metrics_body::MetricsBody;
pub use object_group::ObjectGroup;
#[cfg(test)]
pub(crate) use render::BLOCK;
pub use render::{render, render_within, write};
pub use rendered_families::RenderedFamilies;
pub(crate) use sample::static_labels;
pub use sample::{Labels, NO_LABELS, SampleSink, SampleWriter, StaticLabels, Value};
pub use series_counts::{PublishedSeries, SeriesCounts};
pub use shared_segments::SegmentCache;

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
