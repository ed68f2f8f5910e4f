//! Request rates that several workspaces share, and listings that several consumers share.

use std::sync::Arc;

use aliyun_flink_exporter::{
    clock::Clock,
    simulator::{Operation, Settings, Simulator},
};
use tokio::{net::TcpListener, time::Instant};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::support::{Exposition, Start, until};

const CONSOLE: [Operation; 2] = [Operation::DescribeInstances, Operation::DescribeNamespaces];

struct Region {
    simulator: Arc<Simulator>,
    endpoint: String,
    _serving: DropGuard,
}

impl Region {
    async fn start(workspaces: usize) -> Self {
        let settings = Settings {
            access_key: Some((Start::ID.to_owned(), Start::SECRET.into())),
            workspaces,
            namespaces: 2,
            deployments: 1,
            ..Settings::default()
        };
        let simulator = Arc::new(Simulator::new(settings, Clock::System));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let stopping = CancellationToken::new();
        tokio::spawn(simulator.clone().serve(listener, stopping.clone()));
        Self { simulator, endpoint, _serving: stopping.drop_guard() }
    }

    fn yaml(&self, api: &str, interval: &str) -> String {
        let Self { endpoint, .. } = self;
        format!(
            "poll: {{interval: {interval}, timeout: 60s}}\n\
             api: {{{api}}}\n\
             collectors: {{workspaces: {{interval: {interval}}}, namespaces: {{interval: {interval}}}}}\n\
             discovery: [{{region: cn-hangzhou, interval: {interval}, endpoint: '{endpoint}', console_endpoint: '{endpoint}'}}]\n"
        )
    }

    fn requests(&self, operations: &[Operation]) -> f64 {
        let seen = self.simulator.requests_seen();
        let of = |name: &str| operations.iter().any(|operation| operation.as_str() == name);
        let counts = seen.iter().filter(|((name, _), _)| of(name)).map(|(_, count)| *count);
        f64::from(u32::try_from(counts.sum::<u64>()).unwrap())
    }
}

/// The number of workspaces whose namespaces are served.
fn workspaces(metrics: &Exposition) -> usize {
    let targets = metrics.find("aliyun_flink_target_objects").label("collector", "namespaces").all();
    targets.iter().filter(|series| series.value > 0.0).count()
}

#[tokio::test]
async fn discovery_and_collectors_share_the_listings_of_a_region() {
    let region = Region::start(4).await;
    let begin = Instant::now();
    let yaml = region.yaml("console_requests_per_second: 1000, requests_per_second: 1000", "1s");
    let program = Start::daemon().config(&yaml).ready().await;
    // Each interval, a listing of the region and one for each workspace: the 4 that run, the overdue and the new one.
    let listings = |elapsed: f64| (elapsed / 0.9 + 2.0).ceil();
    until("four intervals", async || {
        let instances = region.requests(&[Operation::DescribeInstances]);
        let namespaces = region.requests(&[Operation::DescribeNamespaces]);
        let elapsed = begin.elapsed().as_secs_f64();
        assert!(instances <= listings(elapsed), "{instances} listings of the region in {elapsed} s");
        assert!(namespaces <= 6.0 * listings(elapsed), "{namespaces} listings of workspaces in {elapsed} s");
        (instances >= 4.0).then_some(())
    })
    .await;
    program.metrics_with("every workspace", |metrics| workspaces(metrics) >= 4).await;
}

#[tokio::test]
async fn the_rates_of_the_console_and_of_the_account_are_not_exceeded() {
    let region = Region::start(10).await;
    let begin = Instant::now();
    let yaml = region.yaml("console_requests_per_second: 5, account_requests_per_second: 30", "500ms");
    let program = Start::daemon().config(&yaml).ready().await;
    let check = || {
        let (console, account) = (region.requests(&CONSOLE), region.requests(&[Operation::ListDeployments]));
        let elapsed = begin.elapsed().as_secs_f64();
        assert!(console <= 5.0 * elapsed + 1.0, "{console} requests to the console in {elapsed} s");
        assert!(account <= 30.0 * elapsed + 1.0, "{account} requests of the account in {elapsed} s");
    };
    program
        .metrics_with("every workspace", |metrics| {
            check();
            workspaces(metrics) >= 10
        })
        .await;
    check();
    assert!(region.requests(&[Operation::ListDeployments]) >= 20.0, "each namespace is polled");
}
