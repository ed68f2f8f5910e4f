//! What successive listings say of one object.

use serde::{Deserialize, Serialize};

/// Consecutive successful listings without an object after which it is gone.
const MISSES_UNTIL_GONE: u32 = 2;

/// Whether an object exists and runs, by the successful listings so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Presence {
    /// Consecutive listings that lacked the object.
    misses: u32,
    /// Whether the last listing contained it in a state in which nothing runs.
    was_stopped: bool,
    stopped: bool,
}

impl Presence {
    /// Of an object that a listing contained for the first time.
    pub(super) fn first(stopped: bool) -> Self {
        Self { misses: 0, was_stopped: stopped, stopped }
    }

    /// Of an object that is known from elsewhere, and not from a listing.
    pub(super) fn unlisted() -> Self {
        Self { misses: 1, was_stopped: false, stopped: false }
    }

    /// The same without what is known of its state.
    pub(super) fn without_state(self) -> Self {
        Self { was_stopped: false, stopped: false, ..self }
    }

    /// A listing contained it. It takes two listings in a row to stop it, and one to start it.
    pub(super) fn seen(&mut self, stopped: bool) {
        *self =
            Self { misses: 0, was_stopped: stopped, stopped: stopped && (self.stopped || self.was_stopped) };
    }

    /// A listing lacked it.
    pub(super) fn missed(&mut self) {
        self.misses = self.misses.saturating_add(1);
        self.was_stopped = false;
    }

    /// Whether the last listing lacked it.
    pub(super) fn is_missing(self) -> bool {
        self.misses > 0
    }

    /// Whether listings lacked it for long enough.
    pub(super) fn is_gone(self) -> bool {
        self.misses >= MISSES_UNTIL_GONE
    }

    /// Whether it is in a state in which nothing runs.
    pub(super) fn is_stopped(self) -> bool {
        self.stopped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_listings_in_a_row_stop_an_object_and_one_starts_it() {
        let mut presence = Presence::first(false);
        presence.seen(true);
        assert!(!presence.is_stopped());
        presence.seen(false);
        presence.seen(true);
        presence.missed();
        presence.seen(true);
        assert!(!presence.is_stopped(), "not in a row");
        presence.seen(true);
        assert!(presence.is_stopped());
        presence.missed();
        assert!(presence.is_stopped(), "a listing that lacks it says nothing of its state");
        presence.seen(true);
        assert!(presence.is_stopped());
        presence.seen(false);
        assert!(!presence.is_stopped());
        assert!(Presence::first(true).is_stopped(), "as it was found");
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
