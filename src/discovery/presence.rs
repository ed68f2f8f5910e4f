//! The presence of a workspace or namespace in successive listings: when it is removed, and when it is not polled because of
//! its state.

use serde::{Deserialize, Serialize};

/// Values of `ClusterStatus` in which nothing can run.
/// Source: `DescribeInstances`, read in November 2026,
/// <https://next.api.alibabacloud.com/api/foasconsole/2021-10-28/DescribeInstances>.
pub(super) const NOT_RUNNING_WORKSPACE_STATES: [&str; 4] = ["CREATING", "DISABLE", "DELETING", "DELETED"];

/// Values of a namespace's `Status` in which nothing can run.
/// Source: `DescribeNamespaces`, read in November 2026,
/// <https://next.api.alibabacloud.com/api/foasconsole/2021-10-28/DescribeNamespaces>.
pub(super) const NOT_RUNNING_NAMESPACE_STATES: [&str; 2] = ["CREATING", "DELETING"];

/// Number of consecutive successful listings without an object after which it is removed.
const MAX_MISSES: u32 = 2;

/// Whether an object exists and can run jobs, according to successful listings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Presence {
    /// Consecutive listings that lacked the object.
    misses: u32,
    /// Whether the last listing contained it in a state in which nothing runs.
    was_not_running: bool,
    not_running: bool,
}

impl Presence {
    /// An object in its first listing.
    pub(super) fn first(not_running: bool) -> Self {
        Self { misses: 0, was_not_running: not_running, not_running }
    }

    /// An object that is known, but not from a listing.
    pub(super) fn unlisted() -> Self {
        Self { misses: 1, was_not_running: false, not_running: false }
    }

    /// The same presence without the state.
    pub(super) fn without_state(self) -> Self {
        Self { was_not_running: false, not_running: false, ..self }
    }

    /// Records a listing with the object. The object stops running after two such listings in a row, and runs again
    /// after one.
    pub(super) fn seen(&mut self, not_running: bool) {
        *self = Self {
            misses: 0,
            was_not_running: not_running,
            not_running: not_running && (self.not_running || self.was_not_running),
        };
    }

    /// Records a listing without the object.
    pub(super) fn missed(&mut self) {
        self.misses = self.misses.saturating_add(1);
        self.was_not_running = false;
    }

    /// Whether the last listing lacked it.
    pub(super) fn is_missing(self) -> bool {
        self.misses > 0
    }

    /// Whether enough consecutive listings lacked it.
    pub(super) fn is_gone(self) -> bool {
        self.misses >= MAX_MISSES
    }

    /// Whether it is in a state in which nothing runs.
    pub(super) fn is_not_running(self) -> bool {
        self.not_running
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_listings_in_a_row_stop_an_object_and_one_starts_it() {
        let mut presence = Presence::first(false);
        presence.seen(true);
        assert!(!presence.is_not_running());
        presence.seen(false);
        presence.seen(true);
        presence.missed();
        presence.seen(true);
        assert!(!presence.is_not_running(), "not in a row");
        presence.seen(true);
        assert!(presence.is_not_running());
        presence.missed();
        assert!(presence.is_not_running(), "a listing that lacks it says nothing of its state");
        presence.seen(true);
        assert!(presence.is_not_running());
        presence.seen(false);
        assert!(!presence.is_not_running());
        assert!(Presence::first(true).is_not_running(), "as it was found");
    }

    #[test]
    fn an_object_is_gone_after_two_listings_in_a_row_without_it() {
        let mut presence = Presence::first(false);
        presence.missed();
        assert!(presence.is_missing() && !presence.is_gone());
        presence.seen(false);
        assert!(!presence.is_missing());
        presence.missed();
        assert!(!presence.is_gone());
        presence.missed();
        assert!(presence.is_gone());
    }
}
