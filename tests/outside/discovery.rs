//! Discovery of workspaces and namespaces that are created and deleted while the exporter runs.

use std::sync::Arc;

use aliyun_flink_exporter::{
    clock::Clock,
    simulator::{Faults, Operation, Settings, Simulator},
};
use reqwest::Method;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::support::{Exposition, Program, Start};

const NAMESPACES: &str = "aliyun_flink_discovery_namespaces";

/// A simulated region: two workspaces with two namespaces each, one that is overdue and one that is being created.
struct Region {
    simulator: Arc<Simulator>,
    endpoint: String,
    _serving: DropGuard,
}

impl Region {
    async fn start() -> Self {
        Self::of_account("a14bd5d90a0123", Start::ID, Start::SECRET).await
    }

    /// A region of another account; `workspace` is the ID of its first workspace.
    async fn of_account(workspace: &str, id: &str, secret: &str) -> Self {
        let settings = Settings {
            access_key: Some((id.to_owned(), secret.into())),
            workspace: Some(workspace.to_owned()),
            seed: u64::from(workspace.as_bytes()[0]),
            workspaces: 2,
            namespaces: 2,
            deployments: 3,
            ..Settings::default()
        };
        let simulator = Arc::new(Simulator::new(settings, Clock::System));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let stopping = CancellationToken::new();
        tokio::spawn(simulator.clone().serve(listener, stopping.clone()));
        Self { simulator, endpoint, _serving: stopping.drop_guard() }
    }

    fn workspace(&self, index: usize) -> String {
        self.simulator.workspaces()[index].clone()
    }

    /// A configuration that discovers the region every 300 ms; `entry` has more keys of the entry.
    fn yaml(&self, entry: &str) -> String {
        let Self { endpoint, .. } = self;
        format!(
            "poll: {{interval: 300ms, timeout: 20s}}\n\
             api: {{requests_per_second: 1000, account_requests_per_second: 1000, console_requests_per_second: 1000, \
             max_retries: 0}}\n\
             discovery: [{{region: cn-hangzhou, interval: 300ms, endpoint: '{endpoint}', \
             console_endpoint: '{endpoint}'{entry}}}]\n"
        )
    }

    async fn discovered(&self, entry: &str) -> Program {
        Start::daemon().args(&["--web.enable-lifecycle"]).config(&self.yaml(entry)).ready().await
    }
}

/// The number of polled namespaces of a workspace.
fn polled(metrics: &Exposition, workspace: &str) -> usize {
    let targets = metrics.find("aliyun_flink_target_up").label("collector", "deployments");
    targets.label("workspace", workspace).all().len()
}

/// Whether the deployments of a namespace are served.
fn served(metrics: &Exposition, workspace: &str, namespace: &str) -> bool {
    let deployments = metrics.find("aliyun_flink_deployment_info").label("workspace", workspace);
    deployments.label("namespace", namespace).exists()
}

/// Whether any series has the labels of the namespace.
fn mentions(metrics: &Exposition, workspace: &str, namespace: &str) -> bool {
    metrics.series().any(|series| {
        let label = |name: &str, value: &str| series.labels.get(name).is_some_and(|found| found == value);
        label("workspace", workspace) && label("namespace", namespace)
    })
}

fn count(metrics: &Exposition, family: &str, state: &str) -> f64 {
    metrics.find(family).label("state", state).sum()
}

#[tokio::test]
async fn a_created_namespace_is_polled_and_a_deleted_one_is_removed() {
    let region = Region::start().await;
    let program = region.discovered("").await;
    let (first, second) = (region.workspace(0), region.workspace(1));
    let metrics = program.metrics().await;
    assert_eq!(
        (polled(&metrics, &first), polled(&metrics, &second)),
        (2, 2),
        "everything has been polled at readiness"
    );
    metrics
        .find("aliyun_flink_discovery_up")
        .labels(&[("discovery", "cn-hangzhou"), ("region", "cn-hangzhou")]);
    metrics.find("aliyun_flink_discovery_up").value(1.0);
    assert!((count(&metrics, "aliyun_flink_discovery_workspaces", "polled") - 2.0).abs() < 0.5);
    assert!((count(&metrics, "aliyun_flink_discovery_workspaces", "not_running") - 2.0).abs() < 0.5);

    region.simulator.add_namespace(&second, "created", 2);
    let metrics = program.metrics_with("the namespace", |metrics| served(metrics, &second, "created")).await;
    assert!(mentions(&metrics, &second, "created"));

    region.simulator.remove_namespace(&second, "created");
    let gone = |metrics: &Exposition| !mentions(metrics, &second, "created");
    let metrics = program.metrics_with("its end, with all its series", gone).await;
    assert_eq!((polled(&metrics, &first), polled(&metrics, &second)), (2, 2));
    metrics.find("aliyun_flink_discovery_up").value(1.0);
}

