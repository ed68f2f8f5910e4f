//! What could not be read, counted.

use std::collections::BTreeMap;

/// The values of one listing that could not be read, by field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InvalidValues(BTreeMap<&'static str, InvalidField>);

/// The unreadable values of one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidField {
    /// How many there were.
    pub count: u64,
    /// The id of the first deployment that had one; empty if that is what could not be read.
    pub deployment_id: Box<str>,
}

impl InvalidValues {
    pub(super) fn add(&mut self, field: &'static str, deployment_id: &str) {
        self.0
            .entry(field)
            .or_insert_with(|| InvalidField { count: 0, deployment_id: deployment_id.into() })
            .count += 1;
    }

    /// Adds `other`'s counts.
    pub fn merge(&mut self, other: Self) {
        for (field, invalid) in other.0 {
            match self.0.get_mut(field) {
                Some(known) => known.count += invalid.count,
                None => {
                    self.0.insert(field, invalid);
                }
            }
        }
    }

    /// Each field that had any.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &InvalidField)> {
        self.0.iter().map(|(field, invalid)| (*field, invalid))
    }
}
