//! Which encodings scrapers request.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use tokio::time::Instant;

use crate::exposition::Encoding;

/// The encodings that were requested recently: only these are compressed when data changes.
#[derive(Debug)]
pub(super) struct RequestedEncodings {
    since: Instant,
    /// Milliseconds from `since` to the last request, by encoding; 0 if there was none.
    last: [AtomicU64; Encoding::ALL.len()],
}

impl RequestedEncodings {
    /// How long a request counts: longer than any interval between two scrapes.
    const RETENTION: Duration = Duration::from_secs(15 * 60);

    pub(super) fn new() -> Self {
        Self { since: Instant::now(), last: Default::default() }
    }

    pub(super) fn note(&self, encoding: Encoding) {
        self.last[encoding as usize].store(self.now().max(1), Ordering::Relaxed);
    }

    pub(super) fn recent(&self) -> impl Iterator<Item = Encoding> {
        let (now, retention) = (self.now(), Self::RETENTION.as_millis());
        Encoding::ALL.into_iter().filter(move |&encoding| {
            let last = self.last[encoding as usize].load(Ordering::Relaxed);
            last > 0 && u128::from(now.saturating_sub(last)) <= retention
        })
    }

    fn now(&self) -> u64 {
        u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_encoding_that_was_not_requested_recently_is_not_compressed() {
        let encodings = RequestedEncodings::new();
        assert_eq!(encodings.recent().count(), 0);
        encodings.note(Encoding::Gzip);
        assert_eq!(encodings.recent().collect::<Vec<_>>(), [Encoding::Gzip]);
        tokio::time::advance(Duration::from_secs(16 * 60)).await;
        assert_eq!(encodings.recent().count(), 0);
    }
}
