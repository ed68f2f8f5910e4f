//! Failures of a command, with their exit codes.

use std::fmt::Display;

use crate::logging;

/// Why a command fails.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The command line or the configuration is invalid.
    #[error("{0}")]
    Usage(String),
    /// Something failed at run time.
    #[error("{0}")]
    Runtime(String),
}

impl CommandError {
    pub(super) fn usage(error: impl Display) -> Self {
        Self::Usage(error.to_string())
    }

    pub(super) fn runtime(error: impl Display) -> Self {
        Self::Runtime(error.to_string())
    }

    /// The exit code of the process: 2 for invalid input, 1 for everything else.
    pub fn code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Runtime(_) => 1,
        }
    }

    /// Writes the reason to standard error.
    pub fn report(&self) {
        logging::write_line(&format!("aliyun-flink-exporter: {self}"));
    }
}
