//! When a target's polls are due. Pure.

use std::time::Duration;

use tokio::time::Instant;

/// The due times of one target among the targets of its workspace.
///
/// After a start every target is polled soon, no faster than the workspace's rate allows; from the second poll on,
/// the targets are spread evenly over the interval.
#[derive(Debug, Clone, Copy)]
pub struct Schedule {
    first: Instant,
    second: Instant,
    interval: Duration,
}

impl Schedule {
    /// The schedule of the target number `index` of `count`, from `start` on.
    pub fn new(start: Instant, interval: Duration, index: usize, count: usize, per_second: f64) -> Self {
        let share = |index: usize| interval.mul_f64(index as f64 / count.max(1) as f64);
        let at_full_rate = Duration::try_from_secs_f64(index as f64 / per_second).unwrap_or(interval);
        Self { first: start + at_full_rate.min(share(index)), second: start + share(index + 1), interval }
    }

    /// The first poll.
    pub fn first(&self) -> Instant {
        self.first
    }

    /// The first due time after `now`: what a long poll missed is not made up for.
    pub fn next_after(&self, now: Instant) -> Instant {
        if now < self.first {
            return self.first;
        }
        let Some(late) = now.checked_duration_since(self.second) else { return self.second };
        let periods = late.as_nanos() / self.interval.as_nanos().max(1) + 1;
        let periods = u32::try_from(periods).unwrap_or(u32::MAX);
        self.second + self.interval.saturating_mul(periods)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn seconds(schedule: Schedule, start: Instant, polls: usize) -> Vec<u64> {
        let mut due = schedule.first();
        let mut times = Vec::new();
        for _ in 0..polls {
            times.push((due - start).as_secs());
            due = schedule.next_after(due);
        }
        times
    }

    #[tokio::test(start_paused = true)]
    async fn targets_start_soon_and_spread_over_the_interval() {
        let start = Instant::now();
        let of = |index| seconds(Schedule::new(start, MINUTE, index, 3, 10.0), start, 4);
        assert_eq!(of(0), [0, 20, 80, 140]);
        assert_eq!(of(1), [0, 40, 100, 160]);
        assert_eq!(of(2), [0, 60, 120, 180]);
    }

    #[tokio::test(start_paused = true)]
    async fn many_targets_do_not_start_faster_than_the_rate_or_later_than_the_interval() {
        let start = Instant::now();
        let first = |index, count| Schedule::new(start, MINUTE, index, count, 10.0).first() - start;
        assert_eq!(first(99, 100), Duration::from_secs_f64(9.9));
        assert_eq!(first(999, 1000), Duration::from_secs_f64(59.94));
    }

    #[tokio::test(start_paused = true)]
    async fn a_poll_that_took_longer_than_the_interval_skips_what_it_missed() {
        let start = Instant::now();
        let schedule = Schedule::new(start, MINUTE, 0, 1, 10.0);
        assert_eq!(schedule.next_after(start + Duration::from_secs(61)) - start, 2 * MINUTE);
        assert_eq!(schedule.next_after(start + Duration::from_secs(200)) - start, 4 * MINUTE);
        assert_eq!(schedule.next_after(start + MINUTE) - start, 2 * MINUTE);
    }
}
