//! The layers from which figment merges a configuration.

use figment::value::{Dict, Map};
use figment::{Metadata, Profile, Provider};

/// The kind of a layer, by which its values are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
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

    pub(super) fn of(metadata: &Metadata) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == metadata.name)
    }
}

/// The settings of one source, and how to tell a person where each of them stands.
pub(super) struct Layer {
    metadata: Metadata,
    settings: Dict,
}

impl Layer {
    /// `place` is given the keys of a setting, list indices as decimals.
    pub(super) fn new<F>(kind: Kind, settings: Dict, place: F) -> Self
    where
        F: Fn(&[&str]) -> String + Clone + Send + Sync + 'static,
    {
        let metadata =
            Metadata::named(kind.name()).interpolater(move |_: &Profile, keys: &[&str]| place(keys));
        Self { metadata, settings }
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
