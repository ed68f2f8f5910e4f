//! Checks with the console API: discovery, and the collectors that the credentials permit.

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use futures_util::future::join_all;
use tokio::time::Instant;
use url::Url;

use super::{
    Check, CollectorReport, DiscoveryReport, Status,
    call_rate::{DAY, per_day},
    check_context::{Console, Doctor},
    endpoint_probe,
    report::{WorkspaceCounts, endpoint},
};
use crate::{
    api::{self, ApiError, Client, RateLimiter},
    collectors,
    config::{self, DiscoveryEntry},
    console::{ConsoleListings, ListEditableNamespace, SharedListing},
    credentials,
    discovery::{
        Discovery, DiscoveryLoop, DiscoverySelection, EntrySettings, EntryStatus, FoundWorkspaces,
        ListingSource, Listings, StateCounts,
    },
    model::{CollectorName, ErrorClass, TargetId},
    poll::Schedule,
    store::Store,
};

/// An interval that is long enough to list only once.
const ONCE: Duration = DAY;

/// The results of discovery.
pub(super) struct Discovered {
    pub(super) reports: Vec<DiscoveryReport>,
    pub(super) workspaces: Vec<config::Workspace>,
}

impl Doctor<'_> {
    /// Runs discovery once.
    pub(super) async fn discover(&self) -> Result<Discovered, reqwest::Error> {
        let entries = self.config.entries();
        let settings: Result<Vec<_>, _> =
            entries.iter().map(|(entry, selection)| self.settings(entry, selection)).collect();
        let settings = settings?;
        let discovery = Arc::new(Discovery::new(Arc::new(Store::new(self.clock)), self.clock));
        discovery.set_entries(settings.clone(), self.config.listed_ids());
        let checks = join_all(entries.iter().map(|(entry, _)| self.preflight(entry))).await;
        let attempts = settings.into_iter().zip(&checks).map(|(settings, (_, may_call))| {
            let discovery_loop = self.discovery_loop(settings, &discovery);
            async move {
                if *may_call {
                    discovery_loop.attempt().await;
                }
            }
        });
        join_all(attempts).await;
        let (statuses, found) = (discovery.statuses(), discovery.found());
        let workspaces = entries.iter().zip(&found).flat_map(|((entry, _), found)| {
            found.workspaces.iter().map(|(id, workspace)| entry.workspace(id, workspace))
        });
        let workspaces = workspaces.collect();
        let reports = entries.iter().zip(checks).zip(statuses).zip(&found);
        let reports = reports
            .map(|((((entry, _), (checks, _)), status), found)| self.entry(entry, checks, status, found));
        Ok(Discovered { reports: reports.collect(), workspaces })
    }

    /// The checks before the first call, and whether the call is possible.
    async fn preflight(&self, entry: &DiscoveryEntry) -> (Vec<Check>, bool) {
        let provider = self.provider(&entry.credentials);
        let dns = endpoint_probe::dns(&self.clients, &entry.console_endpoint);
        let (credentials, dns) = tokio::join!(self.credentials(&provider), dns);
        let may_call = credentials.status != Status::Failed && dns.status != Status::Failed;
        (vec![credentials, dns], may_call)
    }

    fn entry(
        &self,
        entry: &DiscoveryEntry,
        mut checks: Vec<Check>,
        status: EntryStatus,
        found: &FoundWorkspaces,
    ) -> DiscoveryReport {
        checks.push(match (status.up, &status.problem, status.source) {
            (None, ..) => Check::skipped("discovery", "a step before it failed"),
            (Some(true), _, Some(source)) => Check::ok("discovery", summary(source, &status)),
            (_, problem, _) => {
                let hint = "docs/discovery.md has the RAM policies";
                Check::failed("discovery", problem.clone().unwrap_or_default(), hint)
            }
        });
        let listings = match status.source {
            Some(ListingSource::Editable) => 1,
            _ => 1 + found.workspaces.len(),
        };
        let calls = per_day(entry.interval) * listings as f64;
        DiscoveryReport {
            name: status.name,
            region: status.region,
            endpoint: endpoint(&entry.console_endpoint),
            origin: self.provider(&entry.credentials).origin(),
            source: status.source.map(|source| source.to_string()),
            workspaces: WorkspaceCounts::from(status.workspaces),
            namespaces: WorkspaceCounts::from(status.namespaces),
            api_calls_per_day: (status.up == Some(true)).then_some(calls),
            checks,
        }
    }

    /// Whether the credentials permit each collector of a workspace, enabled or not.
    pub(super) async fn collectors(&self, workspace: &config::Workspace) -> Vec<CollectorReport> {
        let (Some(region), Some(endpoint)) = (&workspace.region, &workspace.console_endpoint) else {
            return Vec::new();
        };
        // Without credentials, permissions are unknown.
        if self.provider(&workspace.credentials).credentials().await.is_err() {
            return Vec::new();
        }
        let Ok(listings) = self.listings(region, endpoint, &workspace.credentials) else { return Vec::new() };
        let timeout = self.config.poll.timeout;
        let instances = listings.workspaces(ONCE, timeout).await.result.map(drop);
        let namespaces = match (&instances, listings.instance_id(&workspace.id)) {
            (Ok(()), Some(id)) => Some(listings.namespaces(&id, ONCE, timeout).await.result.map(drop)),
            // The workspace is not in the listing.
            (Ok(()), None) => None,
            (Err(error), _) => Some(Err(error.clone())),
        };
        vec![
            collector(workspace, collectors::workspaces::NAME, Some(instances)),
            collector(workspace, collectors::namespaces::NAME, namespaces),
        ]
    }

    fn settings(
        &self,
        entry: &DiscoveryEntry,
        selection: &DiscoverySelection,
    ) -> Result<EntrySettings, reqwest::Error> {
        let client = self.region_client(&entry.endpoint, &entry.credentials)?;
        let operation = ListEditableNamespace { region: entry.region.clone() };
        let editable = SharedListing::new(client, operation, self.telemetry.clone());
        Ok(EntrySettings {
            name: entry.name.clone(),
            region: entry.region.clone(),
            interval: ONCE,
            timeout: entry.namespaces.poll.timeout,
            selection: selection.clone(),
            location: entry.location(),
            listings: Listings {
                console: self.listings(&entry.region, &entry.console_endpoint, &entry.credentials)?,
                editable: Arc::new(editable),
            },
        })
    }

    /// The listings of a region, shared by entries and workspaces.
    fn listings(
        &self,
        region: &str,
        endpoint: &Url,
        credentials: &Arc<credentials::ProviderConfig>,
    ) -> Result<Arc<ConsoleListings>, reqwest::Error> {
        let mut consoles = self.consoles.lock();
        let same = |console: &&Console| {
            console.region == region && console.endpoint == *endpoint && console.credentials == *credentials
        };
        if let Some(console) = consoles.iter().find(same) {
            return Ok(console.listings.clone());
        }
        let client = self.region_client(endpoint, credentials)?;
        let listings = Arc::new(ConsoleListings::new(region, client, self.telemetry.clone()));
        consoles.push(Console {
            region: region.to_owned(),
            endpoint: endpoint.clone(),
            credentials: credentials.clone(),
            listings: listings.clone(),
        });
        Ok(listings)
    }

    fn region_client(
        &self,
        endpoint: &Url,
        credentials: &Arc<credentials::ProviderConfig>,
    ) -> Result<Arc<Client>, reqwest::Error> {
        let region = api::Region {
            endpoint: api::Endpoint::new(endpoint),
            credentials: self.provider(credentials),
            rate: Arc::new(RateLimiter::new(self.settings.console_requests_per_second)),
        };
        let http = self.clients.client_for(endpoint)?;
        let metrics = self.telemetry.api("");
        Ok(Arc::new(Client::for_region(
            region,
            http,
            self.settings.clone(),
            metrics,
            self.progress.clone(),
            self.clock,
        )))
    }

    fn discovery_loop(&self, settings: EntrySettings, discovery: &Arc<Discovery>) -> DiscoveryLoop {
        let id = TargetId {
            workspace: settings.name.clone(),
            namespace: String::new(),
            collector: "discovery",
            selection: String::new(),
        };
        let now = Instant::now();
        DiscoveryLoop {
            schedule: Schedule::new(&id, settings.interval, now, now, self.clock.since_epoch()),
            settings,
            discovery: discovery.clone(),
            started: AtomicBool::new(false),
        }
    }
}

