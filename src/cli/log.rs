//! Flags of the log.

use clap::Args;
use tracing::level_filters::LevelFilter;

use crate::logging::LogFormat;

/// The level and the format of the log.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Logging")]
pub struct LogArgs {
    /// The least severe level to log: error, warn, info, debug or trace
    #[arg(long = "log.level", value_name = "LEVEL", value_parser = level, default_value = "info")]
    pub level: LevelFilter,
    /// The format of log lines on standard error
    #[arg(long = "log.format", value_name = "FORMAT", default_value = "logfmt")]
    pub format: LogFormat,
}

fn level(text: &str) -> Result<LevelFilter, String> {
    let levels =
        [LevelFilter::ERROR, LevelFilter::WARN, LevelFilter::INFO, LevelFilter::DEBUG, LevelFilter::TRACE];
    let named = |level: &LevelFilter| level.to_string() == text.to_ascii_lowercase();
    levels.into_iter().find(named).ok_or_else(|| "expected error, warn, info, debug or trace".to_owned())
}
