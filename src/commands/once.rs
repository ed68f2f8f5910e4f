//! `once`: one poll of every target, printed.

use std::process::ExitCode;

use super::{
    CommandError,
    progress_bar::show_progress,
    startup::{build_app, init_logging, load_config},
    stdout,
};
use crate::{cli::OnceArgs, config::Environment};

/// Polls every target once and prints the metrics. The exit code is 1 if any target failed.
pub async fn once(arguments: OnceArgs) -> Result<ExitCode, CommandError> {
    init_logging(arguments.log)?;
    let environment = Environment::from_process();
    let config = load_config(&arguments.config, &environment)?;
    let mut app = build_app(&config, &environment)?;
    let progress = app.progress().clone();
    let missing_credentials = app.missing_credentials();
    let succeeded = tokio::select! {
        // A poll without credentials fails at the same time, with a less specific error.
        biased;
        missing = missing_credentials => return Err(CommandError::runtime(missing)),
        succeeded = app.poll_once() => succeeded,
        never = show_progress(&progress) => match never {},
    };
    stdout::write_with(|out| app.write_metrics(out))?;
    // The process ends, which frees its memory at once instead of deployment by deployment.
    std::mem::forget(app);
    Ok(ExitCode::from(u8::from(!succeeded)))
}
