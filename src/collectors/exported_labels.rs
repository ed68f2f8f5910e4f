//! Export of user-defined labels and tags as labels of metrics.

use crate::{
    exposition::{SampleWriter, label_names},
    model::{LabelKeys, SharedStr},
};

/// Selects the exported labels of an object and their names.
#[derive(Debug)]
pub struct ExportedLabels {
    prefix: &'static str,
    keys: ExportedKeys,
}

#[derive(Debug)]
enum ExportedKeys {
    /// These keys with their names. A label is empty if an object does not have it.
    Listed(Vec<(String, String)>),
    /// All labels of an object.
    All,
}

impl ExportedLabels {
    /// The deployment labels with these keys.
    pub fn new(keys: &LabelKeys) -> Self {
        Self::with_prefix("label_", keys)
    }

    /// The labels with these keys. Their names begin with `prefix`.
    pub fn with_prefix(prefix: &'static str, keys: &LabelKeys) -> Self {
        let keys = match keys {
            LabelKeys::All => ExportedKeys::All,
            LabelKeys::Listed(keys) => {
                let names = label_names(prefix, &keys.iter().map(String::as_str).collect::<Vec<_>>());
                ExportedKeys::Listed(keys.iter().cloned().zip(names).collect())
            }
        };
        Self { prefix, keys }
    }

    /// Writes a sample with the exported labels of an object.
    pub fn write(&self, labels: &[(SharedStr, SharedStr)], samples: &mut SampleWriter<'_>) {
        match &self.keys {
            ExportedKeys::Listed(keys) if keys.is_empty() => {}
            ExportedKeys::Listed(keys) => {
                let labels: Vec<(&str, &str)> =
                    keys.iter().map(|(key, name)| (name.as_str(), value_of(labels, key))).collect();
                samples.integer(labels.as_slice(), Some(1));
            }
            ExportedKeys::All => {
                let keys: Vec<&str> = labels.iter().map(|(key, _)| &**key).collect();
                let names = label_names(self.prefix, &keys);
                let values = labels.iter().map(|(_, value)| &**value);
                let labels: Vec<(&str, &str)> = names.iter().map(String::as_str).zip(values).collect();
                samples.integer(labels.as_slice(), Some(1));
            }
        }
    }
}

fn value_of<'l>(labels: &'l [(SharedStr, SharedStr)], key: &str) -> &'l str {
    labels.iter().find(|(known, _)| &**known == key).map_or("", |(_, value)| value)
}
