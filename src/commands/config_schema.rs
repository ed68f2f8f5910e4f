//! `config-schema`: the JSON schema of the configuration.

use std::process::ExitCode;

use super::{CommandError, stdout};
use crate::config;

/// Prints the JSON schema of the configuration file.
pub fn config_schema() -> Result<ExitCode, CommandError> {
    stdout::write_all(&format!("{:#}\n", config::schema()))?;
    Ok(ExitCode::SUCCESS)
}
