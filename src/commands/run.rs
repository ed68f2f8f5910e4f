//! `run`: the exporter.

use std::process::ExitCode;

use tokio_util::sync::CancellationToken;

use super::{
    CommandError,
    auto_reload::AutoReload,
    signals::{hangups, reload_on_hangup, run_until_signal},
    startup::{bind, build_app, init_logging, load_config, load_security, reloads, systemd},
};
use crate::{cli::RunArgs, config::Environment};

/// Runs the exporter until a signal stops it.
pub async fn run(arguments: RunArgs) -> Result<ExitCode, CommandError> {
    init_logging(arguments.log)?;
    // Installed first, so that a SIGHUP during the start waits instead of ending the process.
    let hangups = hangups()?;
    let environment = Environment::from_process();
    let watched = arguments.config.file.clone().filter(|_| arguments.auto_reload);
    let auto_reload = AutoReload::new(watched).await;
    let config = load_config(&arguments.config, &environment)?;
    let security = load_security(&arguments.web)?;
    let app = build_app(&config, &environment)?;
    let listeners = bind(&arguments.web).await?;
    let systemd = systemd(&environment);
    let shutdown = CancellationToken::new();
    let reloads = reloads(arguments.config, environment, arguments.lifecycle.enabled);
    let reload = reloads.handle();
    let missing_credentials = app.missing_credentials();
    let paths = arguments.web.paths();
    let work = app.run(listeners, paths, security, Some(reloads), systemd, shutdown.clone());
    tokio::select! {
        result = run_until_signal(work, shutdown) => result,
        missing = missing_credentials => Err(CommandError::runtime(missing)),
        never = reload_on_hangup(hangups, reload.clone()) => match never {},
        never = auto_reload.run(reload) => match never {},
    }
}
