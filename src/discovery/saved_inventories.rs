//! The saved form of discovery's inventories.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Inventory;

/// The inventories of all entries, by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SavedInventories(BTreeMap<String, SavedEntry>);

/// The saved state of one entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct SavedEntry {
    pub(super) region: String,
    pub(super) inventory: Inventory,
}

impl SavedInventories {
    pub(super) fn new(entries: impl Iterator<Item = (String, SavedEntry)>) -> Self {
        Self(entries.collect())
    }

    pub(super) fn take(&mut self, name: &str) -> Option<SavedEntry> {
        self.0.remove(name)
    }

    /// Encodes as keys (names) and values (JSON).
    pub fn to_entries(&self) -> BTreeMap<Vec<u8>, Vec<u8>> {
        // Serialization cannot fail: all keys of maps are strings.
        let entry = |(name, entry): (&String, &SavedEntry)| {
            Some((name.clone().into_bytes(), serde_json::to_vec(entry).ok()?))
        };
        self.0.iter().filter_map(entry).collect()
    }

    /// Decodes keys and values. Also returns the number of invalid ones.
    pub fn from_entries(entries: BTreeMap<Vec<u8>, Vec<u8>>) -> (Self, usize) {
        let total = entries.len();
        let entry = |(name, entry): (Vec<u8>, Vec<u8>)| {
            Some((String::from_utf8(name).ok()?, serde_json::from_slice(&entry).ok()?))
        };
        let readable: BTreeMap<_, _> = entries.into_iter().filter_map(entry).collect();
        let unreadable = total - readable.len();
        (Self(readable), unreadable)
    }
}
