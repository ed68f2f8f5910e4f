//! Attempts over the simulated API: which source is chosen, and what failures leave as it was.

use std::{sync::atomic::AtomicBool, time::Duration};

use tokio::{
    net::TcpListener,
    time::{Instant, timeout},
};
use tokio_util::sync::{CancellationToken, DropGuard};
use url::Url;

use super::*;
use crate::{
    api::{Client, Endpoint, HttpClients, ListingProgress, RateLimiter, Region, Settings},
    clock::Clock,
    console::{ConsoleListings, ListEditableNamespace, SharedListing},
    credentials::{Credentials, Static},
    model::{DEPLOYMENTS, ErrorClass, PollOutcome, TargetId},
    poll::{PollObserver as _, Schedule, Supervised as _},
    simulator::{self, Faults, Operation, Simulator},
    store::Store,
    telemetry::Telemetry,
};

const REGION: &str = "cn-hangzhou";
const DENIED: [Operation; 2] = [Operation::DescribeInstances, Operation::DescribeNamespaces];

/// A simulated region and an exporter's discovery of it.
struct Cloud {
    simulator: Arc<Simulator>,
    discovery: Arc<Discovery>,
    location: RegionAccess,
    listings: Listings,
    _serving: DropGuard,
}

impl Cloud {
    async fn start(denied: &[Operation]) -> Self {
        let settings = simulator::Settings {
            workspaces: 2,
            namespaces: 2,
            deployments: 0,
            denied: denied.to_vec(),
            ..simulator::Settings::default()
        };
        let simulator = Arc::new(Simulator::new(settings, Clock::System));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let shutdown = CancellationToken::new();
        tokio::spawn(simulator.clone().serve(listener, shutdown.clone()));
        let client = Arc::new(client(&url));
        let telemetry = Telemetry::new().unwrap();
        let operation = ListEditableNamespace { region: REGION.to_owned() };
        let listings = Listings {
            console: Arc::new(ConsoleListings::new(REGION, client.clone(), telemetry.clone())),
            editable: Arc::new(SharedListing::new(client, operation, telemetry)),
        };
        let store = Arc::new(Store::new(Clock::System));
        let discovery = Arc::new(Discovery::new(store, Clock::System));
        let location =
            RegionAccess { endpoint: url.clone(), console_endpoint: url, credentials: Arc::default() };
        Self { simulator, discovery, location, listings, _serving: shutdown.drop_guard() }
    }

    /// A loop of an entry for everything, which never lists on its own.
    fn everything(&self) -> Arc<DiscoveryLoop> {
        self.entry("e", everything())
    }

    fn entry(&self, name: &str, selection: DiscoverySelection) -> Arc<DiscoveryLoop> {
        let settings = self.settings(name, selection);
        self.discovery.set_entries(vec![settings.clone()], BTreeSet::new());
        self.discovery_loop(settings)
    }

    fn settings(&self, name: &str, selection: DiscoverySelection) -> EntrySettings {
        EntrySettings {
            name: name.to_owned(),
            region: REGION.to_owned(),
            // Shorter than an attempt takes, so that no result is used twice.
            interval: Duration::from_nanos(1),
            timeout: Duration::from_secs(60),
            selection,
            location: self.location.clone(),
            listings: self.listings.clone(),
        }
    }

    fn discovery_loop(&self, settings: EntrySettings) -> Arc<DiscoveryLoop> {
        let id = TargetId {
            workspace: settings.name.clone(),
            namespace: String::new(),
            collector: "discovery",
            selection: String::new(),
        };
        let (now, hour) = (Instant::now(), Duration::from_secs(3600));
        Arc::new(DiscoveryLoop {
            settings,
            discovery: self.discovery.clone(),
            schedule: Schedule::new(&id, hour, now + hour, now, Duration::ZERO),
            started: AtomicBool::new(false),
        })
    }

    /// The polled namespaces, each as `index of the workspace/namespace`.
    fn polled(&self) -> Vec<String> {
        let workspaces = self.simulator.workspaces();
        let found = self.discovery.found().into_iter().flat_map(|found| found.workspaces);
        let polled = found.flat_map(|(id, workspace)| {
            let index = workspaces.iter().position(|known| *known == id);
            let index = index.map_or_else(|| "gone".to_owned(), |index| index.to_string());
            workspace.namespaces.into_iter().map(move |name| format!("{index}/{name}"))
        });
        let mut polled: Vec<_> = polled.collect();
        polled.sort();
        polled
    }

