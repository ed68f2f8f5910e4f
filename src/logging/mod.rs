//! The log: lines on standard error, written by a separate thread.
//!
//! Standard error may be a pipe without a reader. Nothing in the process waits for it: lines that do not fit into a
//! bounded queue are dropped and counted.

mod log_queue;
mod panics;

use std::{
    fs::File,
    io::{self, Write as _},
    os::fd::AsFd as _,
    time::Duration,
};

use clap::ValueEnum;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::{
    Layer as _,
    filter::Targets,
    layer::SubscriberExt as _,
    util::{SubscriberInitExt as _, TryInitError},
};

use log_queue::LogQueue;

/// How long the process waits for its last lines before it exits.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(500);

/// The crates of this repository that log. Other libraries log only errors: a remote client can cause warnings of h2 at
/// any rate, and messages below that level contain parts of requests, possibly secrets.
const CRATES: [&str; 4] = [env!("CARGO_CRATE_NAME"), "credentials", "simulator", "state_file"];

static STDERR: LogQueue = LogQueue::new();

/// The format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// `key=value` pairs.
    Logfmt,
    /// JSON objects.
    Json,
}

/// Why logging can't start.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    /// The writer thread can't be started.
    #[error("can't start the thread that writes the log: {0}")]
    Writer(#[source] io::Error),
    /// Logging was already initialized.
    #[error("can't start logging: {0}")]
    Subscriber(#[source] TryInitError),
}

/// Sends log lines and panics to standard error.
///
/// # Errors
///
/// Fails if the writer thread can't be started, or if logging was started before.
pub fn init(level: LevelFilter, format: LogFormat) -> Result<(), LoggingError> {
    start_writer().map_err(LoggingError::Writer)?;
    let lines = match format {
        LogFormat::Logfmt => {
            let logfmt = tracing_logfmt::builder().with_target(false).layer();
            logfmt.with_writer(&STDERR).log_internal_errors(false).with_filter(filter(level)).boxed()
        }
        LogFormat::Json => {
            let json = tracing_subscriber::fmt::layer().json().flatten_event(true).with_target(false);
            json.with_writer(&STDERR).log_internal_errors(false).with_filter(filter(level)).boxed()
        }
    };
    tracing_subscriber::registry().with(lines).try_init().map_err(LoggingError::Subscriber)?;
    panics::install_hook();
    Ok(())
}

fn filter(level: LevelFilter) -> Targets {
    Targets::new().with_default(LevelFilter::ERROR).with_targets(CRATES.map(|name| (name, level)))
}

/// Uses a separate descriptor, so that a blocked write does not hold the lock of [`io::stderr`].
fn start_writer() -> io::Result<()> {
    STDERR.start(|| Ok(File::from(io::stderr().as_fd().try_clone_to_owned()?)))
}

/// Writes a line without level and time, such as the reason why the process ends, after all earlier lines.
pub fn write_line(text: &str) {
    let line = format!("{text}\n");
    if start_writer().is_ok() {
        STDERR.push(line.as_bytes());
    } else {
        // Without the thread, the write may block. If standard error is closed, the line has no reader.
        let _ = io::stderr().write_all(line.as_bytes());
    }
}

/// Waits until the last lines are written, for at most half a second. Call it at the end of the process.
pub fn drain() {
    STDERR.flush(DRAIN_TIMEOUT);
}

/// The number of log lines dropped because they were not written in time, since the start.
pub fn dropped_lines() -> u64 {
    STDERR.dropped()
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use tracing::Level;

    use super::*;

    #[test]
    fn libraries_log_errors_only_at_every_level() {
        for level in [LevelFilter::ERROR, LevelFilter::INFO, LevelFilter::TRACE] {
            let filter = filter(level);
            assert!(filter.would_enable("h2::proto", &Level::ERROR));
            assert!(!filter.would_enable("h2::proto", &Level::WARN));
            assert!(filter.would_enable("aliyun_flink_exporter::poll", &Level::ERROR));
        }
        assert!(filter(LevelFilter::DEBUG).would_enable("aliyun_flink_exporter::poll", &Level::DEBUG));
    }

    #[test]
    fn every_crate_that_logs_is_listed() {
        let crates = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("crates")).unwrap();
        for entry in crates {
            let manifest = fs::read_to_string(entry.unwrap().path().join("Cargo.toml")).unwrap();
            let name = manifest.lines().find_map(|line| line.strip_prefix("name = \"")).unwrap();
            let name = name.trim_end_matches('"').replace('-', "_");
            let logs = manifest.lines().any(|line| line.starts_with("tracing "));
            assert!(!logs || CRATES.contains(&name.as_str()), "{name} logs and is not in CRATES");
        }
    }
}
