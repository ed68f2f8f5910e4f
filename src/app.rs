//! Puts the exporter together from its configuration: the one module that knows all others.

use std::{fmt, sync::Arc};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    api::{self, ErrorKind, ListRequest, Progress},
    clock::Clock,
    config::{Config, Environment, Workspace},
    credentials::{self, CredentialsError},
    exposition::targets::WorkspaceInfo,
    poll::{self, Memory, Schedule, Target},
    snapshot::{Board, Outcome, TargetId},
    telemetry::Telemetry,
    web::{self, Listeners, Routes, SecurityStore},
};

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
            Self::HttpClient(source) => write!(formatter, "the HTTP client can't be made: {source}"),
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

/// The exporter, ready to poll.
#[derive(Debug)]
pub struct App {
    targets: Vec<Arc<Target>>,
    board: Arc<Board>,
    telemetry: Telemetry,
    progress: Arc<Progress>,
    clock: Clock,
}

impl App {
    /// Builds everything but the listeners; nothing is polled yet.
    pub fn build(config: &Config, environment: &Environment, clock: Clock) -> Result<Self, BuildError> {
        let telemetry = Telemetry::new().map_err(BuildError::Telemetry)?;
        let ids = config.workspaces.iter().flat_map(|workspace| {
            let id = |target: &crate::config::Target| {
                TargetId::new(&workspace.id, &target.namespace, &target.selection)
            };
            workspace.targets.iter().map(id).collect::<Vec<_>>()
        });
        let infos = config.workspaces.iter().map(info).collect();
        let board = Arc::new(Board::new(infos, ids, config.metrics.labels.clone(), clock));
        let http = api::http_client(&config.api).map_err(BuildError::HttpClient)?;
        let mut app = Self { targets: Vec::new(), board, telemetry, progress: Arc::default(), clock };
        for workspace in &config.workspaces {
            app.add(workspace, config, environment, http.clone())?;
        }
        Ok(app)
    }

    fn add(
        &mut self,
        workspace: &Workspace,
        config: &Config,
        environment: &Environment,
        http: reqwest::Client,
    ) -> Result<(), BuildError> {
        let variable = |name: &str| environment.get(name);
        let credentials = credentials::provider(&workspace.credentials, variable)
            .map_err(|source| BuildError::Credentials { workspace: workspace.id.clone(), source })?;
        let client = Arc::new(api::Client::new(
            api::Workspace {
                id: workspace.id.clone(),
                endpoint: api::Endpoint::new(&workspace.endpoint),
                credentials,
            },
            http,
            config.api.clone(),
            self.telemetry.api(&workspace.id, &ErrorKind::ALL.map(ErrorKind::as_str)),
            self.progress.clone(),
            self.clock,
        ));
        let wanted = Arc::new(config.metrics.clone());
        let (start, count) = (Instant::now(), workspace.targets.len());
        for (index, target) in workspace.targets.iter().enumerate() {
            let rate = config.api.requests_per_second;
            self.telemetry.namespace(&workspace.id, &target.namespace);
            self.targets.push(Arc::new(Target {
                id: TargetId::new(&workspace.id, &target.namespace, &target.selection),
                request: ListRequest {
                    namespace: target.namespace.clone(),
                    selection: target.selection.clone(),
                    operation: target.operation,
                    wanted: wanted.clone(),
                },
                client: client.clone(),
                settings: target.poll,
                schedule: Schedule::new(start, target.poll.interval, index, count, rate),
                board: self.board.clone(),
                telemetry: self.telemetry.clone(),
                memory: Memory::default(),
            }));
        }
        Ok(())
    }

    /// Polls and serves until `stopping`.
    pub async fn run(
        self,
        listeners: Listeners,
        telemetry_path: String,
        security: SecurityStore,
        stopping: CancellationToken,
    ) {
        let routes = Routes {
            board: self.board.clone(),
            telemetry: self.telemetry.clone(),
            telemetry_path,
            stopping: stopping.clone(),
            clock: self.clock,
        };
        let start = |index: usize| self.targets[index].clone().run(stopping.clone());
        let died = |index: usize| self.targets[index].died();
        tokio::join!(
            poll::supervise(self.targets.len(), start, died),
            web::serve(listeners, Arc::new(routes), Arc::new(security)),
        );
    }

    /// Polls every target once; tells how each poll ended.
    pub async fn poll_once(&self) -> Vec<Outcome> {
        let polls = self.targets.iter().map(async |target| {
            let polling = target.clone();
            let polled = tokio::spawn(async move { polling.poll().await }).await;
            polled.unwrap_or_else(|_| {
                target.died();
                Outcome::Failure(ErrorKind::InvalidResponse)
            })
        });
        futures_util::future::join_all(polls).await
    }

    /// How far the listings are.
    pub fn progress(&self) -> &Arc<Progress> {
        &self.progress
    }

    /// All metrics, as they are served.
    pub fn metrics(&self) -> Result<Vec<bytes::Bytes>, prometheus::Error> {
        let mut pieces = self.board.snapshot().text();
        pieces.push(self.telemetry.render()?.into());
        Ok(pieces)
    }
}

fn info(workspace: &Workspace) -> WorkspaceInfo {
    WorkspaceInfo {
        workspace: workspace.id.clone(),
        region: workspace.region.clone().unwrap_or_default(),
        endpoint: workspace.endpoint.as_str().trim_end_matches('/').to_owned(),
    }
}
