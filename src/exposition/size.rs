//! How large a text objects make, without writing it.

use memchr::memchr3_iter;

use super::{Catalogue, IdentityWriter, Labels, SampleSink, SampleWriter, Value, text::MAX_EXACT_INTEGER};

/// The most characters of an integer.
const MAX_INTEGER: usize = 20;
/// The most characters of a float without exponent whose magnitude is moderate: digits, point and sign.
const MAX_MODERATE_FLOAT: usize = 40;
/// The most characters of any float without exponent: those of the smallest subnormal number.
const MAX_FLOAT: usize = 350;

/// An upper bound of the bytes that the samples of `objects` take in the text format. Stops counting beyond `limit`.
///
/// `shared` are the first identity labels, as for [`ObjectGroup::new`](super::ObjectGroup::new).
pub fn max_text_len<'o, C: Catalogue>(
    shared: &[&str],
    objects: impl IntoIterator<Item = C::Object<'o>>,
    limit: usize,
) -> usize {
    let mut prefix = Vec::new();
    IdentityWriter::new(&mut prefix, C::IDENTITY_LABELS, 0).values(shared);
    let mut identity = Vec::new();
    let mut len = 0;
    for object in objects {
        identity.clear();
        identity.extend_from_slice(&prefix);
        C::identity(&object, &mut IdentityWriter::new(&mut identity, C::IDENTITY_LABELS, shared.len()));
        for family in C::families() {
            // Name and identity, `{`, `} ` and the line feed.
            let fixed = family.descriptor.name.len() + identity.len() + 4;
            let mut sink = LengthSink { fixed, len: 0 };
            (family.write)(&object, &mut SampleWriter::new(&mut sink));
            len += sink.len;
        }
        if len > limit {
            break;
        }
    }
    len
}

/// Adds up the lengths of one family's samples of one object.
struct LengthSink {
    fixed: usize,
    len: usize,
}

impl SampleSink for LengthSink {
    fn sample(&mut self, labels: Labels<'_>, value: Value) {
        let labels = match labels {
            Labels::Static(labels) => labels.text.len(),
            Labels::Dynamic(pairs) => pairs.iter().map(|(name, value)| label_len(name, value)).sum(),
        };
        let value = match value {
            Value::Integer(_) => MAX_INTEGER,
            Value::Float(value) if value == 0.0 || (1e-15..MAX_EXACT_INTEGER).contains(&value.abs()) => {
                MAX_MODERATE_FLOAT
            }
            Value::Float(_) => MAX_FLOAT,
        };
        self.len += self.fixed + labels + value;
    }
}

/// A label with the comma before it, the equals sign, the quotes and its escapes.
fn label_len(name: &str, value: &str) -> usize {
    let escapes = memchr3_iter(b'\\', b'"', b'\n', value.as_bytes()).count();
    name.len() + value.len() + escapes + 4
}
