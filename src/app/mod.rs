//! Puts the exporter together from its configuration: the one module that knows all others.

mod console;
mod error;
mod reload;
mod shared;
mod state;
mod systemd;
mod workspaces;

use std::{future::pending, io, path::PathBuf, sync::Arc, time::Duration};

use tokio::time::timeout;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};
use tracing::{error, info, warn};

use crate::{
    api::Progress,
    clock::Clock,
    config::{Config, Environment},
    credentials,
    endpoint::APPLICATION,
    model::PollOutcome,
    sd_notify::Notifier,
    snapshot::Publisher,
    store::Store,
    targets::{TargetManager, TargetSet},
    telemetry::Telemetry,
    web::{self, Listeners, Paths, Reloaded, Routes, SecurityStore},
};

pub use error::{BuildError, MissingCredentials};
use reload::ReloadRequest;
pub use reload::{Load, Reloads};
use shared::Shared;
use state::RunningState;
use systemd::SystemdNotifier;
use workspaces::Workspaces;

/// How long a reload may take to read the configuration.
const LOAD_TIMEOUT: Duration = Duration::from_secs(10);

/// The exporter, ready to poll.
#[derive(Debug)]
pub struct App {
    shared: Shared,
    workspaces: Workspaces,
    targets: TargetSet,
    manager: TargetManager,
    state_path: Option<PathBuf>,
}

impl App {
    /// Builds everything but the listeners; nothing is polled yet.
    ///
    /// # Errors
    ///
    /// See [`BuildError`].
    pub fn build(config: &Config, environment: &Environment, clock: Clock) -> Result<Self, BuildError> {
        let telemetry = Telemetry::new().map_err(BuildError::Telemetry)?;
        let publisher = Arc::new(Publisher::new(Arc::new(Store::new(clock))));
        let manager = TargetManager::new(publisher.clone(), telemetry.clone(), clock);
        let shared = Shared {
            publisher,
            telemetry,
            progress: Arc::default(),
            credentials: credentials::Context::new(APPLICATION, |name| environment.get(name), clock),
            clock,
        };
        let workspaces = Workspaces::new(config, &shared, None)?;
        workspaces.update_telemetry(&shared, None);
        shared.telemetry.config_accepted(clock.since_epoch());
        let targets = workspaces.targets(config);
        Ok(Self { shared, workspaces, targets, manager, state_path: config.state_path.clone() })
    }

    /// Polls and serves until `stopping`, reloading the configuration on request; notifies `systemd`.
    pub async fn run(
        mut self,
        listeners: Listeners,
        paths: Paths,
        security: SecurityStore,
        mut reloads: Option<Reloads>,
        systemd: Notifier,
        stopping: CancellationToken,
    ) {
        let routes = Routes {
            publisher: self.shared.publisher.clone(),
            readiness: self.manager.readiness().clone(),
            telemetry: self.shared.telemetry.clone(),
            paths,
            reload: reloads.as_ref().and_then(Reloads::over_http),
            stopping: stopping.clone(),
            clock: self.shared.clock,
        };
        let publisher = self.shared.publisher.clone();
        let _expiry = AbortOnDropHandle::new(tokio::spawn(async move { publisher.run_expiry().await }));
        let polling = async {
            let mut systemd = SystemdNotifier::new(systemd, self.shared.publisher.clone());
            let state = RunningState::start(&self.shared, self.state_path.clone(), &stopping).await;
            self.manager.apply(std::mem::take(&mut self.targets)).await;
            systemd.ready().await;
            loop {
                tokio::select! {
                    () = stopping.cancelled() => break,
                    () = self.manager.supervise() => {}
                    () = systemd.tick() => systemd.ping_watchdog().await,
                    request = next(&mut reloads) => {
                        systemd.reloading().await;
                        let outcome = tokio::select! {
                            () = stopping.cancelled() => break,
                            outcome = self.reload(request.load) => outcome,
                            never = systemd.ping_during_reload() => match never {},
                        };
                        systemd.reloaded(&outcome).await;
                        // The one who asked may have left.
                        let _ = request.answer.send(outcome);
                    }
                }
            }
            systemd.stopping().await;
            self.manager.stop_all().await;
            state.close().await;
        };
        tokio::join!(polling, web::serve(listeners, Arc::new(routes), Arc::new(security)));
    }

    /// Applies a newly read configuration, or changes nothing and says why.
    async fn reload(&mut self, load: Load) -> Reloaded {
        let outcome = self.try_reload(load).await;
        match &outcome {
            Ok(changes) => {
                self.shared.telemetry.config_accepted(self.shared.clock.since_epoch());
                info!(%changes, "configuration reloaded");
            }
            Err(problems) => {
                self.shared.telemetry.config_refused();
                error!(%problems, "configuration not reloaded: the previous one stays in effect");
            }
        }
        outcome
    }

    async fn try_reload(&mut self, load: Load) -> Reloaded {
        // A file on a dead network drive is never read to its end.
        let read = timeout(LOAD_TIMEOUT, tokio::task::spawn_blocking(move || load())).await;
        let read = read.map_err(|_| format!("not read within {} s", LOAD_TIMEOUT.as_secs()))?;
        let config = read.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
        for warning in config.warnings() {
            warn!("{warning}");
        }
        if config.state_path != self.state_path {
            warn!("state.path has changed: the new value takes effect at the next start");
        }
        let workspaces = Workspaces::new(&config, &self.shared, Some(&self.workspaces));
        let workspaces = workspaces.map_err(|error| error.to_string())?;
        let changes = self.manager.apply(workspaces.targets(&config)).await;
        let before = std::mem::replace(&mut self.workspaces, workspaces);
        self.workspaces.update_telemetry(&self.shared, Some(&before));
        Ok(changes.to_string())
    }

    /// Waits until there are no credentials at all: every provider has been tried once, and none has any by what is
    /// configured on this machine. Never ends otherwise. Independent of the exporter, which may run meanwhile.
    pub fn missing_credentials(&self) -> impl Future<Output = MissingCredentials> + Send + use<> {
        self.workspaces.missing_credentials()
    }

    /// Polls every target once. Returns how each poll ended.
    pub async fn poll_once(&mut self) -> Vec<PollOutcome> {
        self.shared.publisher.disable_rendering();
        self.manager.poll_once(std::mem::take(&mut self.targets)).await
    }

    /// How far the listings are.
    pub fn progress(&self) -> &Arc<Progress> {
        &self.shared.progress
    }

    /// Writes all metrics, as they are served, after [`App::poll_once`].
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn write_metrics(&self, out: &mut impl io::Write) -> io::Result<()> {
        let live = self.shared.telemetry.render().map_err(io::Error::other)?;
        self.shared.publisher.write(out)?;
        out.write_all(live.as_bytes())
    }
}

/// The next request to reload; never, where nothing can be reloaded.
async fn next(reloads: &mut Option<Reloads>) -> ReloadRequest {
    match reloads {
        Some(reloads) => reloads.next().await,
        None => pending().await,
    }
}
