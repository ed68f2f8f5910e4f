//! Failures of a command, with their exit codes.

use std::fmt::{self, Display};

use crate::logging;

/// Why a command ends without success.
#[derive(Debug)]
pub enum Failure {
    /// The command line or the configuration is invalid.
    Usage(String),
    /// Something failed at run time.
    Runtime(String),
}

impl Failure {
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

impl Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(message) | Self::Runtime(message) => formatter.write_str(message),
        }
    }
}

impl std::error::Error for Failure {}
