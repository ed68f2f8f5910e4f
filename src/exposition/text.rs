//! Writing samples: labels, escaping, numbers.

use std::fmt::Write as _;

use bytes::{Bytes, BytesMut};

/// Text is gathered in pieces of this size, so that a large family is never moved to grow.
const PIECE: usize = 256 * 1024;

/// The room a sample is expected to need; a longer one makes its piece grow.
const ROOM: usize = 1024;

/// Integers up to here are written exactly as the same float would be.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Text that grows without being copied.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    current: BytesMut,
    full: Vec<Bytes>,
}

impl Pieces {
    /// Makes sure that the next sample fits, as a rule.
    fn make_room(&mut self) {
        if self.current.capacity() - self.current.len() < ROOM {
            self.full.extend(take(&mut self.current));
            self.current = BytesMut::with_capacity(PIECE);
        }
    }

    /// What was written since the last call.
    pub(super) fn take(&mut self) -> Vec<Bytes> {
        let mut pieces = std::mem::take(&mut self.full);
        pieces.extend(take(&mut self.current));
        pieces
    }
}

fn take(current: &mut BytesMut) -> Option<Bytes> {
    (!current.is_empty()).then(|| current.split().freeze())
}

/// Writes the samples of one family and one object.
#[derive(Debug)]
pub struct Samples<'a> {
    pieces: &'a mut Pieces,
    name: &'static str,
    /// The labels that every sample of the object carries, rendered.
    identity: &'a [u8],
}

impl<'a> Samples<'a> {
    pub(super) fn new(pieces: &'a mut Pieces, name: &'static str, identity: &'a [u8]) -> Self {
        Self { pieces, name, identity }
    }

    /// Writes a sample with further `labels`, unless there is no `value`.
    pub fn count(&mut self, labels: &[(&str, &str)], value: Option<u64>) {
        if let Some(value) = value {
            self.labels(labels);
            self.push(itoa::Buffer::new().format(value).as_bytes());
            self.push(b"\n");
        }
    }

    /// Writes a sample with further `labels`, unless there is no `value`.
    pub fn number(&mut self, labels: &[(&str, &str)], value: Option<f64>) {
        if let Some(value) = value {
            self.labels(labels);
            write_number(&mut self.pieces.current, value);
            self.push(b"\n");
        }
    }

    fn labels(&mut self, labels: &[(&str, &str)]) {
        self.pieces.make_room();
        self.push(self.name.as_bytes());
        self.push(b"{");
        self.push(self.identity);
        for (index, (name, value)) in labels.iter().enumerate() {
            if index > 0 || !self.identity.is_empty() {
                self.push(b",");
            }
            write_label(&mut self.pieces.current, name, value);
        }
        self.push(b"} ");
    }

    fn push(&mut self, bytes: &[u8]) {
        self.pieces.current.extend_from_slice(bytes);
    }
}

/// Where text is written.
pub(super) trait Sink {
    fn put(&mut self, text: &[u8]);
}

impl Sink for BytesMut {
    fn put(&mut self, text: &[u8]) {
        self.extend_from_slice(text);
    }
}

impl Sink for Vec<u8> {
    fn put(&mut self, text: &[u8]) {
        self.extend_from_slice(text);
    }
}

/// Writes `name="value"`, escaped as the text format asks: backslash, quote and line feed.
pub(super) fn write_label(sink: &mut impl Sink, name: &str, value: &str) {
    sink.put(name.as_bytes());
    sink.put(b"=\"");
    let mut rest = value.as_bytes();
    while let Some(at) = rest.iter().position(|byte| matches!(byte, b'\\' | b'"' | b'\n')) {
        sink.put(&rest[..at]);
        sink.put(match rest[at] {
            b'\n' => b"\\n",
            b'"' => b"\\\"",
            _ => b"\\\\",
        });
        rest = &rest[at + 1..];
    }
    sink.put(rest);
    sink.put(b"\"");
}

/// Writes a number as the `prometheus` crate does: no exponent, no trailing `.0`.
fn write_number(text: &mut BytesMut, value: f64) {
    if value.fract() == 0.0 && value.abs() < EXACT && !(value == 0.0 && value.is_sign_negative()) {
        #[expect(clippy::cast_possible_truncation, reason = "integral and within 2^53")]
        text.extend_from_slice(itoa::Buffer::new().format(value as i64).as_bytes());
    } else {
        // Writing to memory can't fail.
        let _ = write!(text, "{value}");
    }
}
