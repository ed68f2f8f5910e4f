//! Decides whether a deployment is new: created since the target's previous successful poll. All ended jobs of a new
//! deployment count. The ended jobs of other deployments at first sight are history.

use std::time::Duration;

/// Tolerance for the clock difference to the service.
const CREATION_TOLERANCE: Duration = Duration::from_secs(120);

/// Whether a deployment is new. `created` is its `createdAt` in seconds since the Unix epoch, `previous_success` the end
/// of the target's previous successful poll, as time since the Unix epoch.
pub(super) fn is_new(created: Option<f64>, previous_success: Option<Duration>) -> bool {
    let created = created.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let (Some(created), Some(previous)) = (created, previous_success) else { return false };
    created.saturating_add(CREATION_TOLERANCE) >= previous
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deployment_is_new_if_created_since_the_previous_poll_with_two_minutes_of_tolerance() {
        const START: u64 = 1_000_000;
        let is_new = |created: Option<f64>, previous: Option<u64>| {
            is_new(created, previous.map(|seconds| Duration::from_secs(START + seconds)))
        };
        let created = Some(START as f64 + 10.0);
        assert!(is_new(created, Some(0)) && is_new(created, Some(130)) && !is_new(created, Some(131)));
        assert!(!is_new(created, None), "the first poll of a target");
        assert!(!is_new(None, Some(0)) && !is_new(Some(-5.0), Some(0)) && !is_new(Some(f64::NAN), Some(0)));
        assert!(is_new(Some(1e12), Some(0)), "in the future");
    }
}
