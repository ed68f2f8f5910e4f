//! The metric families of one kind of object, and how samples are written from such an object.

use std::{io, sync::OnceLock};

use super::{
    FamilyDescriptor, Format, MetricType, Origin, SampleWriter, Unit,
    compress::{Codec, Compressor, Segment},
    text_format::write_label,
};

/// The metric families of one kind of object.
///
/// A collector implements this for a type of its own, next to its decoder. Rendering, compression, sharing of unchanged
/// text and the reference are generic over it.
pub trait MetricFamilies: Sized + 'static {
    /// An object with everything that the families read.
    type Object<'a>;

    /// The heading in the reference.
    const TITLE: &'static str;

    /// The labels that identify an object, in their order.
    const IDENTITY_LABELS: &'static [&'static str];

    /// The families in the order they are served.
    fn families() -> &'static [Family<Self>];

    /// Writes the values of those identity labels that the objects of a group do not share.
    fn identity(object: &Self::Object<'_>, labels: &mut IdentityWriter<'_>);

    /// The headers of [`MetricFamilies::families`], made once: see [`FamilyHeaders::of`].
    fn headers() -> &'static FamilyHeaders;
}

/// A family, and how an object's samples of it are written.
#[derive(Debug)]
pub struct Family<C: MetricFamilies> {
    /// What documents it.
    pub descriptor: FamilyDescriptor,
    /// Writes an object's samples.
    pub write: for<'o> fn(&C::Object<'o>, &mut SampleWriter<'_>),
}

impl<C: MetricFamilies> Family<C> {
    /// A gauge.
    pub const fn gauge(
        name: &'static str,
        unit: Unit,
        help: &'static str,
        labels: &'static [&'static str],
        origin: Origin,
        write: for<'o> fn(&C::Object<'o>, &mut SampleWriter<'_>),
    ) -> Self {
        let metric_type = MetricType::Gauge;
        Self { descriptor: FamilyDescriptor { name, metric_type, unit, help, labels, origin }, write }
    }
}

/// Takes the values of the identity labels, in the order of [`MetricFamilies::IDENTITY_LABELS`].
#[derive(Debug)]
pub struct IdentityWriter<'t> {
    text: &'t mut Vec<u8>,
    names: &'static [&'static str],
    written: usize,
}

impl<'t> IdentityWriter<'t> {
    /// Writes to `text`, which holds the first `written` labels already.
    pub(super) fn new(text: &'t mut Vec<u8>, names: &'static [&'static str], written: usize) -> Self {
        Self { text, names, written }
    }

    /// Writes the values of the next labels.
    pub(super) fn values(&mut self, values: &[&str]) {
        for value in values {
            self.value(value);
        }
    }

    /// Writes the next label's value.
    pub fn value(&mut self, value: &str) {
        let name = self.names.get(self.written);
        debug_assert!(name.is_some(), "more values than labels: {:?}", self.names);
        if let Some(name) = name {
            if self.written > 0 {
                self.text.push(b',');
            }
            write_label(self.text, name, value);
            self.written += 1;
        }
    }
}

/// The documentation of metric families: a section of the reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferenceSection {
    /// The heading.
    pub title: &'static str,
    /// The labels of every family, before its own.
    pub identity_labels: &'static [&'static str],
    /// The families in the order they are served.
    pub families: Vec<FamilyDescriptor>,
}

impl ReferenceSection {
    /// The documentation of `C`.
    pub fn of<C: MetricFamilies>() -> Self {
        Self {
            title: C::TITLE,
            identity_labels: C::IDENTITY_LABELS,
            families: C::families().iter().map(|family| family.descriptor).collect(),
        }
    }
}

/// The names of the families, and their `# HELP` and `# TYPE` lines in each format.
#[derive(Debug)]
pub struct FamilyHeaders(Vec<(&'static str, [Header; Format::ALL.len()])>);

impl FamilyHeaders {
    /// The headers of `C`'s families, to be kept by [`MetricFamilies::headers`].
    pub fn of<C: MetricFamilies>() -> Self {
        let families = ReferenceSection::of::<C>().families;
        let headers = |family: &FamilyDescriptor| {
            Format::ALL.map(|format| Header { text: family.header(format), ..Header::default() })
        };
        Self(families.iter().map(|family| (family.name, headers(family))).collect())
    }

    /// The families' names in their order.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|(name, _)| *name)
    }

    /// The header of the family at `index`.
    pub(super) fn get(&self, index: usize, format: Format) -> Option<&Header> {
        self.0.get(index).map(|(_, headers)| &headers[format as usize])
    }
}

/// The lines before a family's samples.
#[derive(Debug, Default)]
pub(super) struct Header {
    text: String,
    gzip: OnceLock<Segment>,
    zstd: OnceLock<Segment>,
}

impl Header {
    /// The compressed text, compressed now if it is not yet.
    ///
    /// # Errors
    ///
    /// Those of the compressor, which are out of memory or a bug in it.
    pub(super) fn segment(&self, codec: Codec) -> io::Result<&Segment> {
        let cell = match codec {
            Codec::Gzip => &self.gzip,
            Codec::Zstd => &self.zstd,
        };
        if let Some(segment) = cell.get() {
            return Ok(segment);
        }
        let segment = Compressor::new(codec)?.segment(self.text.as_bytes())?;
        Ok(cell.get_or_init(|| segment))
    }
}
