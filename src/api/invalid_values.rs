//! Counts of values that could not be read.

use std::collections::BTreeMap;

/// The values that could not be read, by operation and field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InvalidValues(BTreeMap<(&'static str, &'static str), InvalidField>);

/// The invalid values of one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidField {
    /// Their number.
    pub count: u64,
    /// The key of the first object that has one; empty if the key itself is invalid.
    pub object_id: Box<str>,
}

impl InvalidValues {
    pub(super) fn add(&mut self, operation: &'static str, field: &'static str, object_id: &str) {
        self.0
            .entry((operation, field))
            .or_insert_with(|| InvalidField { count: 0, object_id: object_id.into() })
            .count += 1;
    }

    /// Adds the counts of `other`.
    pub fn merge(&mut self, other: Self) {
        for (key, invalid) in other.0 {
            match self.0.get_mut(&key) {
                Some(known) => known.count += invalid.count,
                None => {
                    self.0.insert(key, invalid);
                }
            }
        }
    }

    /// The operation, the field and the invalid values, for each field that has any.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &'static str, &InvalidField)> {
        self.0.iter().map(|((operation, field), invalid)| (*operation, *field, invalid))
    }
}
