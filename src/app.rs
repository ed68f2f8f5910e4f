//! Puts the exporter together from its configuration: the one module that knows all others.

mod heart;
mod plan;
mod reload;

use std::{fmt, future::pending, io, sync::Arc, time::Duration};

use tokio::time::{sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::{
    api::Progress,
    clock::Clock,
    config::{Config, Environment},
    credentials::{self, CredentialsError},
    endpoint::{APPLICATION, root_cause},
    model::{ErrorClass, PollOutcome},
    poll::{Supervised as _, Supervisor, Target},
    snapshot::{Board, TargetId},
    systemd::Systemd,
    telemetry::Telemetry,
    web::{self, Listeners, Reloaded, Routes, SecurityStore},
};

use heart::Heart;
use plan::{Parts, Plan};
use reload::ReloadRequest;
pub use reload::{Load, Reloads};

/// Why the exporter can't be put together.
#[derive(Debug)]
pub enum BuildError {
    /// A workspace has no credentials.
    Credentials {
        /// The workspace's id.
        workspace: String,
        /// What was looked for.
        source: CredentialsError,
    },
    /// The HTTP client can't be made, as for want of certificates.
    HttpClient(reqwest::Error),
    /// The exporter's own metrics can't be made.
    Telemetry(prometheus::Error),
}

impl fmt::Display for BuildError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Credentials { workspace, source } => write!(formatter, "workspace {workspace}: {source}"),
            Self::HttpClient(source) => {
                write!(formatter, "the HTTP client can't be made: {}", root_cause(source))
            }
            Self::Telemetry(source) => {
                write!(formatter, "the exporter's own metrics can't be made: {source}")
            }
        }
    }
}

impl std::error::Error for BuildError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Credentials { source, .. } => Some(source),
            Self::HttpClient(source) => Some(source),
            Self::Telemetry(source) => Some(source),
        }
    }
}

/// How long reading the configuration anew may take.
const LOAD_TIMEOUT: Duration = Duration::from_secs(10);

/// The exporter, ready to poll.
#[derive(Debug)]
pub struct App {
    parts: Parts,
    plan: Plan,
}

impl App {
    /// Builds everything but the listeners; nothing is polled yet.
    pub async fn build(config: &Config, environment: &Environment, clock: Clock) -> Result<Self, BuildError> {
        let parts = Parts {
            board: Arc::new(Board::new(clock)),
            telemetry: Telemetry::new().map_err(BuildError::Telemetry)?,
            progress: Arc::default(),
            credentials: credentials::Context::new(APPLICATION, |name| environment.get(name), clock),
            clock,
        };
        let plan = Plan::new(config, &parts, None)?;
        plan.find_credentials().await?;
        let app = Self { parts, plan };
        app.show_plan().await;
        app.plan.put_in_force(&app.parts, None);
        app.parts.telemetry.config_accepted(clock.since_epoch());
        Ok(app)
    }

    async fn show_plan(&self) {
        let intervals =
            self.plan.targets.iter().map(|(id, target)| (id.clone(), target.settings.interval)).collect();
        let labels = self.plan.label_keys.clone();
        self.parts.board.configure(self.plan.infos.clone(), &intervals, labels).await;
    }