    fn status(&self) -> EntryStatus {
        self.discovery.statuses().remove(0)
    }

    fn up(&self) -> Option<bool> {
        self.status().up
    }

    fn requests(&self, operation: Operation) -> u64 {
        let seen = self.simulator.requests_seen();
        seen.iter().filter(|((name, _), _)| *name == operation.as_str()).map(|(_, count)| count).sum()
    }
}

fn client(url: &Url) -> Client {
    let settings = Settings { max_retries: 0, ..Settings::default() };
    let credentials = Credentials {
        access_key_id: "the-id".into(),
        access_key_secret: "the-secret".into(),
        security_token: None,
    };
    let region = Region {
        endpoint: Endpoint::new(url),
        credentials: Arc::new(Static::new(credentials)),
        rate: Arc::new(RateLimiter::new(10_000.0)),
    };
    let http = HttpClients::new(&settings, &outbound_http::Proxies::default()).client_for(url).unwrap();
    let metrics = Telemetry::new().unwrap().api("");
    Client::for_region(region, http, settings, metrics, Arc::new(ListingProgress::default()), Clock::System)
}

fn tagged() -> DiscoverySelection {
    let mut selection = everything();
    if let WorkspaceSelection::Matching(filter) = &mut selection.workspaces {
        filter.tags = vec![("env".to_owned(), "prod".to_owned())];
    }
    selection
}

#[tokio::test]
async fn workspaces_and_namespaces_are_found_if_both_actions_are_permitted() {
    let cloud = Cloud::start(&[]).await;
    let entry = cloud.everything();
    assert_eq!((cloud.up(), cloud.discovery.is_complete()), (None, false));
    entry.attempt().await;
    assert_eq!(cloud.polled().len(), 4, "{:?}", cloud.polled());
    let status = cloud.status();
    assert_eq!((status.up, status.source), (Some(true), Some(ListingSource::Console)));
    assert!(status.last_success.is_some() && cloud.discovery.is_complete());
    let counts = StateCounts { polled: 2, not_running: 2, ..StateCounts::default() };
    assert_eq!(status.workspaces, counts, "one is overdue, and one is being created");
    assert_eq!(status.namespaces, StateCounts { polled: 4, not_running: 1, ..StateCounts::default() });
    assert_eq!(cloud.requests(Operation::ListEditableNamespace), 0);
}

#[tokio::test]
async fn without_an_action_editable_namespaces_are_listed_instead() {
    for denied in [&DENIED[..1], &DENIED[1..], &DENIED] {
        let cloud = Cloud::start(denied).await;
        let entry = cloud.everything();
        entry.attempt().await;
        assert_eq!(cloud.polled().len(), 4, "{denied:?}");
        assert_eq!((cloud.up(), cloud.status().source), (Some(true), Some(ListingSource::Editable)));
        let instances = cloud.requests(Operation::DescribeInstances);
        entry.attempt().await;
        assert_eq!(cloud.requests(Operation::DescribeInstances), instances, "the source is kept");
        let workspace = &cloud.simulator.workspaces()[0];
        let denies = |collector| cloud.discovery.denies("e", collector, workspace);
        assert_eq!(denies("workspaces"), denied.contains(&Operation::DescribeInstances));
        assert!(denies("namespaces"));
    }
}

#[tokio::test]
async fn a_filter_that_needs_names_or_tags_does_not_use_editable_namespaces() {
    for selection in [tagged(), except(&["*-old"], &[])] {
        let cloud = Cloud::start(&DENIED[..1]).await;
        cloud.entry("e", selection).attempt().await;
        assert_eq!((cloud.up(), cloud.polled().len()), (Some(false), 0));
        let problem = cloud.status().problem.unwrap();
        assert!(problem.contains("stream:DescribeVvpInstances"), "{problem}");
        assert_eq!(cloud.requests(Operation::ListEditableNamespace), 0);
    }
    let cloud = Cloud::start(&DENIED[..1]).await;
    cloud.entry("e", except(&["ffff*"], &[])).attempt().await;
    assert_eq!((cloud.up(), cloud.polled().len()), (Some(true), 4), "a pattern of ids does");
}

