//! Counts the requests of each collector for 1 000 deployments at a simulated API, and fails 300 jobs at once: how long
//! until every reason is known, how many requests a second that takes, and whether polls of deployments are delayed.
//!
//! `cargo bench --bench jobs -- --minutes 20`; with 0, only the latter.

#![expect(clippy::print_stdout, reason = "a program that reports to a person")]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a bench may end where it can't go on")]

mod exporter;

use std::{
    collections::{BTreeMap, VecDeque},
    io::Write as _,
    sync::Arc,
    time::Duration,
};

use aliyun_flink_exporter::{
    clock::Clock,
    simulator::{Settings, Simulator},
};
use tempfile::NamedTempFile;
use tokio::{
    net::TcpListener,
    time::{Instant, interval, sleep},
};
use tokio_util::sync::CancellationToken;

use exporter::Exporter;

const NAMESPACES: usize = 10;
const FAILING: usize = 300;

/// Until every round has begun once.
const WARM_UP: Duration = Duration::from_secs(300);

/// The longest that the reasons of all failures are waited for.
const BURST: Duration = Duration::from_secs(360);

/// The period over which the rate of requests is measured.
const WINDOW: Duration = Duration::from_secs(10);

/// About that of the real API.
const LATENCY: Duration = Duration::from_millis(100);

/// A simulated workspace, and an exporter that polls it with every collector.
struct Bench {
    simulator: Arc<Simulator>,
    exporter: Exporter,
    http: reqwest::Client,
    _config: NamedTempFile,
}

impl Bench {
    async fn start(jobs: &str, namespaces: usize) -> Self {
        let settings = Settings {
            workspace: Some("bench".to_owned()),
            namespaces,
            deployments: 1000 / namespaces,
            latency: LATENCY,
            ..Settings::default()
        };
        let simulator = Arc::new(Simulator::new(settings, Clock::System));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(simulator.clone().serve(listener, CancellationToken::new()));
        let config = config(&endpoint, jobs, &simulator.namespaces());
        let exporter = Exporter::start(config.path(), &[]);
        Self { simulator, exporter, http: reqwest::Client::builder().build().unwrap(), _config: config }
    }

    fn requests(&self) -> BTreeMap<&'static str, u64> {
        let mut requests = BTreeMap::new();
        for ((operation, _), count) in self.simulator.requests_seen() {
            *requests.entry(operation).or_default() += count;
        }
        requests
    }

    /// The samples of a metric whose line contains `label`.
    async fn samples(&self, name: &str, label: &str) -> Vec<f64> {
        let text = self
            .http
            .get(format!("{}/metrics", self.exporter.url))
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        let lines = text.lines().filter(|line| line.starts_with(name) && line.contains(label));
        lines.filter_map(|line| line.rsplit(' ').next()?.parse().ok()).collect()
    }
}

fn config(endpoint: &str, jobs: &str, namespaces: &[String]) -> NamedTempFile {
    let mut file = tempfile::Builder::new().suffix(".yml").tempfile().unwrap();
    let namespaces = namespaces.join(", ");
    let yaml = format!(
        "credentials: {{type: access_key, access_key_id: bench, access_key_secret: bench}}\n\
         collectors: {{workspaces: true, namespaces: true, queues: true, session_clusters: true, engine_versions: true, \
         jobs: {jobs}}}\n\
         workspaces: [{{id: bench, region: cn-bench, endpoint: '{endpoint}', console_endpoint: '{endpoint}', \
         namespaces: [{namespaces}]}}]\n"
    );
    file.write_all(yaml.as_bytes()).unwrap();
    file
}

/// The settings of the collector in a mode; `disabled` is none.
fn jobs_settings(mode: &str) -> String {
    if mode == "disabled" { "false".to_owned() } else { format!("{{mode: {mode}}}") }
}

/// Reports the requests in an hour, from those of `measured`.
async fn count_requests(mode: &str, measured: Duration) {
    if measured.is_zero() {
        return;
    }
    let bench = Bench::start(&jobs_settings(mode), NAMESPACES).await;
    sleep(WARM_UP).await;
    let before = bench.requests();
    let failed = "aliyun_flink_deployment_jobs_ended_total";
    let ended_before: f64 = bench.samples(failed, "state=\"failed\"").await.iter().sum();
    sleep(measured).await;
    let after = bench.requests();
    let ended: f64 = bench.samples(failed, "state=\"failed\"").await.iter().sum();
    let live = bench.samples("aliyun_flink_deployment_job_started_timestamp_seconds{", "").await.len();
    let hours = measured.as_secs_f64() / 3600.0;
    for (operation, count) in after {
        let requests = (count - before.get(operation).copied().unwrap_or_default()) as f64 / hours;
        println!("{mode}: {operation}: {requests:.0} requests per hour");
    }
    println!(
        "{mode}: {:.0} failed jobs per hour, {live} deployments with live jobs",
        (ended - ended_before) / hours
    );
}

/// Reports what happens when many jobs fail at once.
async fn fail_many(mode: &str) {
    let bench = Bench::start(&jobs_settings(mode), 1).await;
    sleep(WARM_UP).await;
    let namespace = bench.simulator.namespaces().remove(0);
    let of_deployments = |name: &'static str| bench.samples(name, "collector=\"deployments\"");
    let failed = bench.simulator.fail_jobs("bench", &namespace, FAILING);
    let (begin, wanted) = (Instant::now(), Clock::System.since_epoch().as_secs_f64() - 5.0);
    let list_jobs = || bench.requests().get("ListJobs").copied().unwrap_or_default();
    // The times of the last seconds, and the requests until then.
    let mut requests = VecDeque::from([(begin, list_jobs())]);
    let (mut peak, mut took, mut first, mut known) = (0.0_f64, Vec::new(), None, 0);
    let mut polls = of_deployments("aliyun_flink_target_polls_total{").await;
    let mut seconds = interval(Duration::from_secs(1));
    while known < failed && begin.elapsed() < BURST {
        seconds.tick().await;
        let now = (Instant::now(), list_jobs());
        requests.push_back(now);
        let before = requests.front().copied().filter(|(at, _)| now.0.duration_since(*at) >= WINDOW);
        if let Some((at, count)) = before {
            requests.pop_front();
            peak = peak.max((now.1 - count) as f64 / now.0.duration_since(at).as_secs_f64());
        }
        let times = bench.samples("aliyun_flink_deployment_last_failure_timestamp_seconds{", "").await;
        known = times.iter().filter(|time| **time >= wanted).count();
        first = first.or((known > 0).then(|| begin.elapsed()));
        let count = of_deployments("aliyun_flink_target_polls_total{").await;
        if count != polls {
            polls = count;
            took.extend(of_deployments("aliyun_flink_target_poll_duration_seconds{").await);
        }
    }
    println!(
        "{mode}: {failed} jobs failed at once: first reason after {:.0} s, {known} after {:.0} s; at most {peak:.2} requests \
         per second over {} s; polls of deployments took {took:.2?} s",
        first.unwrap_or_default().as_secs_f64(),
        begin.elapsed().as_secs_f64(),
        WINDOW.as_secs()
    );
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let minutes = arguments.iter().position(|argument| argument == "--minutes");
    let minutes = minutes.and_then(|index| arguments.get(index + 1)?.parse().ok()).unwrap_or(20);
    let measured = Duration::from_secs(60 * minutes);
    tokio::join!(
        count_requests("failures", measured),
        count_requests("active", measured),
        fail_many("disabled"),
        fail_many("failures"),
        fail_many("active"),
    );
}
