//! Builds and runs the exporter from its configuration. This module knows all others.

mod api_clients;
mod app_context;
mod collector_targets;
mod console_clients;
mod desired_targets;
mod discovery;
mod error;
mod missing_credentials;
mod reload;
mod reload_requests;
mod state_recorder;
mod systemd;

use std::{future::pending, io, path::PathBuf, sync::Arc, time::Duration};

use tokio::{sync::watch, time::sleep};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};
use tracing::{error, info};

use crate::{
    allocator,
    api::ListingProgress,
    application::APPLICATION,
    clock::Clock,
    config::{Config, Environment},
    credentials,
    discovery::EntrySettings,
    model::PollOutcome,
    sd_notify::Notifier,
    snapshot::Publisher,
    store::Store,
    targets::{Changes, TargetManager},
    telemetry::Telemetry,
    web::{self, Handlers, Listeners, Paths, SecurityStore},
};

use api_clients::ApiClients;
use app_context::AppContext;
use desired_targets::DesiredWorkspace;
use discovery::DiscoveryTasks;
pub use error::BuildError;
pub use missing_credentials::MissingCredentials;
use reload_requests::ReloadRequest;
pub use reload_requests::{Load, Reloads};
use state_recorder::StateRecorder;
use systemd::SystemdNotifier;

/// Delay before discovered changes are applied, to apply several changes at once.
const DEBOUNCE_DELAY: Duration = Duration::from_millis(100);

/// The exporter.
#[derive(Debug)]
pub struct App {
    context: AppContext,
    config: Config,
    clients: ApiClients,
    discovery: DiscoveryTasks,
    entries: Vec<EntrySettings>,
    /// The workspaces of the current targets.
    desired: Vec<DesiredWorkspace>,
    /// Whether a discovery entry had not finished its first attempt when the targets were last applied.
    waits_for_discovery: bool,
    manager: TargetManager,
    /// The path at the start. Changes take effect at the next start.
    state_path: Option<PathBuf>,
}

impl App {
    /// Builds everything except the listeners. Polling starts with [`App::run`].
    ///
    /// # Errors
    ///
    /// See [`BuildError`].
    pub fn build(config: &Config, environment: &Environment, clock: Clock) -> Result<Self, BuildError> {
        let telemetry = Telemetry::new().map_err(BuildError::Telemetry)?;
        let publisher = Arc::new(Publisher::new(Arc::new(Store::new(clock)), telemetry.clone()));
        let mut manager = TargetManager::new(publisher.clone(), telemetry.clone(), clock);
        let context = AppContext {
            publisher,
            telemetry,
            progress: Arc::default(),
            credentials: credentials::ProviderContext::new(APPLICATION, |name| environment.get(name), clock),
            clock,
        };
        context.telemetry.set_shard(config.shard);
        if !config.shard.is_single() {
            let (index, total) = (config.shard.index(), config.shard.total());
            info!(index, total, "polling one shard of the targets");
        }
        let mut clients = ApiClients::new(config, None);
        let entries = desired_targets::entries(config, &mut clients, &context)?;
        let discovery = DiscoveryTasks::new(context.publisher.store().clone(), clock);
        discovery.set(entries.clone(), config.listed_ids());
        let found = discovery.discovery.clone();
        context.telemetry.export_discovery(Box::new(move || discovery::health(&found)));
        manager.observe(discovery.discovery.clone());
        let desired = desired_targets::desired_workspaces(config, &discovery.discovery);
        clients.set_workspaces(desired_targets::with_targets(&desired), &context)?;
        clients.update_telemetry(&context);
        context.telemetry.config_accepted(clock.since_epoch());
        let (config, state_path) = (config.clone(), config.state_path.clone());
        Ok(Self {
            context,
            config,
            clients,
            discovery,
            entries,
            desired,
            waits_for_discovery: true,
            manager,
            state_path,
        })
    }