#[tokio::test]
async fn targets_that_respond_stay_although_they_are_not_listed() {
    let region = Region::start().await;
    let (first, second) = (region.workspace(0), region.workspace(1));
    let namespace = region.simulator.namespaces()[0].clone();
    let program = region.discovered("").await;
    region.simulator.set_namespace_listed(&first, &namespace, false);
    region.simulator.set_workspace_listed(&second, false);
    let missing = |metrics: &Exposition| {
        count(metrics, NAMESPACES, "missing") > 0.5
            && count(metrics, "aliyun_flink_discovery_workspaces", "missing") > 0.5
    };
    let metrics = program.metrics_with("missing objects", missing).await;
    let listings = |metrics: &Exposition| {
        let requests = metrics.find("aliyun_flink_exporter_api_requests_total");
        requests.label("operation", "DescribeInstances").sum()
    };
    let before = listings(&metrics);
    let metrics =
        program.metrics_with("five more listings", |metrics| listings(metrics) > before + 5.0).await;
    assert_eq!((polled(&metrics, &first), polled(&metrics, &second)), (2, 2));
    assert!(served(&metrics, &first, &namespace));
}

#[tokio::test]
async fn a_stopped_workspace_is_not_polled_and_its_status_is_served() {
    let region = Region::start().await;
    let second = region.workspace(1);
    let program = region.discovered(", collectors: {workspaces: {interval: 300ms}}").await;
    region.simulator.set_workspace_status(&second, "DISABLE");
    let stopped = |metrics: &Exposition| {
        let status = metrics.find("aliyun_flink_workspace_status").label("workspace", &second);
        polled(metrics, &second) == 0 && status.label("status", "DISABLE").exists()
    };
    let metrics = program.metrics_with("the end of polling", stopped).await;
    metrics.find("aliyun_flink_workspace_info").label("workspace", &second).absent();
    metrics.find("aliyun_flink_deployment_info").label("workspace", &second).absent();
    metrics.find("aliyun_flink_discovery_up").value(1.0);
    region.simulator.set_workspace_status(&second, "RUNNING");
    program.metrics_with("polls again", |metrics| polled(metrics, &second) == 2).await;
}

#[tokio::test]
async fn polls_continue_when_discovery_fails() {
    let region = Region::start().await;
    let program = region.discovered("").await;
    let up = |value: f64| {
        move |metrics: &Exposition| {
            (metrics.find("aliyun_flink_discovery_up").one().value - value).abs() < 0.5
        }
    };
    for denied in [Operation::DescribeInstances, Operation::DescribeNamespaces] {
        region.simulator.set_denied(vec![denied]);
        let metrics = program.metrics_with("failed discovery", up(0.0)).await;
        assert_eq!((polled(&metrics, &region.workspace(0)), polled(&metrics, &region.workspace(1))), (2, 2));
        metrics.find(NAMESPACES).label("state", "polled").value(4.0);
        region.simulator.set_denied(Vec::new());
        program.metrics_with("discovery", up(1.0)).await;
    }
    region.simulator.set_faults(Faults { server_error: 1.0, ..Faults::default() });
    let metrics = program.metrics_with("failed discovery", up(0.0)).await;
    metrics.find(NAMESPACES).label("state", "polled").value(4.0);
}

#[tokio::test]
async fn two_accounts_in_one_region_do_not_affect_each_other() {
    let ours = Region::start().await;
    let theirs = Region::of_account("b25ce6ea1b1234", "their-id", "their-secret").await;
    let their_entry = format!(
        "- {{region: cn-hangzhou, name: theirs, interval: 300ms, endpoint: '{0}', console_endpoint: '{0}', \
         credentials: {{type: access_key, access_key_id: their-id, access_key_secret: their-secret}}}}\n",
        theirs.endpoint
    );
    let ours_alone = ours.yaml("");
    let (before, entry) = ours_alone.split_once("discovery: [").unwrap();
    let yaml = format!("{before}discovery:\n- {}\n{their_entry}", entry.trim_end().trim_end_matches(']'));
    let program = Start::daemon().config(&yaml).ready().await;

    let all_polled = |metrics: &Exposition| {
        for region in [&ours, &theirs] {
            for index in 0..2 {
                assert_eq!(polled(metrics, &region.workspace(index)), 2);
                let up = metrics.find("aliyun_flink_target_up").label("workspace", &region.workspace(index));
                assert!(up.all().iter().all(|series| series.value > 0.5), "each with its own credentials");
            }
        }
    };
    let metrics = program.metrics().await;
    all_polled(&metrics);
    for name in ["cn-hangzhou", "theirs"] {
        metrics.find("aliyun_flink_discovery_up").label("discovery", name).value(1.0);
        let namespaces = metrics.find(NAMESPACES).label("discovery", name).label("state", "polled");
        assert!((namespaces.sum() - 4.0).abs() < 0.5, "{name}");
    }

    theirs.simulator.set_denied(vec![Operation::DescribeInstances]);
    let failed = |metrics: &Exposition| {
        metrics.find("aliyun_flink_discovery_up").label("discovery", "theirs").one().value < 0.5
    };
    let metrics = program.metrics_with("failed discovery of one account", failed).await;
    metrics.find("aliyun_flink_discovery_up").label("discovery", "cn-hangzhou").value(1.0);
    all_polled(&metrics);
}

