//! Calls per day.

use std::time::Duration;

pub(super) const DAY: Duration = Duration::from_secs(86_400);

/// The number of calls per day at one call per interval.
pub(super) fn per_day(interval: Duration) -> f64 {
    DAY.as_secs_f64() / interval.as_secs_f64()
}