fn summary(source: ListingSource, status: &EntryStatus) -> String {
    let text = |counts: StateCounts| {
        let StateCounts { polled, excluded, not_running, missing: _ } = counts;
        format!("{polled} polled, {excluded} excluded, {not_running} not running")
    };
    format!("by {source}\nworkspaces: {}\nnamespaces: {}", text(status.workspaces), text(status.namespaces))
}

fn collector(
    workspace: &config::Workspace,
    name: CollectorName,
    result: Option<Result<(), ApiError>>,
) -> CollectorReport {
    let enabled = workspace.collectors.get(name);
    let denied = |error: &ApiError| error.class() == ErrorClass::Permission;
    let permitted = match &result {
        Some(Ok(())) => Some(true),
        Some(Err(error)) if denied(error) => Some(false),
        _ => None,
    };
    let missing = result.as_ref().and_then(|result| result.as_ref().err()).filter(|error| denied(error));
    // The first action is that of the collector's own operation.
    let action = collectors::by_name(name).and_then(|collector| collector.ram_actions().first().copied());
    let missing = missing.and_then(|error| error.denied_action().or(action)).map(str::to_owned);
    CollectorReport {
        workspace: workspace.id.clone(),
        collector: name,
        enabled: enabled.is_some(),
        by_default: enabled.is_some_and(|enabled| enabled.by_default),
        permitted,
        missing_permission: missing,
        error: result.and_then(Result::err).filter(|error| !denied(error)).map(|error| error.to_string()),
    }
}

