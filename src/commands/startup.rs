//! Steps that several commands take before their work starts.

use std::{process, sync::Arc};

use tracing::warn;

use super::CommandError;
use crate::{
    app::{App, Reloads},
    cli::{ConfigArgs, LogArgs, WebArgs},
    clock::Clock,
    config::{self, Config, Environment},
    logging,
    sd_notify::Notifier,
    web::{Listeners, SecurityStore},
};

pub(super) fn init_logging(arguments: LogArgs) -> Result<(), CommandError> {
    logging::init(arguments.level, arguments.format).map_err(CommandError::runtime)
}

pub(super) fn load_config(arguments: &ConfigArgs, environment: &Environment) -> Result<Config, CommandError> {
    let config = config::load(arguments.file.as_deref(), environment, &arguments.flags());
    let config = config.map_err(CommandError::usage)?;
    for warning in config.warnings() {
        warn!("{warning}");
    }
    Ok(config)
}

/// Reloads read the same file, environment and flags as the start.
pub(super) fn reloads(arguments: ConfigArgs, environment: Environment, over_http: bool) -> Reloads {
    let load = move || config::load(arguments.file.as_deref(), &environment, &arguments.flags());
    Reloads::new(Arc::new(load), over_http)
}

pub(super) fn load_security(arguments: &WebArgs) -> Result<SecurityStore, CommandError> {
    SecurityStore::load(arguments.config_file.as_deref()).map_err(CommandError::usage)
}

pub(super) fn build_app(config: &Config, environment: &Environment) -> Result<App, CommandError> {
    App::build(config, environment, Clock::System).map_err(CommandError::runtime)
}

pub(super) async fn bind(arguments: &WebArgs) -> Result<Listeners, CommandError> {
    let listeners = Listeners::bind(&arguments.listen_addresses, arguments.probe_address).await;
    listeners.map_err(CommandError::runtime)
}

pub(super) fn systemd(environment: &Environment) -> Notifier {
    Notifier::new(|name| environment.get(name), process::id())
}
