//! Changes to the file, and what it contains.

use std::{collections::BTreeMap, time::Duration};

/// What each change occupies in the queue besides its key and value.
const CHANGE_OVERHEAD: usize = size_of::<Change>();

/// Changes that are saved in one transaction, in the order in which they were added.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    changes: Vec<Change>,
    size: usize,
}

#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) table: &'static str,
    pub(crate) key: Vec<u8>,
    /// None deletes the key.
    pub(crate) value: Option<Vec<u8>>,
}

impl Batch {
    /// A batch without changes. Saving it records the time.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets `key` in `table` to `value`. A table exists as soon as it has a key.
    pub fn put(&mut self, table: &'static str, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.push(Change { table, key: key.into(), value: Some(value.into()) });
    }

    /// Removes `key` from `table`, if it is there.
    pub fn delete(&mut self, table: &'static str, key: impl Into<Vec<u8>>) {
        self.push(Change { table, key: key.into(), value: None });
    }

    fn push(&mut self, change: Change) {
        self.size += CHANGE_OVERHEAD + change.key.len() + change.value.as_ref().map_or(0, Vec::len);
        self.changes.push(change);
    }

    /// The number of changes.
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    /// Whether there are no changes.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The memory that the batch occupies, in bytes.
    pub fn size(&self) -> usize {
        self.size
    }

    pub(crate) fn changes(&self) -> &[Change] {
        &self.changes
    }
}

/// A key and its value.
pub type Entry = (Vec<u8>, Vec<u8>);

/// What a file contains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    pub(crate) tables: BTreeMap<String, Vec<Entry>>,
    pub(crate) saved_at: Duration,
    pub(crate) format_version: u32,
}

impl Contents {
    /// The keys and values of `table`, sorted by key.
    pub fn table(&self, table: &str) -> &[Entry] {
        self.tables.get(table).map_or(&[], Vec::as_slice)
    }

    /// The time of the last save, since the Unix epoch, by the clock of that time.
    pub fn saved_at(&self) -> Duration {
        self.saved_at
    }

    /// The format version of the owner that wrote the file: the current one or an older one.
    pub fn format_version(&self) -> u32 {
        self.format_version
    }
}