    /// Polls and serves until `shutdown`, reloading the configuration on request; notifies `systemd`.
    pub async fn run(
        mut self,
        listeners: Listeners,
        paths: Paths,
        security: SecurityStore,
        mut reloads: Option<Reloads>,
        systemd: Notifier,
        shutdown: CancellationToken,
    ) {
        let handlers = Handlers {
            publisher: self.context.publisher.clone(),
            readiness: self.manager.readiness().clone(),
            telemetry: self.context.telemetry.clone(),
            paths,
            reload: reloads.as_ref().and_then(Reloads::over_http),
            shutdown: shutdown.clone(),
            clock: self.context.clock,
        };
        let publisher = self.context.publisher.clone();
        let _expiry = AbortOnDropHandle::new(tokio::spawn(async move { publisher.run_expiry().await }));
        let _memory = AbortOnDropHandle::new(tokio::spawn(allocator::run_release()));
        let polling = async {
            let mut systemd = SystemdNotifier::new(systemd, self.context.publisher.clone());
            let state = StateRecorder::start(&self.context, self.state_path.clone(), &shutdown).await;
            let mut found = self.start_discovery().await;
            systemd.ready().await;
            loop {
                tokio::select! {
                    () = shutdown.cancelled() => break,
                    () = self.manager.supervise() => {}
                    () = self.discovery.supervise() => {}
                    _ = found.changed() => {
                        sleep(DEBOUNCE_DELAY).await;
                        found.mark_unchanged();
                        self.apply_found().await;
                    }
                    () = systemd.tick() => systemd.ping_watchdog().await,
                    request = next(&mut reloads) => {
                        systemd.reloading().await;
                        let outcome = tokio::select! {
                            () = shutdown.cancelled() => break,
                            outcome = self.reload(request.load) => outcome,
                            never = systemd.ping_during_reload() => match never {},
                        };
                        systemd.reloaded(&outcome).await;
                        // The client may have disconnected.
                        let _ = request.answer.send(outcome);
                    }
                }
            }
            systemd.stopping().await;
            self.discovery.shutdown().await;
            self.manager.shutdown().await;
            discovery::save(&self.discovery.discovery, self.context.publisher.store()).await;
            state.close().await;
        };
        tokio::join!(polling, web::serve(listeners, Arc::new(handlers), Arc::new(security)));
    }

    /// Starts to poll known targets and to discover others. The returned receiver changes when discovery finds
    /// something.
    async fn start_discovery(&mut self) -> watch::Receiver<u64> {
        let (discovery, store) = (&self.discovery.discovery, self.context.publisher.store());
        discovery::restore(discovery, store);
        tokio::spawn(discovery::save_changes(discovery.clone(), store.clone()));
        let mut found = discovery.changes();
        found.mark_unchanged();
        self.desired = desired_targets::desired_workspaces(&self.config, &self.discovery.discovery);
        if let Err(problem) = self.apply_desired().await {
            error!(%problem, "discovered workspaces are not polled");
        }
        let all = self.entries.iter().map(|entry| entry.name.clone()).collect();
        self.discovery.start(&self.entries, &all);
        found
    }

    /// Applies the discovered workspaces if they have changed.
    async fn apply_found(&mut self) {
        let desired = desired_targets::desired_workspaces(&self.config, &self.discovery.discovery);
        if desired == self.desired && !self.waits_for_discovery {
            return;
        }
        self.desired = desired;
        match self.apply_desired().await {
            Ok(changes) if changes.is_none() => {}
            Ok(changes) => info!(%changes, "discovery changed the targets"),
            Err(problem) => error!(%problem, "discovered workspaces are not polled"),
        }
    }

    /// Applies the targets of the desired workspaces.
    async fn apply_desired(&mut self) -> Result<Changes, BuildError> {
        self.clients.set_workspaces(desired_targets::with_targets(&self.desired), &self.context)?;
        let targets = desired_targets::targets(&self.desired, &self.clients, &self.config);
        self.waits_for_discovery = !self.discovery.discovery.is_complete();
        self.manager.expect_more(self.waits_for_discovery);
        let changes = self.manager.apply(targets).await;
        self.clients.update_telemetry(&self.context);
        Ok(changes)
    }

    /// Completes if no provider has credentials after each has been tried once. Otherwise it never completes. It does
    /// not borrow the exporter, which may run at the same time.
    pub fn missing_credentials(&self) -> impl Future<Output = MissingCredentials> + Send + use<> {
        self.clients.missing_credentials()
    }

    /// Runs discovery once, and polls every target once. Returns whether everything succeeded.
    pub async fn poll_once(&mut self) -> bool {
        self.context.publisher.disable_rendering();
        let discovered = self.discovery.discover_once(&self.entries).await;
        self.desired = desired_targets::desired_workspaces(&self.config, &self.discovery.discovery);
        if let Err(problem) =
            self.clients.set_workspaces(desired_targets::with_targets(&self.desired), &self.context)
        {
            error!(%problem, "discovered workspaces are not polled");
            return false;
        }
        self.clients.update_telemetry(&self.context);
        let targets = desired_targets::targets(&self.desired, &self.clients, &self.config);
        let outcomes = self.manager.poll_once(targets).await;
        discovered && outcomes.iter().all(|outcome| *outcome == PollOutcome::Success)
    }

    /// The progress of listings.
    pub fn progress(&self) -> &Arc<ListingProgress> {
        &self.context.progress
    }

    /// Writes all metrics in the text format, after [`App::poll_once`].
    ///
    /// # Errors
    ///
    /// The errors of `out`.
    pub fn write_metrics(&self, out: &mut impl io::Write) -> io::Result<()> {
        let series = self.context.publisher.write(out)?;
        let live = self.context.telemetry.render(&series).map_err(io::Error::other)?;
        out.write_all(live.as_bytes())
    }
}

/// The next reload request; never completes if reloads are not possible.
async fn next(reloads: &mut Option<Reloads>) -> ReloadRequest {
    match reloads {
        Some(reloads) => reloads.next().await,
        None => pending().await,
    }
}