#[tokio::test]
async fn without_any_permission_the_remedy_is_named() {
    let cloud = Cloud::start(&[&DENIED[..], &[Operation::ListEditableNamespace]].concat()).await;
    let entry = cloud.everything();
    entry.attempt().await;
    let status = cloud.status();
    assert_eq!((status.up, status.source, cloud.polled().len()), (Some(false), None, 0));
    let problem = status.problem.unwrap();
    for remedy in ["stream:DescribeVvpInstances", "stream:DescribeVvpNamespaces", "a role in the console"] {
        assert!(problem.contains(remedy), "{problem}");
    }
    cloud.simulator.set_denied(Vec::new());
    entry.attempt().await;
    assert_eq!((cloud.up(), cloud.status().source), (Some(true), Some(ListingSource::Console)));
}

#[tokio::test]
async fn a_lost_permission_keeps_the_polled_targets() {
    for denied in [&DENIED[..1], &DENIED[1..], &DENIED] {
        let cloud = Cloud::start(&[]).await;
        let entry = cloud.everything();
        entry.attempt().await;
        let (polled, last_success) = (cloud.polled(), cloud.status().last_success);
        cloud.simulator.set_denied(denied.to_vec());
        for _ in 0..3 {
            entry.attempt().await;
            assert_eq!((cloud.polled(), cloud.up()), (polled.clone(), Some(false)));
        }
        assert_eq!(cloud.status().last_success, last_success);
        assert_eq!(cloud.requests(Operation::ListEditableNamespace), 0, "the source is decided");
        let workspace = &cloud.simulator.workspaces()[0];
        assert!(!cloud.discovery.denies("e", "namespaces", workspace), "it has succeeded before");
        cloud.simulator.set_denied(Vec::new());
        entry.attempt().await;
        assert_eq!((cloud.polled(), cloud.up()), (polled, Some(true)));
    }
}

#[tokio::test]
async fn namespaces_are_listed_without_permission_to_list_workspaces() {
    let cloud = Cloud::start(&[]).await;
    let entry = cloud.everything();
    entry.attempt().await;
    cloud.simulator.set_denied(vec![Operation::DescribeInstances]);
    let workspace = cloud.simulator.workspaces()[0].clone();
    cloud.simulator.add_namespace(&workspace, "new", 0);
    entry.attempt().await;
    assert!(cloud.polled().contains(&"0/new".to_owned()), "{:?}", cloud.polled());
    assert_eq!(cloud.up(), Some(false));
}

#[tokio::test]
async fn every_fault_keeps_the_polled_targets() {
    let cloud = Cloud::start(&[]).await;
    let entry = cloud.everything();
    entry.attempt().await;
    let polled = cloud.polled();
    let none = Faults::default();
    for faults in [
        Faults { throttle: 1.0, ..none },
        Faults { server_error: 1.0, ..none },
        Faults { reset: 1.0, ..none },
        Faults { truncate: 1.0, ..none },
        Faults { unsuccessful: 1.0, ..none },
    ] {
        cloud.simulator.set_faults(faults);
        for _ in 0..3 {
            entry.attempt().await;
            assert_eq!((cloud.polled(), cloud.up()), (polled.clone(), Some(false)), "{faults:?}");
        }
    }
    cloud.simulator.set_faults(none);
    entry.attempt().await;
    assert_eq!((cloud.polled(), cloud.up()), (polled, Some(true)));
}

#[tokio::test]
async fn a_target_is_removed_after_two_listings_without_it_and_added_after_one() {
    let cloud = Cloud::start(&[]).await;
    let entry = cloud.everything();
    entry.attempt().await;
    let polled = cloud.polled();
    let second = cloud.simulator.workspaces()[1].clone();
    cloud.simulator.set_workspace_listed(&second, false);
    entry.attempt().await;
    assert_eq!(cloud.polled().len(), 4);
    assert_eq!((cloud.status().workspaces.missing, cloud.up()), (1, Some(true)));
    entry.attempt().await;
    assert_eq!(cloud.polled().len(), 2);
    cloud.simulator.set_workspace_listed(&second, true);
    entry.attempt().await;
    assert_eq!(cloud.polled(), polled);
}