#[tokio::test]
async fn without_console_permissions_editable_namespaces_are_polled_and_console_collectors_are_off() {
    let region = Region::start().await;
    region.simulator.set_denied(vec![Operation::DescribeInstances]);
    let program = region.discovered("").await;
    let metrics = program.metrics().await;
    assert_eq!((polled(&metrics, &region.workspace(0)), polled(&metrics, &region.workspace(1))), (2, 2));
    metrics.find("aliyun_flink_discovery_up").value(1.0);
    for collector in ["workspaces", "namespaces"] {
        metrics.find("aliyun_flink_target_poll_interval_seconds").label("collector", collector).absent();
    }
    let log = program.stderr();
    assert_eq!(log.matches("ListEditableNamespace").count(), 1, "{log}");
    assert_eq!(log.matches("collector switched off").count(), 2, "{log}");
}

#[tokio::test]
async fn a_reload_applies_filters_immediately_and_keeps_other_targets() {
    let region = Region::start().await;
    let program = region.discovered("").await;
    let (first, second) = (region.workspace(0), region.workspace(1));
    let polls = |metrics: &Exposition| {
        let polls = metrics.find("aliyun_flink_target_polls_total").label("workspace", &first);
        polls.label("collector", "deployments").sum()
    };
    let before = polls(&program.metrics().await);
    program.rewrite_config(&region.yaml(&format!(", workspaces: {{exclude: ['{second}']}}")));
    let answer = program.request(Method::POST, "/-/reload").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let metrics = program.metrics().await;
    assert_eq!((polled(&metrics, &first), polled(&metrics, &second)), (2, 0));
    assert!(!metrics.series().any(|series| series.labels.get("workspace") == Some(&second)));
    assert!(polls(&metrics) >= before, "the other polls continue");

    program.rewrite_config(&region.yaml("").replace("max_retries: 0", "max_retries: 1"));
    assert_eq!(program.request(Method::POST, "/-/reload").await.status, 200);
    let metrics = program.metrics().await;
    assert_eq!(polled(&metrics, &first), 2);
    metrics.find(NAMESPACES).label("state", "polled").value(4.0);
    assert!(served(&metrics, &first, "default-namespace"), "the new clients list the same namespaces");

    let listed = format!(
        "workspaces: [{{id: {second}, region: cn-hangzhou, endpoint: '{}', namespaces: [default-namespace]}}]\n",
        region.endpoint
    );
    program.rewrite_config(&format!("{}{listed}", region.yaml("")));
    let answer = program.request(Method::POST, "/-/reload").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let listed = |metrics: &Exposition| polled(metrics, &second) == 1 && polled(metrics, &first) == 2;
    let metrics = program.metrics_with("the listed workspace", listed).await;
    metrics.find("aliyun_flink_discovery_workspaces").label("state", "polled").value(1.0);
}

#[tokio::test]
async fn discovered_targets_are_polled_after_a_restart_during_an_outage() {
    let region = Region::start().await;
    let directory = TempDir::new().unwrap();
    let state = directory.path().join("state.redb");
    let start = || Start::daemon().args(&["--state.path", state.to_str().unwrap()]);
    let program = start().config(&region.yaml("")).ready().await;
    program.signal("TERM").await;
    program.finish().await.with_code(0);
    region.simulator.set_denied(vec![
        Operation::DescribeInstances,
        Operation::DescribeNamespaces,
        Operation::ListEditableNamespace,
    ]);
    let program = start().config(&region.yaml("")).ready().await;
    let metrics = program.metrics().await;
    assert_eq!((polled(&metrics, &region.workspace(0)), polled(&metrics, &region.workspace(1))), (2, 2));
    metrics.find("aliyun_flink_discovery_up").value(0.0);
}

#[tokio::test]
async fn once_discovers_and_polls_and_fails_if_discovery_does() {
    let region = Region::start().await;
    let once = || Start::new(&["once"]).config(&region.yaml("")).finish();
    let metrics = once().await.with_code(0).metrics();
    assert_eq!((polled(&metrics, &region.workspace(0)), polled(&metrics, &region.workspace(1))), (2, 2));
    region.simulator.set_denied(vec![Operation::DescribeInstances, Operation::ListEditableNamespace]);
    let finished = once().await.with_code(1);
    assert!(finished.stderr.contains("stream:DescribeVvpInstances"), "{}", finished.stderr);
}
