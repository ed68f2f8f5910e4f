//! Warns before the served certificate expires.

use std::time::Duration;

use tokio::time::Instant;
use tracing::warn;

use super::security_settings::Validity;

/// How long before the expiry to warn, at most.
const WARN_AHEAD: Duration = Duration::from_secs(14 * 86_400);

/// How often to warn again.
const WARN_INTERVAL: Duration = Duration::from_secs(86_400);

/// Remembers the last warning.
#[derive(Debug, Default)]
pub(super) struct ExpiryWatch {
    warned: Option<(Validity, Instant)>,
}

impl ExpiryWatch {
    /// Warns if the certificate expires soon: once a day, and at once if there is another certificate.
    pub(super) fn check(&mut self, validity: Validity, now: Duration) {
        let Some(left) = expires_soon(validity, now) else { return };
        let known = |(known, at): (Validity, Instant)| known == validity && at.elapsed() < WARN_INTERVAL;
        if !self.warned.is_some_and(known) {
            self.warned = Some((validity, Instant::now()));
            warn!(
                expires = validity.not_after.as_secs(),
                hours_left = left.as_secs() / 3600,
                "the TLS certificate of this server expires soon or has expired: renew it"
            );
        }
    }
}

/// The time left, if it is less than two weeks and less than a quarter of the certificate's lifetime: certificates
/// of a day are renewed every day.
fn expires_soon(validity: Validity, now: Duration) -> Option<Duration> {
    let lifetime = validity.not_after.saturating_sub(validity.not_before);
    let left = validity.not_after.saturating_sub(now);
    (left < WARN_AHEAD.min(lifetime / 4)).then_some(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_warning_is_two_weeks_or_a_quarter_of_the_lifetime_ahead() {
        const DAY: Duration = Duration::from_secs(86_400);
        let soon = |lifetime: u32, age: Duration| {
            let validity = Validity { not_before: DAY, not_after: DAY + DAY * lifetime };
            expires_soon(validity, DAY + age).is_some()
        };
        for (lifetime, quiet, warned) in [
            (365, DAY * 351, DAY * 351 + DAY / 2),
            (365, DAY, DAY * 1000),
            (90, DAY * 76, DAY * 77),
            (1, DAY * 3 / 4, DAY * 4 / 5),
        ] {
            assert!(!soon(lifetime, quiet), "{lifetime} {quiet:?}");
            assert!(soon(lifetime, warned), "{lifetime} {warned:?}");
        }
    }
}
