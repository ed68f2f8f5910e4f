//! `config-schema`: the JSON schema of the configuration.

use std::process::ExitCode;

use super::{Failure, stdout};
use crate::config;

/// Prints the JSON schema of the configuration file.
pub fn config_schema() -> Result<ExitCode, Failure> {
    stdout::write_all(&format!("{:#}\n", config::schema()))?;
    Ok(ExitCode::SUCCESS)
}
