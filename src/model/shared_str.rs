//! Interned strings.

use std::sync::Arc;

/// A string that many objects share, such as the name of an engine version.
pub type SharedStr = Arc<str>;

/// The longest prefix of `text` of at most `most` bytes that ends at a character boundary.
pub fn prefix(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|&end| text.is_char_boundary(end));
    &text[..end.unwrap_or_default()]
}
