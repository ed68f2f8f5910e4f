//! The standard `process_*` metrics from `/proc/self`. Linux only.

use parking_lot::Mutex;
use procfs::process::{LimitValue, Process};
use prometheus::{
    Counter, Gauge, IntGauge,
    core::{Collector, Desc},
    proto::MetricFamily,
};

use super::descriptors::{self, options};

/// Reads `/proc/self` at each scrape.
///
/// The collector of the `prometheus` crate truncates CPU time to whole seconds, which distorts rates.
#[derive(Debug)]
pub(super) struct ProcessCollector {
    cpu: Counter,
    resident: IntGauge,
    virtual_memory: IntGauge,
    open_fds: IntGauge,
    max_fds: IntGauge,
    threads: IntGauge,
    started: Gauge,
    /// Concurrent scrapes must not count the same CPU time twice.
    reading: Mutex<()>,
}

impl ProcessCollector {
    pub(super) fn new() -> Result<Self, prometheus::Error> {
        let collector = Self {
            cpu: Counter::with_opts(options(&descriptors::PROCESS_CPU))?,
            resident: IntGauge::with_opts(options(&descriptors::PROCESS_RESIDENT_MEMORY))?,
            virtual_memory: IntGauge::with_opts(options(&descriptors::PROCESS_VIRTUAL_MEMORY))?,
            open_fds: IntGauge::with_opts(options(&descriptors::PROCESS_OPEN_FDS))?,
            max_fds: IntGauge::with_opts(options(&descriptors::PROCESS_MAX_FDS))?,
            threads: IntGauge::with_opts(options(&descriptors::PROCESS_THREADS))?,
            started: Gauge::with_opts(options(&descriptors::PROCESS_START_TIME))?,
            reading: Mutex::default(),
        };
        if let Some((started, limit)) = constants() {
            collector.started.set(started);
            collector.max_fds.set(limit);
        }
        Ok(collector)
    }

    fn gauges(&self) -> [&dyn Collector; 7] {
        [
            &self.cpu,
            &self.resident,
            &self.virtual_memory,
            &self.open_fds,
            &self.max_fds,
            &self.threads,
            &self.started,
        ]
    }

    fn read(&self) -> procfs::ProcResult<()> {
        let _alone = self.reading.lock();
        let process = Process::myself()?;
        let stat = process.stat()?;
        let seconds = (stat.utime + stat.stime) as f64 / procfs::ticks_per_second() as f64;
        self.cpu.inc_by((seconds - self.cpu.get()).max(0.0));
        self.resident.set(signed(stat.rss * procfs::page_size()));
        self.virtual_memory.set(signed(stat.vsize));
        self.threads.set(stat.num_threads);
        self.open_fds.set(signed(process.fd_count()? as u64));
        Ok(())
    }
}

impl Collector for ProcessCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.gauges().into_iter().flat_map(Collector::desc).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        if self.read().is_err() {
            return Vec::new();
        }
        self.gauges().into_iter().flat_map(Collector::collect).collect()
    }
}

/// The start time in seconds since the Unix epoch, and the limit of file descriptors.
fn constants() -> Option<(f64, i64)> {
    let process = Process::myself().ok()?;
    let booted = procfs::boot_time_secs().ok()? as f64;
    let started = process.stat().ok()?.starttime as f64 / procfs::ticks_per_second() as f64;
    let limit = match process.limits().ok()?.max_open_files.soft_limit {
        LimitValue::Value(limit) => signed(limit),
        LimitValue::Unlimited => i64::MAX,
    };
    Some((booted + started, limit))
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
