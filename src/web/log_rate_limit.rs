//! Limits how often an event is logged that clients can cause.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// Permits one log line per interval, and counts those it suppressed.
#[derive(Debug)]
pub(super) struct LogLimit {
    interval: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    last: Option<Instant>,
    suppressed: u64,
}

impl LogLimit {
    pub(super) fn new(interval: Duration) -> Self {
        Self { interval, state: Mutex::default() }
    }

    /// The number of lines suppressed since the last one, if a line may be logged now.
    pub(super) fn permit(&self) -> Option<u64> {
        let mut state = self.state.lock();
        if state.last.is_some_and(|last| last.elapsed() < self.interval) {
            state.suppressed += 1;
            return None;
        }
        state.last = Some(Instant::now());
        Some(std::mem::take(&mut state.suppressed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_line_each_interval_with_the_number_of_suppressed_ones() {
        let limit = LogLimit::new(Duration::from_secs(60));
        assert_eq!((0..5).map(|_| limit.permit()).collect::<Vec<_>>(), [Some(0), None, None, None, None]);
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!([limit.permit(), limit.permit()], [Some(4), None]);
    }
}
