//! `metrics.first_value_hold`: a counter whose series begin keeps its first value for a while.
//!
//! Prometheus has no sample before the first one. An increase between the start of a series and its first scrape is
//! therefore lost to `increase()`. So the first value is served until every Prometheus server has scraped it, and what
//! was counted meanwhile is added by the first poll after that.

use std::time::Duration;

use tokio::time::Instant;

/// Until when a counter keeps its first value; none if it does not keep it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct FirstValueHold(Option<Instant>);

impl FirstValueHold {
    /// The hold of a counter whose series begin at `now`.
    pub(super) fn begin(now: Instant, first_value_hold: Duration) -> Self {
        Self(Some(now + first_value_hold))
    }

    /// Whether the counter still keeps its first value at `now`.
    pub(super) fn is_active(self, now: Instant) -> bool {
        self.0.is_some_and(|until| until > now)
    }

    /// The hold after a poll that ended at `now`. `begins` is whether the series of the counter begin with this poll.
    pub(super) fn after_poll(self, begins: bool, now: Instant, first_value_hold: Duration) -> Self {
        if begins {
            Self::begin(now, first_value_hold)
        } else if self.is_active(now) {
            self
        } else {
            Self::default()
        }
    }

    /// Whether there is no hold: the counter serves all that was observed.
    pub(super) fn is_none(self) -> bool {
        self.0.is_none()
    }

    /// None if `self` is none, otherwise `other`.
    pub(super) fn and(self, other: Self) -> Self {
        Self(self.0.and(other.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_first_value_is_kept_until_a_poll_after_the_hold() {
        let (start, minute) = (Instant::now(), Duration::from_secs(60));
        let begun = FirstValueHold::default().after_poll(true, start, 2 * minute);
        assert!(begun.is_active(start + minute) && !begun.is_active(start + 2 * minute));
        let kept = begun.after_poll(false, start + minute, 2 * minute);
        assert_eq!(kept, begun, "a poll before the end of the hold changes nothing");
        assert!(kept.after_poll(false, start + 2 * minute, 2 * minute).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_minimum_the_first_value_is_kept_until_the_next_poll() {
        let start = Instant::now();
        let begun = FirstValueHold::default().after_poll(true, start, Duration::ZERO);
        assert!(!begun.is_none());
        assert!(begun.after_poll(false, start, Duration::ZERO).is_none());
    }
}