    /// Polls and serves until `stopping`, reloading the configuration when asked; tells `systemd` of it.
    pub async fn run(
        mut self,
        listeners: Listeners,
        telemetry_path: String,
        security: SecurityStore,
        mut reloads: Option<Reloads>,
        systemd: Systemd,
        stopping: CancellationToken,
    ) {
        let routes = Routes {
            board: self.parts.board.clone(),
            telemetry: self.parts.telemetry.clone(),
            telemetry_path,
            reload: reloads.as_ref().and_then(Reloads::over_http),
            stopping: stopping.clone(),
            clock: self.parts.clock,
        };
        let polling = async {
            let mut heart = Heart::new(systemd, self.parts.board.clone());
            heart.ready().await;
            let mut tasks = Supervisor::default();
            for (id, target) in &self.plan.targets {
                tasks.start(id.clone(), target.clone());
            }
            loop {
                tokio::select! {
                    () = stopping.cancelled() => break,
                    () = tasks.tend() => {}
                    () = heart.due() => heart.beat().await,
                    request = next(&mut reloads) => {
                        heart.reloading().await;
                        let outcome = tokio::select! {
                            () = stopping.cancelled() => break,
                            outcome = self.reload(request.load, &mut tasks) => outcome,
                            never = heart.beat_during_reload() => match never {},
                        };
                        heart.reloaded(&outcome).await;
                        // Whoever asked may have left.
                        let _ = request.answer.send(outcome);
                    }
                }
            }
            heart.stopping().await;
            tasks.stop_all().await;
        };
        tokio::join!(polling, web::serve(listeners, Arc::new(routes), Arc::new(security)));
    }

    /// Puts a newly read configuration in force, or changes nothing and says why.
    async fn reload(&mut self, load: Load, tasks: &mut Supervisor<TargetId, Target>) -> Reloaded {
        let outcome = self.try_reload(load, tasks).await;
        match &outcome {
            Ok(changes) => {
                self.parts.telemetry.config_accepted(self.parts.clock.since_epoch());
                info!(%changes, "configuration reloaded");
            }
            Err(mistakes) => {
                self.parts.telemetry.config_refused();
                error!(%mistakes, "configuration not reloaded: the one before stays in force");
            }
        }
        outcome
    }

    async fn try_reload(&mut self, load: Load, tasks: &mut Supervisor<TargetId, Target>) -> Reloaded {
        // A file on a dead network drive is never read to its end.
        let read = timeout(LOAD_TIMEOUT, tokio::task::spawn_blocking(move || load())).await;
        let read = read.map_err(|_| format!("not read within {} s", LOAD_TIMEOUT.as_secs()))?;
        let config = read.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
        for warning in config.warnings() {
            warn!("{warning}");
        }
        let plan = Plan::new(&config, &self.parts, Some(&self.plan));
        let plan = plan.map_err(|error| error.to_string())?;
        plan.find_credentials().await.map_err(|error| error.to_string())?;
        let before = std::mem::replace(&mut self.plan, plan);
        let gone = before.targets.keys().filter(|id| !self.plan.targets.contains_key(*id));
        let removed = gone.map(|id| tasks.stop(id)).count();
        self.show_plan().await;
        self.plan.put_in_force(&self.parts, Some(&before));
        let (mut added, mut changed) = (0, 0);
        for (id, target) in &self.plan.targets {
            match before.targets.get(id) {
                Some(known) if Arc::ptr_eq(known, target) => continue,
                Some(_) => changed += 1,
                None => added += 1,
            }
            tasks.start(id.clone(), target.clone());
        }
        let unchanged = self.plan.targets.len() - added - changed;
        Ok(format!("targets: {added} added, {removed} removed, {changed} changed, {unchanged} unchanged"))
    }

    /// Polls every target once; tells how each poll ended.
    pub async fn poll_once(&self) -> Vec<PollOutcome> {
        self.parts.board.render_nothing();
        let polls = self.plan.targets.values().map(async |target| {
            let polling = target.clone();
            let polled = tokio::spawn(async move {
                // Spread as the daemon's first polls are, so that none waits longer for its turn than for its answer.
                sleep_until(polling.schedule.first()).await;
                polling.poll().await
            });
            let polled = polled.await;
            polled.unwrap_or_else(|_| {
                target.died();
                PollOutcome::Failure(ErrorClass::Internal)
            })
        });
        futures_util::future::join_all(polls).await
    }

    /// How far the listings are.
    pub fn progress(&self) -> &Arc<Progress> {
        &self.parts.progress
    }

    /// Writes all metrics, as they are served, after [`App::poll_once`].
    pub fn write_metrics(&self, out: &mut impl io::Write) -> io::Result<()> {
        let live = self.parts.telemetry.render().map_err(io::Error::other)?;
        self.parts.board.write(out)?;
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
