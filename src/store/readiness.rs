//! Readiness: a latch that waits for the first poll of all initial targets.

use std::sync::{Arc, Weak};

/// Becomes ready when every [`Latch`] has been dropped, and stays ready. A target that is added later must not make a
/// running exporter unready.
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
