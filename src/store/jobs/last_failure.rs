//! The most recent failure of a deployment's jobs. An older answer never replaces a newer failure.

use std::cmp::Ordering;

use crate::model::{FailureMessage, Job, LastFailure};

/// Change of the message of the last failure.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::store) enum MessageChange {
    Keep,
    Replace(Option<FailureMessage>),
}

/// Updates the last failure from `jobs`, unless the known failure is more recent.
pub(super) fn update_last_failure(known: &mut Option<LastFailure>, jobs: &[Job]) -> MessageChange {
    let failures = jobs.iter().filter_map(|job| Some((LastFailure::of(job)?, job)));
    let last = failures.max_by(|(one, _), (other, _)| order(one, other));
    let Some((failure, job)) = last else { return MessageChange::Keep };
    if known.as_ref().is_some_and(|known| known.time > failure.time) {
        return MessageChange::Keep;
    }
    *known = Some(failure);
    MessageChange::Replace(job.failure.as_ref().and_then(|failure| failure.message.clone()))
}

/// Orders failures by time.
fn order(one: &LastFailure, other: &LastFailure) -> Ordering {
    let by_time = one.time.partial_cmp(&other.time).unwrap_or(Ordering::Equal);
    by_time.then_with(|| one.job_id.cmp(&other.job_id))
}
