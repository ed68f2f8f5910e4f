//! Text that repeats.

use std::sync::Arc;

/// A text that many deployments share.
pub type Text = Arc<str>;

/// The first `most` bytes of `text` at most, cut at a character boundary.
pub fn prefix(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|&end| text.is_char_boundary(end));
    &text[..end.unwrap_or_default()]
}
