//! The schedule of a target's polls. Pure functions.

use std::{hash::BuildHasher as _, time::Duration};

use foldhash::quality::FixedState;
use tokio::time::Instant;

use crate::model::TargetId;

/// The start times of a target's polls.
///
/// The first poll starts soon. Later polls start at a fixed offset within the interval, a hash of the target's
/// identity. The offset is the same after a reload, a restart or a move to another process, and it spreads targets
/// over the interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    first: Instant,
    /// Any start time, before or after now.
    anchor: Instant,
    interval: Duration,
}

impl Schedule {
    /// Creates a schedule whose first poll starts at `first`. `wall_clock` is the time since the Unix epoch at `now`.
    pub fn new(
        id: &TargetId,
        interval: Duration,
        first: Instant,
        now: Instant,
        wall_clock: Duration,
    ) -> Self {
        let interval = interval.max(Duration::from_nanos(1));
        let (offset, elapsed) = (hash(id) % interval.as_nanos(), wall_clock.as_nanos() % interval.as_nanos());
        // Time until the wall clock reaches the offset within the interval.
        let wait = remainder(offset + interval.as_nanos() - elapsed, interval);
        Self { first, anchor: now + wait, interval }
    }

    /// Start of the first poll.
    pub fn first(&self) -> Instant {
        self.first
    }

    /// The next start time after `now`. Skips start times that a long poll has missed, and those less than half an
    /// interval after the first poll.
    pub fn next_after(&self, now: Instant) -> Instant {
        if now < self.first {
            return self.first;
        }
        let earliest = self.first + self.interval / 2;
        if now < earliest { self.slot_after(earliest) } else { self.slot_after(now) }
    }

    fn slot_after(&self, now: Instant) -> Instant {
        let Some(late) = now.checked_duration_since(self.anchor) else {
            // The anchor is less than an interval after the start.
            return self.anchor;
        };
        now + self.interval.saturating_sub(remainder(late.as_nanos(), self.interval))
    }
}

fn hash(id: &TargetId) -> u128 {
    // The seed is fixed, because the offset must be the same in every process.
    u128::from(FixedState::default().hash_one(id))
}

fn remainder(nanos: u128, interval: Duration) -> Duration {
    Duration::from_nanos(u64::try_from(nanos % interval.as_nanos()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);
    const WALL_CLOCK: Duration = Duration::from_secs(1_700_000_000);

    fn id(namespace: &str) -> TargetId {
        TargetId {
            workspace: "w".into(),
            namespace: namespace.into(),
            collector: "deployments",
            selection: String::new(),
        }
    }

    fn offset(id: &TargetId, interval: Duration, start: Instant, wall_clock: Duration) -> Duration {
        let schedule = Schedule::new(id, interval, start, start, wall_clock);
        let slot = schedule.next_after(start + 10 * interval);
        remainder((wall_clock + (slot - start)).as_nanos(), interval)
    }

    #[tokio::test(start_paused = true)]
    async fn the_offset_depends_on_the_identity_alone() {
        let (start, target) = (Instant::now(), id("n"));
        let expected = offset(&target, MINUTE, start, WALL_CLOCK);
        for seconds in [1, 17, 59, 60, 3601] {
            let later = Duration::from_secs(seconds);
            assert_eq!(offset(&target, MINUTE, start + later, WALL_CLOCK + later), expected);
            assert_eq!(offset(&target, MINUTE, start, WALL_CLOCK + later), expected, "another start");
        }
        assert_ne!(offset(&id("m"), MINUTE, start, WALL_CLOCK), expected);
    }

    #[tokio::test(start_paused = true)]
    async fn targets_are_spread_evenly_over_the_interval() {
        let start = Instant::now();
        let mut per_quarter = [0; 4];
        for number in 0..4000 {
            let offset = offset(&id(&format!("namespace-{number}")), MINUTE, start, WALL_CLOCK);
            per_quarter[usize::try_from(offset.as_secs() / 15).unwrap()] += 1;
        }
        assert!(per_quarter.iter().all(|count| (900..1100).contains(count)), "{per_quarter:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn polls_are_an_interval_apart_once_the_first_is_over() {
        let start = Instant::now();
        for number in 0..100 {
            let target = id(&format!("namespace-{number}"));
            let schedule = Schedule::new(&target, MINUTE, start, start, WALL_CLOCK);
            let second = schedule.next_after(schedule.first());
            let gap = second - schedule.first();
            assert!((MINUTE / 2..=MINUTE * 3 / 2).contains(&gap), "{gap:?}");
            let third = schedule.next_after(second);
            assert_eq!(third - second, MINUTE);
            assert_eq!(schedule.next_after(third) - third, MINUTE);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_poll_longer_than_the_interval_skips_the_missed_polls() {
        let start = Instant::now();
        let schedule = Schedule::new(&id("n"), MINUTE, start, start, WALL_CLOCK);
        let second = schedule.next_after(start);
        assert_eq!(schedule.next_after(second + Duration::from_secs(59)), second + MINUTE);
        assert_eq!(schedule.next_after(second + Duration::from_secs(61)), second + 2 * MINUTE);
        assert_eq!(schedule.next_after(second + Duration::from_secs(200)), second + 4 * MINUTE);
        assert_eq!(schedule.next_after(start - Duration::from_millis(1)), start);
    }
}
