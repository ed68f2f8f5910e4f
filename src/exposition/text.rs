//! Writing samples: labels, escaping, numbers.

use std::io::Write as _;

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
        append(text, self.0.as_bytes());
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
}

impl<'a> Samples<'a> {
    pub(super) fn new(text: &'a mut Vec<u8>, name: &'static str, identity: &'a [u8]) -> Self {
        Self { text, name, identity }
    }

    /// Writes a sample with further `labels`, unless there is no `value`.
    pub fn count(&mut self, labels: &(impl Labels + ?Sized), value: Option<u64>) {
        if let Some(value) = value {
            let text = self.labels(labels);
            append(text, itoa::Buffer::new().format(value).as_bytes());
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
        append(self.text, self.name.as_bytes());
        self.text.push(b'{');
        append(self.text, self.identity);
        labels.write(self.text);
        self.text.extend_from_slice(b"} ");
        self.text
    }
}

/// Adds `bytes` in pieces whose sizes the compiler knows: most are short, and to call a C library's `memcpy` for each takes
/// longer than to copy them, with musl's by far.
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
    for byte in rest {
        text.push(*byte);
    }
}

/// Adds the first bytes, if there are so many; gives the rest.
#[inline]
fn append_piece<'b, const SIZE: usize>(text: &mut Vec<u8>, bytes: &'b [u8]) -> &'b [u8] {
    let Some((piece, rest)) = bytes.split_first_chunk::<SIZE>() else { return bytes };
    text.extend_from_slice(piece);
    rest
}

/// Writes `name="value"`, escaped as the text format asks: backslash, quote and line feed.
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
fn write_number(text: &mut Vec<u8>, value: f64) {
    if value.fract() == 0.0 && value.abs() < EXACT && !(value == 0.0 && value.is_sign_negative()) {
        #[expect(clippy::cast_possible_truncation, reason = "integral and within 2^53")]
        append(text, itoa::Buffer::new().format(value as i64).as_bytes());
    } else {
        // Writing to memory can't fail.
        let _ = write!(text, "{value}");
    }
}
