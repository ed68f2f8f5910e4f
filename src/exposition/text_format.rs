//! The text format: labels, escaping, numbers.

use std::io::Write as _;

use memchr::memchr3;

use super::{Labels, SampleSink, Value};

/// 2^53: integers below it are exact as floats.
const MAX_EXACT_INTEGER: f64 = 9_007_199_254_740_992.0;

/// Writes samples of one family and one object in the text format, which OpenMetrics shares for gauges and counters.
#[derive(Debug)]
pub(super) struct TextSink<'a> {
    text: &'a mut Vec<u8>,
    name: &'static str,
    /// The object's identity labels, rendered.
    identity: &'a [u8],
    /// Once the text is longer than this, in bytes, samples are discarded.
    limit: usize,
    samples: usize,
}

impl<'a> TextSink<'a> {
    pub(super) fn new(text: &'a mut Vec<u8>, name: &'static str, identity: &'a [u8], limit: usize) -> Self {
        Self { text, name, identity, limit, samples: 0 }
    }

    /// The number of samples written.
    pub(super) fn samples(&self) -> usize {
        self.samples
    }
}

impl SampleSink for TextSink<'_> {
    fn sample(&mut self, labels: Labels<'_>, value: Value) {
        if self.text.len() > self.limit {
            return;
        }
        self.samples += 1;
        append(self.text, self.name.as_bytes());
        self.text.push(b'{');
        append(self.text, self.identity);
        match labels {
            Labels::Static(labels) => append(self.text, labels.text.as_bytes()),
            Labels::Dynamic(pairs) => {
                for (name, value) in pairs {
                    self.text.push(b',');
                    write_label(self.text, name, value);
                }
            }
        }
        self.text.extend_from_slice(b"} ");
        match value {
            Value::Integer(value) => append(self.text, itoa::Buffer::new().format(value).as_bytes()),
            Value::Float(value) => write_float(self.text, value),
        }
        self.text.push(b'\n');
    }
}

/// Appends `bytes` in pieces of sizes known at compile time. Most texts are short, and calling `memcpy` for each takes longer
/// than copying them in place; with musl's `memcpy`, much longer.
#[inline]
fn append(text: &mut Vec<u8>, bytes: &[u8]) {
    let (pieces, rest) = bytes.as_chunks::<64>();
    for piece in pieces {
        text.extend_from_slice(piece);
    }
    let rest = append_piece::<32>(text, rest);
    let rest = append_piece::<16>(text, rest);
    let rest = append_piece::<8>(text, rest);
    let rest = append_piece::<4>(text, rest);
    let rest = append_piece::<2>(text, rest);
    append_piece::<1>(text, rest);
}

/// Appends the first `SIZE` bytes, if there are that many, and returns the rest.
#[inline]
fn append_piece<'b, const SIZE: usize>(text: &mut Vec<u8>, bytes: &'b [u8]) -> &'b [u8] {
    let Some((piece, rest)) = bytes.split_first_chunk::<SIZE>() else { return bytes };
    text.extend_from_slice(piece);
    rest
}

/// Writes `name="value"`, escaped as the text format requires: backslash, quote and line feed.
pub(super) fn write_label(text: &mut Vec<u8>, name: &str, value: &str) {
    append(text, name.as_bytes());
    text.extend_from_slice(b"=\"");
    let mut rest = value.as_bytes();
    while let Some(at) = memchr3(b'\\', b'"', b'\n', rest) {
        append(text, &rest[..at]);
        text.extend_from_slice(match rest[at] {
            b'\n' => b"\\n",
            b'"' => b"\\\"",
            _ => b"\\\\",
        });
        rest = &rest[at + 1..];
    }
    append(text, rest);
    text.extend_from_slice(b"\"");
}

/// Writes a number as the `prometheus` crate does: no exponent, no trailing `.0`.
fn write_float(text: &mut Vec<u8>, value: f64) {
    if value.fract() == 0.0 && value.abs() < MAX_EXACT_INTEGER && !(value == 0.0 && value.is_sign_negative())
    {
        #[expect(clippy::cast_possible_truncation, reason = "integral and within 2^53")]
        append(text, itoa::Buffer::new().format(value as i64).as_bytes());
    } else {
        // Writing to memory can't fail.
        let _ = write!(text, "{value}");
    }
}
