//! `doctor`: a check of every target with the real credentials.

use std::{process::ExitCode, sync::Arc};

use super::{
    CommandError,
    progress_bar::show_progress,
    startup::{init_logging, load_config},
    stdout,
};
use crate::{
    cli::{DoctorArgs, ReportFormat},
    clock::Clock,
    config::Environment,
    doctor,
};

/// Checks every target and prints the report. The exit code is 1 if any check failed.
pub async fn doctor(arguments: DoctorArgs) -> Result<ExitCode, CommandError> {
    init_logging(arguments.log)?;
    let environment = Environment::from_process();
    let config = load_config(&arguments.config, &environment)?;
    let progress = Arc::default();
    let report = tokio::select! {
        report = doctor::run(&config, &environment, &progress, Clock::System) => {
            report.map_err(CommandError::runtime)?
        }
        never = show_progress(&progress) => match never {},
    };
    let text = match arguments.format {
        ReportFormat::Table => report.to_table(),
        ReportFormat::Json => report.to_json(),
    };
    stdout::write_all(&text)?;
    Ok(ExitCode::from(u8::from(!report.ok())))
}
