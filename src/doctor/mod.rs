//! `doctor`: checks each target step by step as a poll would, and reports failures with remedies.

mod call_rate;
mod check_context;
mod collector_checks;
mod console_checks;
mod endpoint_probe;
mod jobs_check;
mod remedies;
mod report;
mod report_table;
mod series_estimate;

#[cfg(test)]
mod tests;

use std::{collections::HashSet, sync::Arc};

use futures_util::future::join_all;
use parking_lot::Mutex;
use tokio::time::{Instant, timeout_at};

use crate::{
    api::{self, ApiError, HttpClients, Listing, ListingProgress, RateLimiter, Retry},
    application::APPLICATION,
    clock::Clock,
    collectors::deployments::{
        DeploymentsQuery,
        families::{self, ExportedLabels},
    },
    config::{self, Config, Environment},
    credentials::{self, ProvideCredentials},
    exposition::SeriesCounts,
    model::{
        Deployment, DeploymentStatus, DeploymentsOperation, ErrorClass, JobState, LabelKeys, ObservedStatus,
        Transitions,
    },
    telemetry::Telemetry,
};
use outbound_http::root_cause;

use call_rate::per_day;
use check_context::Doctor;
use collector_checks::FirstTarget;
pub use report::{Check, CollectorReport, DiscoveryReport, Report, Status, TargetReport};
pub use series_estimate::{DropStep, SeriesReport};

/// Maximum number of retries. The user can run `doctor` again.
const MAX_RETRIES: u32 = 1;

