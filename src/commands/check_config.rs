//! `check-config`: a validation of the configuration.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use super::{CommandError, stdout};
use crate::{
    cli::CheckConfigArgs,
    config::{self, Environment},
    web::SecurityStore,
};

/// Validates the configuration and prints it resolved, with secrets redacted.
pub fn check_config(arguments: &CheckConfigArgs) -> Result<ExitCode, CommandError> {
    SecurityStore::load(arguments.web_config_file.as_deref()).map_err(CommandError::usage)?;
    let arguments = &arguments.config;
    let config = config::load(arguments.file.as_deref(), &Environment::from_process(), &arguments.flags())
        .map_err(CommandError::usage)?;
    for warning in config.warnings() {
        writeln!(io::stderr(), "warning: {warning}").map_err(CommandError::runtime)?;
    }
    stdout::write_all(&config.to_yaml_redacted())?;
    Ok(ExitCode::SUCCESS)
}
