//! Withdraws data that no poll has renewed in time.
//!
//! One task does so for all targets. A reader does so too before it reads, so that expired data is not served even if
//! that task hangs.

use std::{convert::Infallible, future::pending, time::Duration};

use tokio::time::{Instant, sleep_until, timeout};
use tracing::warn;

use super::Publisher;

/// How long to wait for a group to be rendered without its withdrawn data, before nothing of it is served.
const RENDER_TIMEOUT: Duration = Duration::from_secs(1);

impl Publisher {
    /// Withdraws data as it expires, for ever.
    pub async fn run_expiry(&self) -> Infallible {
        loop {
            let wait = async {
                match self.store().next_expiry() {
                    Some(at) => sleep_until(at).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                () = wait => self.expire().await,
                () = self.store().expiry_changed() => {}
            }
        }
    }

    /// Withdraws what has expired, and renders the groups that have other data left.
    pub(super) async fn expire(&self) {
        self.withdraw_overdue();
        for group in self.outdated() {
            let rendered = timeout(RENDER_TIMEOUT, self.publish_group(&group)).await;
            if !matches!(rendered, Ok(Ok(()))) {
                self.withdraw_families(&group);
            }
        }
    }

    /// Withdraws what has expired.
    pub(super) fn withdraw_overdue(&self) {
        let now = Instant::now();
        if self.store().next_expiry().is_none_or(|at| at > now) {
            return;
        }
        let lost = self.store().expire(now);
        for target in lost.values().flatten() {
            warn!(%target, "no successful poll for too long: series withdrawn");
        }
        self.withdraw(&lost);
    }
}
