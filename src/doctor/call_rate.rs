//! Numbers of calls in a day.

use std::time::Duration;

pub(super) const DAY: Duration = Duration::from_secs(86_400);

/// How often something happens in a day that happens once in each interval.
pub(super) fn per_day(interval: Duration) -> f64 {
    DAY.as_secs_f64() / interval.as_secs_f64()
}