/// `doctor` cannot run.
#[derive(Debug, thiserror::Error)]
pub enum DoctorError {
    /// The HTTP client can't be built.
    #[error("the HTTP client can't be built: {}", root_cause(.0))]
    HttpClient(#[source] reqwest::Error),
    /// The counters of the client can't be registered.
    #[error("the client's counters can't be registered: {0}")]
    Telemetry(#[source] prometheus::Error),
}

/// Checks all targets of `config`: workspaces concurrently, the targets of a workspace in turn.
///
/// # Errors
///
/// [`DoctorError`] if the HTTP clients or the counters cannot be built. Failed checks are a part of the report.
pub async fn run(
    config: &Config,
    environment: &Environment,
    progress: &Arc<ListingProgress>,
    clock: Clock,
) -> Result<Report, DoctorError> {
    let settings =
        api::Settings { max_retries: config.api.max_retries.min(MAX_RETRIES), ..config.api.clone() };
    let telemetry = Telemetry::new().map_err(DoctorError::Telemetry)?;
    let context = credentials::ProviderContext::new(APPLICATION, |name| environment.get(name), clock);
    let clients = HttpClients::new(&settings, &config.proxies);
    let account_rate = Arc::new(RateLimiter::new(settings.account_requests_per_second));
    let doctor = Doctor {
        config,
        settings,
        telemetry,
        clients,
        progress: progress.clone(),
        clock,
        account_rate,
        context,
        providers: Mutex::default(),
        consoles: Mutex::default(),
    };
    let discovered = doctor.discover().await.map_err(DoctorError::HttpClient)?;
    let workspaces: Vec<_> = config.listed().chain(&discovered.workspaces).collect();
    let made = workspaces.iter().map(|workspace| doctor.clients.client_for(&workspace.endpoint));
    let made = made.collect::<Result<Vec<_>, _>>().map_err(DoctorError::HttpClient)?;
    let reports = workspaces.iter().zip(&made).map(|(workspace, http)| doctor.workspace(workspace, http));
    let targets = join_all(reports).await.into_iter().flatten().collect();
    let collectors = join_all(workspaces.iter().map(|workspace| doctor.collectors(workspace))).await;
    let console_calls = console_checks::calls_per_day(config, &discovered);
    let collectors = collectors.into_iter().flatten().collect();
    Ok(Report::new(discovered.reports, targets, collectors, console_calls, config.max_series))
}

impl Doctor<'_> {
    async fn workspace(&self, workspace: &config::Workspace, http: &reqwest::Client) -> Vec<TargetReport> {
        let provider = &self.provider(&workspace.credentials);
        let endpoint = &workspace.endpoint;
        let dns = endpoint_probe::dns(&self.clients, endpoint);
        let (credentials, dns) = tokio::join!(self.credentials(provider), dns);
        let (tls, clock) = match dns.status {
            Status::Failed => (Check::skipped("tls", "no address"), Check::skipped("clock", "no address")),
            _ => endpoint_probe::endpoint(http, endpoint, self.clock).await,
        };
        let reachable = dns.status != Status::Failed && tls.status != Status::Failed;
        let may_call = credentials.status != Status::Failed && reachable;
        let checks = vec![credentials, dns, tls, clock];
        let client = self.client(workspace, provider, http.clone());
        let mut reports = Vec::new();
        let mut namespaces = HashSet::new();
        for target in workspace.targets() {
            let mut report = TargetReport::new(workspace, target, checks.clone());
            report.origin = provider.origin();
            report.credentials_expire = provider.expiry().map(|expiry| expiry.as_secs());
            let of_workspace = namespaces.is_empty();
            let first = FirstTarget { of_namespace: namespaces.insert(&target.namespace), of_workspace };
            if may_call {
                self.call(&client, workspace, target, &mut report).await;
                if report.outcome == "success" {
                    collector_checks::check(&client, workspace, target, first, &mut report).await;
                }
            } else {
                report.checks.push(Check::skipped("call", "a step before it failed"));
            }
            reports.push(report);
        }
        reports
    }

    fn client(
        &self,
        workspace: &config::Workspace,
        provider: &Arc<dyn ProvideCredentials>,
        http: reqwest::Client,
    ) -> api::Client {
        api::Client::new(
            api::Workspace {
                id: workspace.id.clone(),
                endpoint: api::Endpoint::new(&workspace.endpoint),
                credentials: provider.clone(),
                account_rate: self.account_rate.clone(),
            },
            http,
            self.settings.clone(),
            self.telemetry.api(&workspace.id),
            self.progress.clone(),
            self.clock,
        )
    }

    async fn call(
        &self,
        client: &api::Client,
        workspace: &config::Workspace,
        target: &config::Target,
        report: &mut TargetReport,
    ) {
        let query = DeploymentsQuery {
            namespace: target.namespace.clone(),
            selection: target.selection.clone(),
            operation: target.operation,
            fields: Arc::new(self.config.metrics.clone()),
        };
        let deadline = Instant::now() + target.poll.timeout;
        let listed = timeout_at(deadline, query.list(client, deadline)).await;
        let timed_out =
            |_| Err(ApiError::new(ErrorClass::Timeout, Retry::Backoff, "no time left (poll.timeout)"));
        match listed.unwrap_or_else(timed_out) {
            Ok(listing) => {
                self.succeeded(workspace, target, &listing, report);
                jobs_check::check(client, workspace, target, &listing, report).await;
            }
            Err(error) => failed(target.operation, &error, report),
        }
    }

    fn succeeded(
        &self,
        workspace: &config::Workspace,
        target: &config::Target,
        listing: &Listing<Deployment>,
        report: &mut TargetReport,
    ) {
        let deployments = listing.items.len();
        let labels = &self.config.metrics.labels;
        let series = series(&workspace.id, &target.namespace, listing, labels);
        report.request_id.clone_from(&listing.request_id);
        report.outcome = "success";
        report.deployments = Some(deployments);
        report.series = Some(series.total());
        report.series_by_metric = series;
        report.api_calls_per_day = Some(per_day(target.poll.interval) * listing.pages as f64);
        let detail =
            format!("{}: {deployments} deployments, pages read: {}", target.operation, listing.pages);
        report.checks.push(Check::ok("call", detail));
        if deployments == 0 && !target.selection.to_string().is_empty() {
            let hint = "an empty selection is no fault, unless the filter is mistyped";
            report.checks.push(Check::warning("selection", "no deployment matches", hint));
        }
    }
}

/// The series of a poll.
fn series(
    workspace: &str,
    namespace: &str,
    listing: &Listing<Deployment>,
    labels: &LabelKeys,
) -> SeriesCounts {
    let labels = ExportedLabels::new(labels);
    let deployments = listing.items.iter().map(|deployment| (deployment, first_transitions(deployment)));
    families::group(workspace, namespace, deployments, &labels).series()
}

/// The transitions of a first poll. The number of series does not depend on the status.
fn first_transitions(deployment: &Deployment) -> Transitions {
    let status = ObservedStatus { status: DeploymentStatus::Unknown, since: None };
    Transitions {
        status: (!deployment.jobs.is_empty()).then_some(status),
        jobs_ended: JobState::ENDED.map(|state| deployment.jobs.get(state).map(|_| 0)),
    }
}

fn failed(operation: DeploymentsOperation, error: &ApiError, report: &mut TargetReport) {
    report.outcome = error.class().as_str();
    report.request_id = error.request_id().map(str::to_owned);
    if error.is_ram_denial() {
        let named = error.denied_action().map(str::to_owned);
        report.missing_permission = Some(named.unwrap_or_else(|| format!("stream:{operation}")));
    }
    let hint = match &report.missing_permission {
        Some(action) => format!("allow the RAM action {action} on * to the user or role above"),
        None => remedies::of(error).to_owned(),
    };
    report.checks.push(Check::failed("call", format!("{operation}: {error}"), hint));
}
