//! Escapes in JSON strings.

use super::blocks::{BLOCK, block, equal, places};

/// So many bytes are copied at once.
const COPIED: usize = 16;

/// The text of a JSON string, of which `inner` is said to stand between the quotes; nothing if it can't stand there, or
/// holds half a surrogate pair.
pub(in crate::api) fn unescape(inner: &str) -> Option<String> {
    serde_json::from_str(&format!("\"{inner}\"")).ok()
}

/// The same where `inner` is known to stand between quotes.
pub(super) fn unescape_valid(inner: &str) -> Option<String> {
    let mut memory = Vec::new();
    // Escapes by number, surrogates among them, are an art of their own, and rare.
    let Some(length) = unescape_times(inner, 1, &mut memory).map(str::len) else { return unescape(inner) };
    memory.truncate(length);
    String::from_utf8(memory).ok()
}

/// The text of JSON that was escaped as often as its first quote tells: `{\"a\":1}` once, `{\\\"a\\\":1}` twice. Nothing
/// where that is more than `most`, can't be told, or can't be undone so easily.
///
/// A resource plan is a text of a thousand bytes, of which each tenth is an escape, and may stand in each deployment. So
/// all its escapes are undone at once.
pub(super) fn unescape_json<'m>(inner: &str, most: u32, memory: &'m mut Vec<u8>) -> Option<&'m str> {
    let before = &inner[..inner.find('"')?];
    let length = 1 + before.len() - before.trim_end_matches('\\').len();
    let times = length.is_power_of_two().then(|| length.trailing_zeros())?;
    if (1..=most).contains(&times) { unescape_times(inner, times, memory) } else { None }
}

/// Undoes so many escapings of `inner`, which stands between quotes; each of them doubled the backslashes there were.
/// Nothing where it can't have been escaped so often, or where there is an escape by number.
pub(super) fn unescape_times<'m>(inner: &str, times: u32, memory: &'m mut Vec<u8>) -> Option<&'m str> {
    let text = inner.as_bytes();
    // Escapes only make it shorter.
    memory.resize(memory.len().max(text.len() + COPIED), 0);
    let (mut from, mut to) = (0, 0);
    let mut goes_on = 0;
    for at in (0..text.len()).step_by(BLOCK) {
        let backslashes = equal(&block(text, at), b'\\');
        let begins = backslashes & !(backslashes << 1 | goes_on);
        goes_on = backslashes >> (BLOCK - 1);
        for place in places(begins) {
            let end = at + place;
            // Most pieces are short: of them too much is copied, and overwritten.
            match text[from..].first_chunk::<COPIED>() {
                Some(piece) if end - from <= COPIED => memory[to..to + COPIED].copy_from_slice(piece),
                _ => memory[to..to + end - from].copy_from_slice(&text[from..end]),
            }
            to += end - from;
            let mut count = (!(backslashes >> place)).trailing_zeros() as usize;
            if place + count == BLOCK {
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

/// What becomes of `count` backslashes and the byte behind them.
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
