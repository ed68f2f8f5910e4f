//! Escapes in JSON strings.

use std::borrow::Cow;

/// The text of a JSON string, of which `inner` is what stands between its quotes; nothing if it can't stand there,
/// or holds half a surrogate pair.
///
/// A resource plan is a text of a thousand bytes, of which each tenth is an escape, escaped twice; there may be one in
/// each deployment. So eight bytes are looked at and copied at a time.
pub(in crate::api) fn unescape(inner: &str) -> Option<Cow<'_, str>> {
    let bytes = inner.as_bytes();
    let mut at = plain_bytes(bytes, 0);
    if at == bytes.len() {
        return Some(Cow::Borrowed(inner));
    }
    // Escapes only make it shorter.
    let mut text = vec![0; bytes.len()];
    text[..at].copy_from_slice(&bytes[..at]);
    let mut end = at;
    while let Some(&byte) = bytes.get(at) {
        text[end] = match bytes.get(at + 1) {
            _ if byte != b'\\' => return None,
            Some(escaped @ (b'"' | b'\\' | b'/')) => *escaped,
            Some(b'b') => 8,
            Some(b'f') => 12,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            // Rare, and with its surrogates an art of its own.
            Some(b'u') => return serde_json::from_str(&format!("\"{inner}\"")).ok().map(Cow::Owned),
            _ => return None,
        };
        (at, end) = (at + 2, end + 1);
        if bytes.get(at) == Some(&b'\\') {
            continue;
        }
        while let Some(lanes) = lanes(bytes, at) {
            // What is copied too much is overwritten.
            text[end..end + LANES].copy_from_slice(&lanes.to_le_bytes());
            let plain = plain_lanes(lanes);
            (at, end) = (at + plain, end + plain);
            if plain < LANES {
                break;
            }
        }
        while let Some(&byte) = bytes.get(at).filter(|byte| is_plain(**byte)) {
            text[end] = byte;
            (at, end) = (at + 1, end + 1);
        }
    }
    text.truncate(end);
    String::from_utf8(text).ok().map(Cow::Owned)
}

/// So many bytes are looked at together.
const LANES: usize = size_of::<u64>();

/// The bytes from `at` on, the first of them the lowest.
fn lanes(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|chunk| u64::from_le_bytes(*chunk))
}

/// How many of them stand before the first that is an escape, a quote or a control character.
fn plain_lanes(lanes: u64) -> usize {
    const ONES: u64 = u64::MAX / 0xff;
    const HIGH: u64 = ONES << 7;
    // The lowest lane that a subtraction borrows from is one that is less, and the others don't matter.
    let below = |lanes: u64, limit: u8| lanes.wrapping_sub(ONES * u64::from(limit)) & !lanes;
    let quote = below(lanes ^ (ONES * u64::from(b'"')), 1);
    let backslash = below(lanes ^ (ONES * u64::from(b'\\')), 1);
    let found = (quote | backslash | below(lanes, b' ')) & HIGH;
    found.trailing_zeros() as usize / 8
}

fn is_plain(byte: u8) -> bool {
    !matches!(byte, b'\\' | b'"' | ..b' ')
}

/// How many bytes stand from `at` on before the first that is an escape, a quote or a control character.
pub(super) fn plain_bytes(bytes: &[u8], at: usize) -> usize {
    let mut end = at;
    while let Some(lanes) = lanes(bytes, end) {
        let plain = plain_lanes(lanes);
        end += plain;
        if plain < LANES {
            return end - at;
        }
    }
    while bytes.get(end).is_some_and(|byte| is_plain(*byte)) {
        end += 1;
    }
    end - at
}
