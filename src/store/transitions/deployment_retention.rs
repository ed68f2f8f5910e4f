//! Retention of the state of deployments that no target returns any more: how long it is kept, and how much of it.

use std::{cmp::Reverse, time::Duration};

/// How long the state of a deployment that no target returns is kept, and that of a namespace that is not a target.
pub(in crate::store) const FORGET_AFTER: Duration = Duration::from_secs(24 * 3600);

/// Maximum number of kept deployments per namespace that no target returns. The oldest are removed first.
const MAX_GONE: usize = 100_000;

/// The deployments to forget: those gone for too long at `now`, and the oldest ones above the limit. `gone` contains
/// deployments with the end of the last poll that returned them, as time since the Unix epoch.
pub(super) fn forgettable<'i>(
    gone: impl Iterator<Item = (Duration, &'i Box<str>)>,
    now: Duration,
) -> Vec<Box<str>> {
    let mut gone: Vec<_> = gone.collect();
    let kept = gone.len().min(MAX_GONE);
    gone.sort_unstable_by_key(|(last_returned, _)| Reverse(*last_returned));
    let too_old = gone.iter().filter(|(last_returned, _)| *last_returned + FORGET_AFTER <= now).count();
    // The oldest are last.
    let remembered = kept.min(gone.len() - too_old);
    gone.into_iter().skip(remembered).map(|(_, id)| id.clone()).collect()
}
