//! Samples, independent of how they are encoded.

/// A sample's value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value {
    /// A count.
    Integer(u64),
    /// Any other number.
    Float(f64),
}

/// Labels that are known when the program is built: see `static_labels!`.
#[derive(Debug, PartialEq, Eq)]
pub struct StaticLabels {
    pub(super) pairs: &'static [(&'static str, &'static str)],
    /// The pairs in the text format, each after a comma.
    pub(super) text: &'static str,
}

impl StaticLabels {
    /// `text` must be the text of `pairs`.
    #[doc(hidden)]
    pub const fn new(pairs: &'static [(&'static str, &'static str)], text: &'static str) -> Self {
        Self { pairs, text }
    }
}

/// No labels.
pub static NO_LABELS: &StaticLabels = &StaticLabels::new(&[], "");

/// Labels that are known when the program is built; their values must need no escaping.
macro_rules! static_labels {
    ($($name:ident = $value:literal),+ $(,)?) => {{
        static LABELS: $crate::exposition::StaticLabels = $crate::exposition::StaticLabels::new(
            &[$((stringify!($name), $value)),+],
            concat!($(",", stringify!($name), "=\"", $value, "\""),+),
        );
        &LABELS
    }};
}
pub(crate) use static_labels;

/// A sample's labels, in addition to those that identify its object.
#[derive(Debug, Clone, Copy)]
pub enum Labels<'a> {
    /// Known when the program is built, with their text.
    Static(&'static StaticLabels),
    /// Names and values, which are escaped when they are written.
    Dynamic(&'a [(&'a str, &'a str)]),
}

impl<'a> Labels<'a> {
    /// Names and values.
    pub fn pairs(self) -> &'a [(&'a str, &'a str)] {
        match self {
            Self::Static(labels) => labels.pairs,
            Self::Dynamic(pairs) => pairs,
        }
    }
}

impl From<&'static StaticLabels> for Labels<'_> {
    fn from(labels: &'static StaticLabels) -> Self {
        Self::Static(labels)
    }
}

impl<'a> From<&'a [(&'a str, &'a str)]> for Labels<'a> {
    fn from(pairs: &'a [(&'a str, &'a str)]) -> Self {
        Self::Dynamic(pairs)
    }
}

impl<'a, const N: usize> From<&'a [(&'a str, &'a str); N]> for Labels<'a> {
    fn from(pairs: &'a [(&'a str, &'a str); N]) -> Self {
        Self::Dynamic(pairs)
    }
}

/// Takes the samples of one family and one object.
pub trait SampleSink {
    /// Takes a sample.
    fn sample(&mut self, labels: Labels<'_>, value: Value);
}

/// What families write samples with: a value that the API did not return has no sample.
pub struct SampleWriter<'s> {
    sink: &'s mut dyn SampleSink,
}

impl<'s> SampleWriter<'s> {
    /// Writes to `sink`.
    pub fn new(sink: &'s mut dyn SampleSink) -> Self {
        Self { sink }
    }

    /// Writes a sample if there is a value.
    #[inline]
    pub fn integer<'l>(&mut self, labels: impl Into<Labels<'l>>, value: Option<u64>) {
        if let Some(value) = value {
            self.sink.sample(labels.into(), Value::Integer(value));
        }
    }

    /// Writes a sample if there is a value.
    #[inline]
    pub fn float<'l>(&mut self, labels: impl Into<Labels<'l>>, value: Option<f64>) {
        if let Some(value) = value {
            self.sink.sample(labels.into(), Value::Float(value));
        }
    }
}

impl std::fmt::Debug for SampleWriter<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("SampleWriter").finish_non_exhaustive()
    }
}
