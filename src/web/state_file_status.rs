//! The state of the state file, for people and the JSON API.

use std::{sync::Arc, time::Duration};

use crate::store::Store;

/// Whether the state is saved.
#[derive(Debug, Clone)]
pub(super) struct StateFileStatus {
    /// Whether everything that was to be saved has been saved.
    pub(super) healthy: bool,
    /// Why it has not; names the file, the reason and the remedy.
    pub(super) problem: Option<Arc<str>>,
    /// The time of the last save, since the Unix epoch.
    pub(super) last_save: Option<Duration>,
}

impl StateFileStatus {
    /// The state file of `store`; none if the state is not persisted.
    pub(super) fn of(store: &Store) -> Option<Self> {
        let file = store.state_file()?;
        Some(Self { healthy: file.healthy(), problem: file.problem(), last_save: file.last_save() })
    }
}
