//! Escapes in JSON strings.

use crate::simd::{BLOCK, block, equal, set_bits};

/// Bytes copied at once.
const COPIED: usize = 16;

/// The text of a JSON string with `inner` between its quotes. `None` if that is not a JSON string, or contains a lone
/// surrogate.
#[must_use]
pub fn unescape(inner: &str) -> Option<String> {
    serde_json::from_str(&format!("\"{inner}\"")).ok()
}

/// The same where `inner` is known to be between quotes.
pub(super) fn unescape_valid(inner: &str) -> Option<String> {
    let mut memory = Vec::new();
    // `\uXXXX` escapes and surrogate pairs are rare; leave them to serde_json.
    let Some(length) = unescape_times(inner, 1, &mut memory).map(str::len) else { return unescape(inner) };
    memory.truncate(length);
    String::from_utf8(memory).ok()
}

/// The text of JSON that was escaped as often as its first quote shows: `{\"a\":1}` once, `{\\\"a\\\":1}` twice. `None` if
/// that is more than `max_depth` times, is ambiguous, or if the text has `\u` escapes.
///
/// All layers are removed in one pass: a document of a thousand bytes, a tenth of them escapes, may be in each object of
/// a reply.
pub(super) fn unescape_json<'m>(inner: &str, max_depth: u32, memory: &'m mut Vec<u8>) -> Option<&'m str> {
    let before = &inner[..inner.find('"')?];
    let length = 1 + before.len() - before.trim_end_matches('\\').len();
    let times = length.is_power_of_two().then(|| length.trailing_zeros())?;
    if (1..=max_depth).contains(&times) { unescape_times(inner, times, memory) } else { None }
}

/// Removes `times` layers of escapes from `inner`, which is between quotes. Each layer doubled the backslashes. `None` if
/// `inner` was not escaped that often, or if it has `\u` escapes.
pub(super) fn unescape_times<'m>(inner: &str, times: u32, memory: &'m mut Vec<u8>) -> Option<&'m str> {
    let text = inner.as_bytes();
    // Escapes only make it shorter.
    memory.resize(memory.len().max(text.len() + COPIED), 0);
    let (mut from, mut to) = (0, 0);
    let mut carry = 0;
    for at in (0..text.len()).step_by(BLOCK) {
        let backslashes = equal(&block(text, at), b'\\');
        let begins = backslashes & !(backslashes << 1 | carry);
        carry = backslashes >> (BLOCK - 1);
        for bit in set_bits(begins) {
            let end = at + bit;
            // Most pieces are short: copying a fixed length is faster, and what is too much is overwritten.
            match text[from..].first_chunk::<COPIED>() {
                Some(piece) if end - from <= COPIED => memory[to..to + COPIED].copy_from_slice(piece),
                _ => memory[to..to + end - from].copy_from_slice(&text[from..end]),
            }
            to += end - from;
            let mut count = (!(backslashes >> bit)).trailing_zeros() as usize;
            if bit + count == BLOCK {
                count += text[at + BLOCK..].iter().take_while(|byte| **byte == b'\\').count();
            }
            from = end + count;
            let (left, byte) = unescape_one(count, text.get(from).copied(), times)?;
            if left > 0 {
                memory[to..to + left].fill(b'\\');
                to += left;
            }
            if let Some(byte) = byte {
                memory[to] = byte;
                (from, to) = (from + 1, to + 1);
            }
        }
    }
    let rest = &text[from..];
    memory[to..to + rest.len()].copy_from_slice(rest);
    std::str::from_utf8(&memory[..to + rest.len()]).ok()
}

/// The backslashes left of `count`, and what the byte after them becomes.
#[inline]
fn unescape_one(mut count: usize, mut byte: Option<u8>, times: u32) -> Option<(usize, Option<u8>)> {
    if byte == Some(b'"') && count + 1 == 1 << times {
        return Some((0, byte));
    }
    for _ in 0..times {
        if count % 2 == 1 {
            byte = Some(match byte? {
                byte @ (b'"' | b'/') => byte,
                b'b' => 8,
                b'f' => 12,
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                _ => return None,
            });
        } else if byte.is_some_and(|byte| byte == b'"' || byte < b' ') {
            return None;
        }
        count /= 2;
    }
    Some((count, byte))
}
