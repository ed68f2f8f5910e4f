//! Writing samples: labels, escaping, numbers.

use std::{io::Write as _, ops::Range};

use memchr::memchr3;

/// Integers up to here are written exactly as the same float would be.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Labels that a sample carries beside its object's identity.
pub trait Labels {
    /// Appends them, each after a comma.
    fn write(&self, text: &mut Vec<u8>);
}

/// Labels that are known when the program is built, as their text: see [`labels!`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Fixed(pub(super) &'static str);

/// No labels.
pub(super) const NONE: Fixed = Fixed("");

impl Labels for Fixed {
    fn write(&self, text: &mut Vec<u8>) {
        text.extend_from_slice(self.0.as_bytes());
    }
}

impl<const N: usize> Labels for [(&str, &str); N] {
    fn write(&self, text: &mut Vec<u8>) {
        self.as_slice().write(text);
    }
}

impl Labels for [(&str, &str)] {
    fn write(&self, text: &mut Vec<u8>) {
        for (name, value) in self {
            text.push(b',');
            write_label(text, name, value);
        }
    }
}

/// The text of labels that are known when the program is built; their values need no escaping.
macro_rules! labels {
    ($($name:ident = $value:literal),*) => {
        $crate::exposition::text::Fixed(concat!($(",", stringify!($name), "=\"", $value, "\""),*))
    };
}
pub(super) use labels;

/// Writes the samples of one family and one object.
#[derive(Debug)]
pub struct Samples<'a> {
    text: &'a mut Vec<u8>,
    name: &'static str,
    /// The labels that every sample of the object carries, rendered.
    identity: &'a [u8],
    /// Where both stand, once they are written.
    head: Range<usize>,
}

impl<'a> Samples<'a> {
    pub(super) fn new(text: &'a mut Vec<u8>, name: &'static str, identity: &'a [u8]) -> Self {
        Self { text, name, identity, head: 0..0 }
    }

    /// Writes a sample with further `labels`, unless there is no `value`.
    pub fn count(&mut self, labels: &(impl Labels + ?Sized), value: Option<u64>) {
        if let Some(value) = value {
            let text = self.labels(labels);
            text.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
            text.push(b'\n');
        }
    }

    /// Writes a sample with further `labels`, unless there is no `value`.
    pub fn number(&mut self, labels: &(impl Labels + ?Sized), value: Option<f64>) {
        if let Some(value) = value {
            let text = self.labels(labels);
            write_number(text, value);
            text.push(b'\n');
        }
    }

    fn labels(&mut self, labels: &(impl Labels + ?Sized)) -> &mut Vec<u8> {
        if self.head.is_empty() {
            self.head.start = self.text.len();
            self.text.extend_from_slice(self.name.as_bytes());
            self.text.push(b'{');
            self.text.extend_from_slice(self.identity);
            self.head.end = self.text.len();
        } else {
            self.text.extend_from_within(self.head.clone());
        }
        labels.write(self.text);
        self.text.extend_from_slice(b"} ");
        self.text
    }
}

/// Writes `name="value"`, escaped as the text format asks: backslash, quote and line feed.
pub(super) fn write_label(text: &mut Vec<u8>, name: &str, value: &str) {
    text.extend_from_slice(name.as_bytes());
    text.extend_from_slice(b"=\"");
    let mut rest = value.as_bytes();
    while let Some(at) = memchr3(b'\\', b'"', b'\n', rest) {
        text.extend_from_slice(&rest[..at]);
        text.extend_from_slice(match rest[at] {
            b'\n' => b"\\n",
            b'"' => b"\\\"",
            _ => b"\\\\",
        });
        rest = &rest[at + 1..];
    }
    text.extend_from_slice(rest);
    text.extend_from_slice(b"\"");
}

/// Writes a number as the `prometheus` crate does: no exponent, no trailing `.0`.
fn write_number(text: &mut Vec<u8>, value: f64) {
    if value.fract() == 0.0 && value.abs() < EXACT && !(value == 0.0 && value.is_sign_negative()) {
        #[expect(clippy::cast_possible_truncation, reason = "integral and within 2^53")]
        text.extend_from_slice(itoa::Buffer::new().format(value as i64).as_bytes());
    } else {
        // Writing to memory can't fail.
        let _ = write!(text, "{value}");
    }
}
