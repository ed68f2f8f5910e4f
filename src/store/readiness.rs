//! Whether the exporter is ready: a latch that waits for the first poll of the initial targets.

use std::sync::{Arc, Weak};

/// Ready once every [`Latch`] has been dropped, and then for ever: a target that is added later must not make an
/// exporter that serves all others look as if it had just been started.
#[derive(Debug, Clone)]
pub struct Readiness(Weak<()>);

/// Keeps the exporter from being ready until it and all its clones are dropped.
///
/// The target manager holds one too until the initial targets are known.
#[derive(Debug, Clone)]
pub struct Latch {
    _held: Arc<()>,
}

impl Readiness {
    /// A readiness and its first latch.
    pub fn new() -> (Self, Latch) {
        let held = Arc::new(());
        (Self(Arc::downgrade(&held)), Latch { _held: held })
    }

    /// Whether every latch has been dropped.
    pub fn is_ready(&self) -> bool {
        self.0.strong_count() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_latch_must_be_dropped_and_then_it_stays_ready() {
        let (readiness, latch) = Readiness::new();
        let second = latch.clone();
        drop(latch);
        assert!(!readiness.is_ready());
        drop(second);
        assert!(readiness.is_ready() && readiness.clone().is_ready());
    }
}
