//! Reloads the configuration: everything is checked and built first, so that an invalid configuration changes nothing.

use std::time::Duration;

use tokio::time::timeout;
use tracing::{error, info, warn};

use super::{App, api_clients::ApiClients, desired_targets, reload_requests::Load};
use crate::{config::Config, web::Reloaded};

/// Timeout for reading the configuration at a reload.
const LOAD_TIMEOUT: Duration = Duration::from_secs(10);

impl App {
    /// Reloads the configuration. Returns why, if it is rejected; then nothing changes.
    pub(super) async fn reload(&mut self, load: Load) -> Reloaded {
        let outcome = self.try_reload(load).await;
        match &outcome {
            Ok(changes) => {
                self.context.telemetry.config_accepted(self.context.clock.since_epoch());
                info!(%changes, "configuration reloaded");
            }
            Err(problems) => {
                self.context.telemetry.config_rejected();
                error!(%problems, "configuration not reloaded: the previous one stays in effect");
            }
        }
        outcome
    }

    async fn try_reload(&mut self, load: Load) -> Reloaded {
        // Reading from a hanging network mount may never end.
        let read = timeout(LOAD_TIMEOUT, tokio::task::spawn_blocking(move || load())).await;
        let read = read.map_err(|_| format!("not read within {} s", LOAD_TIMEOUT.as_secs()))?;
        let config = read.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
        for warning in config.warnings() {
            warn!("{warning}");
        }
        if config.shard != self.config.shard {
            warn!("shard has changed: the new value takes effect at the next start");
        }
        let config = Config { shard: self.config.shard, ..config };
        if config.state_path != self.state_path {
            warn!("state.path has changed: the new value takes effect at the next start");
        }
        let mut clients = ApiClients::new(&config, Some(&self.clients));
        let entries = desired_targets::entries(&config, &mut clients, &self.context);
        let entries = entries.map_err(|error| error.to_string())?;
        // Build the clients first, so that an error changes nothing.
        clients.add_workspaces(config.listed(), &self.context).map_err(|error| error.to_string())?;
        let renewed = self.discovery.set(entries.clone(), config.listed_ids());
        (self.clients, self.entries, self.config) = (clients, entries, config);
        self.desired = desired_targets::desired_workspaces(&self.config, &self.discovery.discovery);
        let changes = self.apply_desired().await.map_err(|error| error.to_string())?;
        self.discovery.start(&self.entries, &renewed);
        Ok(changes.to_string())
    }
}
