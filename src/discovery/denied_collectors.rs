//! Collectors whose RAM action is denied in a workspace. If they are enabled only by default, they are switched off there.

use std::collections::BTreeSet;

use tracing::info;

use super::entry_state::EntryState;
use crate::{collectors, model::CollectorName};

/// The collectors that were denied in a workspace and have never succeeded there.
#[derive(Debug, Default)]
pub(super) struct DeniedCollectors {
    denied: BTreeSet<(CollectorName, String)>,
    /// The entries and collectors whose denial was logged.
    logged: BTreeSet<(String, CollectorName)>,
}

impl DeniedCollectors {
    /// Adds a denied collector. Returns whether it is new.
    pub(super) fn insert(&mut self, collector: CollectorName, workspace: &str) -> bool {
        self.denied.insert((collector, workspace.to_owned()))
    }

    /// Whether a poll of the collector was denied in the workspace.
    pub(super) fn contains(&self, collector: CollectorName, workspace: &str) -> bool {
        self.denied.contains(&(collector, workspace.to_owned()))
    }

    /// Logs a denial once for each entry and collector.
    pub(super) fn log_once(&mut self, entry: &str, collector: CollectorName, workspace: &str) {
        if self.logged.insert((entry.to_owned(), collector)) {
            info!(
                discovery = entry,
                collector,
                workspace,
                "collector switched off: its RAM action is denied (logged once for each entry and collector)"
            );
        }
    }
}

impl EntryState {
    /// Whether a listing of discovery was denied that `collector` needs in `workspace`.
    pub(super) fn denies(&self, collector: CollectorName, workspace: &str) -> bool {
        match collector {
            collectors::workspaces::NAME => self.instances_denied,
            collectors::namespaces::NAME => {
                self.instances_denied || self.namespaces_denied || self.denied_workspaces.contains(workspace)
            }
            _ => false,
        }
    }
}
