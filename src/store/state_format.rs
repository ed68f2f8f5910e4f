//! The contents of the state file that the store keeps, and the format of its keys.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use crate::model::{GroupId, TargetId};

/// Separates the parts of keys. Workspaces, namespaces and selections do not contain it.
pub(super) const SEPARATOR: &str = "\0";

/// Keys and values that the store saves for discovery.
pub type DiscoveryEntries = BTreeMap<Vec<u8>, Vec<u8>>;

/// The id of a deployment and its record; none deletes the record.
pub(super) type Record = (Box<str>, Option<Vec<u8>>);

/// The contents of the state file that the store keeps.
#[derive(Debug, Default)]
pub(super) struct SavedState {
    /// When targets were last polled successfully in an earlier run, as time since the Unix epoch. Used for their
    /// first poll in this run.
    pub(super) polled: HashMap<Vec<u8>, Duration>,
    pub(super) discovery: DiscoveryEntries,
}

impl SavedState {
    /// When the target was last polled successfully in an earlier run, as time since the Unix epoch. None if that run
    /// ended long ago.
    pub(super) fn polled(&self, id: &TargetId) -> Option<Duration> {
        self.polled.get(&target_key(id)).copied()
    }
}

pub(super) fn namespace_key(group: &GroupId) -> Vec<u8> {
    [group.workspace.as_str(), SEPARATOR, &group.namespace].concat().into_bytes()
}

pub(super) fn target_key(id: &TargetId) -> Vec<u8> {
    [id.workspace.as_str(), &id.namespace, id.collector, &id.selection].join(SEPARATOR).into_bytes()
}

/// Splits a key into its parts. The last part may contain the separator.
pub(super) fn parts<const N: usize>(key: &[u8]) -> Option<[&str; N]> {
    let parts: Vec<&str> = std::str::from_utf8(key).ok()?.splitn(N, SEPARATOR).collect();
    parts.try_into().ok()
}