/// The requests per day to the console API. Each listing counts with the smallest interval of its consumers.
pub(super) fn calls_per_day(config: &config::Config, discovered: &Discovered) -> f64 {
    let entries = config.entries();
    let mut instances: Vec<(Region<'_>, Duration)> = Vec::new();
    let mut calls = 0.0;
    for ((entry, _), report) in entries.iter().zip(&discovered.reports) {
        if report.source.as_deref() == Some(ListingSource::Editable.to_string().as_str()) {
            calls += per_day(entry.interval);
        } else {
            share(
                &mut instances,
                (&entry.region, &entry.console_endpoint, &entry.credentials),
                entry.interval,
            );
        }
    }
    let listed = config.listed().map(|workspace| (workspace, None));
    let found = discovered.workspaces.iter().map(|workspace| {
        let entry = entries.iter().map(|(entry, _)| entry);
        let mut same = entry.filter(|entry| {
            workspace.region.as_ref() == Some(&entry.region) && entry.credentials == workspace.credentials
        });
        (workspace, same.next().map(|entry| entry.interval))
    });
    for (workspace, discovery) in listed.chain(found) {
        let (Some(region), Some(endpoint)) = (&workspace.region, &workspace.console_endpoint) else {
            continue;
        };
        let console = [collectors::workspaces::NAME, collectors::namespaces::NAME];
        let intervals = console.into_iter().filter_map(|name| Some(workspace.collectors.get(name)?.interval));
        if let Some(smallest) = intervals.min() {
            share(&mut instances, (region, endpoint, &workspace.credentials), smallest);
        }
        let namespaces =
            workspace.collectors.get(collectors::namespaces::NAME).map(|enabled| enabled.interval);
        calls += namespaces.into_iter().chain(discovery).min().map_or(0.0, per_day);
    }
    calls + instances.into_iter().map(|(_, interval)| per_day(interval)).sum::<f64>()
}

type Region<'a> = (&'a String, &'a Url, &'a Arc<credentials::ProviderConfig>);

fn share<'a>(listings: &mut Vec<(Region<'a>, Duration)>, region: Region<'a>, interval: Duration) {
    match listings.iter_mut().find(|(known, _)| *known == region) {
        Some((_, smallest)) => *smallest = interval.min(*smallest),
        None => listings.push((region, interval)),
    }
}
