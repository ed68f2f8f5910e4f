//! The age at which data that no poll has renewed expires. Pure functions.

use std::time::Duration;

/// Number of poll intervals after which data is withdrawn, if `poll.stale_after` is shorter.
const EXPIRE_AFTER_INTERVALS: u32 = 3;

/// The age at which data is withdrawn: the greater of `poll.stale_after` and three poll intervals.
pub fn expire_after(stale_after: Duration, interval: Duration) -> Duration {
    stale_after.max(interval.saturating_mul(EXPIRE_AFTER_INTERVALS))
}

/// The age at which answers for jobs are withdrawn. `round` is the duration of the current or the last round of requests.
/// If it is longer than the poll interval, answers get as old as a round takes.
pub(super) fn expire_answers_after(expire_after: Duration, interval: Duration, round: Duration) -> Duration {
    if round > interval {
        expire_after.max(round.saturating_mul(EXPIRE_AFTER_INTERVALS))
    } else {
        expire_after
    }
}