#[tokio::test]
async fn a_poll_that_finds_nothing_causes_a_listing_once_a_minute() {
    let cloud = Cloud::start(&[]).await;
    let entry = cloud.everything();
    entry.attempt().await;
    let workspace = cloud.simulator.workspaces()[0].clone();
    let listed = || cloud.requests(Operation::DescribeNamespaces);
    let before = (cloud.requests(Operation::DescribeInstances), listed());
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(entry.clone().run(shutdown.clone()));
    let gone = TargetId {
        workspace: workspace.clone(),
        namespace: "gone".to_owned(),
        collector: DEPLOYMENTS,
        selection: String::new(),
    };
    let not_found = PollOutcome::Failure(ErrorClass::NotFound);
    let mut changes = cloud.discovery.changes();
    for class in [ErrorClass::Network, ErrorClass::Permission] {
        cloud.discovery.polled(&gone, PollOutcome::Failure(class));
    }
    cloud.discovery.polled(&gone, not_found);
    while cloud.requests(Operation::DescribeInstances) == before.0 || listed() == before.1 {
        timeout(Duration::from_secs(60), changes.changed()).await.unwrap().unwrap();
    }
    assert_eq!(listed(), before.1 + 1, "the namespaces of this workspace alone");
    cloud.discovery.polled(&gone, not_found);
    let due = cloud.discovery.early_due("e").unwrap();
    assert!(due > Instant::now() + Duration::from_secs(30), "not again within a minute");
    shutdown.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn a_listed_workspace_has_an_entry_of_its_own() {
    let cloud = Cloud::start(&[]).await;
    let id = cloud.simulator.workspaces()[1].clone();
    let own = cloud.settings(&id, listed(&id));
    let region = cloud.settings("region", everything());
    cloud.discovery.set_entries(vec![own.clone(), region.clone()], BTreeSet::new());
    for settings in [own, region] {
        cloud.discovery_loop(settings).attempt().await;
    }
    let statuses = cloud.discovery.statuses();
    assert_eq!(statuses.iter().map(|status| status.namespaces.polled).collect::<Vec<_>>(), [2, 2]);
    assert_eq!(statuses[0].workspaces, StateCounts { polled: 1, ..StateCounts::default() });
    assert_eq!(cloud.requests(Operation::DescribeNamespaces), 4, "not twice for the listed one");
}

#[tokio::test]
async fn a_reload_keeps_discovered_targets_and_selects_the_source_of_a_changed_entry_again() {
    let cloud = Cloud::start(&[]).await;
    cloud.everything().attempt().await;
    let before = cloud.status();
    assert!(cloud.discovery.set_entries(vec![cloud.settings("e", everything())], BTreeSet::new()).is_empty());
    assert_eq!(cloud.status(), before);
    let changed = cloud.settings("e", except(&[], &["default-namespace"]));
    assert_eq!(cloud.discovery.set_entries(vec![changed], BTreeSet::new()), BTreeSet::from(["e".to_owned()]));
    assert_eq!((cloud.status().source, cloud.up()), (None, Some(true)));
    assert!(cloud.status().namespaces.excluded > 0, "filters act at once");
    cloud.everything().attempt().await;
    let found = cloud.polled();
    let mut other_clients = cloud.settings("e", everything());
    other_clients.listings = Cloud::start(&[]).await.listings;
    assert_eq!(cloud.discovery.set_entries(vec![other_clients.clone()], BTreeSet::new()).len(), 1);
    assert_eq!((cloud.polled(), cloud.status().source), (found.clone(), Some(ListingSource::Console)));
    other_clients.location.endpoint.set_port(Some(1)).unwrap();
    cloud.discovery.set_entries(vec![other_clients], BTreeSet::new());
    assert_eq!((cloud.polled(), cloud.status().source), (found, None), "another endpoint");
    let renamed = cloud.settings("f", everything());
    cloud.discovery.set_entries(vec![renamed], BTreeSet::new());
    assert_eq!((cloud.polled().len(), cloud.up()), (0, None));
}

#[tokio::test]
async fn discovered_targets_are_restored_and_kept_during_an_outage() {
    let cloud = Cloud::start(&[]).await;
    let entry = cloud.everything();
    entry.attempt().await;
    let mut saved = cloud.discovery.inventories().to_entries();
    saved.insert(b"x".to_vec(), b"{}".to_vec());
    let polled = cloud.polled();

    let store = Arc::new(Store::new(Clock::System));
    let restarted = Arc::new(Discovery::new(store, Clock::System));
    let cloud = Cloud { discovery: restarted, ..cloud };
    let entry = cloud.everything();
    let (snapshot, unreadable) = SavedInventories::from_entries(saved);
    assert_eq!(unreadable, 1);
    cloud.discovery.restore(snapshot);
    assert_eq!((cloud.polled(), cloud.up()), (polled.clone(), None));
    cloud.simulator.set_faults(Faults { server_error: 1.0, ..Faults::default() });
    entry.attempt().await;
    assert_eq!((cloud.polled(), cloud.up()), (polled, Some(false)));
    assert!(cloud.discovery.is_complete());
}
