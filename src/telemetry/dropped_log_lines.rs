//! The number of dropped log lines, read at scrape time, because logging starts before the instruments exist.

use parking_lot::Mutex;
use prometheus::{
    IntCounter,
    core::{Collector, Desc},
    proto::MetricFamily,
};

use super::descriptors::{LOG_LINES_DROPPED, options};
use crate::logging;

/// Copies the count of the log.
#[derive(Debug)]
pub(super) struct LogCollector {
    /// Concurrent scrapes must not add the same increase twice.
    dropped: Mutex<IntCounter>,
    descriptions: Vec<Desc>,
}

impl LogCollector {
    pub(super) fn new() -> Result<Self, prometheus::Error> {
        let dropped = IntCounter::with_opts(options(&LOG_LINES_DROPPED))?;
        let descriptions = dropped.desc().into_iter().cloned().collect();
        Ok(Self { dropped: Mutex::new(dropped), descriptions })
    }
}

impl Collector for LogCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let dropped = self.dropped.lock();
        dropped.inc_by(logging::dropped_lines().saturating_sub(dropped.get()));
        dropped.collect()
    }
}
