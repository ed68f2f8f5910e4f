//! The layers from which figment merges a configuration.

use figment::{
    Metadata, Profile, Provider,
    value::{Dict, Map, Value},
};
use serde::Serialize;

/// The kind of a layer, by which its values are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A file: its values have types.
    File,
    /// An environment variable: every value is text.
    Environment,
    /// The command line: every value is text.
    Flags,
}

impl Kind {
    const ALL: [Self; 3] = [Self::File, Self::Environment, Self::Flags];

    fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Environment => "environment",
            Self::Flags => "flags",
        }
    }

    pub(crate) fn of(metadata: &Metadata) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == metadata.name)
    }
}

/// The settings of one source, and where each of them is.
pub struct Layer {
    metadata: Metadata,
    settings: Dict,
}

impl Layer {
    /// The settings that `settings` serializes as, without those that are null; none if there is none. `place` is given
    /// the keys of a setting, list indices as decimals.
    pub fn new<F>(kind: Kind, settings: impl Serialize, place: F) -> Option<Self>
    where
        F: Fn(&[&str]) -> String + Clone + Send + Sync + 'static,
    {
        let settings = given(Value::serialize(settings).ok()?)?.into_dict()?;
        Some(Self::of(kind, settings, place))
    }

    pub(crate) fn of<F>(kind: Kind, settings: Dict, place: F) -> Self
    where
        F: Fn(&[&str]) -> String + Clone + Send + Sync + 'static,
    {
        let metadata =
            Metadata::named(kind.name()).interpolater(move |_: &Profile, keys: &[&str]| place(keys));
        Self { metadata, settings }
    }
}

/// The value without what is null. None if nothing is left of a table.
fn given(value: Value) -> Option<Value> {
    match value {
        Value::Empty(..) => None,
        Value::Dict(_, entries) => {
            let entries = entries.into_iter().filter_map(|(key, value)| Some((key, given(value)?)));
            Some(entries.collect::<Dict>()).filter(|entries| !entries.is_empty()).map(Value::from)
        }
        value => Some(value),
    }
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        self.metadata.clone()
    }

    fn data(&self) -> figment::Result<Map<Profile, Dict>> {
        Ok(Profile::Default.collect(self.settings.clone()))
    }
}
