//! A part of a list.

use serde_json::Value;

/// Rendered objects, and how many there are in total.
pub(crate) struct Listing {
    pub(crate) total: usize,
    pub(crate) data: Vec<Value>,
}
