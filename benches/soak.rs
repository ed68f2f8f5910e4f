//! Runs the exporter for a long while against a simulated API with every fault on, two scrapers, and a reload every
//! ten seconds, and tells whether memory, descriptors or threads grow, whether a scrape lacks or repeats a series,
//! and whether the API's requests are counted truly.
//!
//! `cargo bench --bench soak -- --minutes 20`

#![expect(clippy::print_stdout, reason = "a program that reports to a person")]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a bench may end where it can't go on")]

mod exporter;

use std::{
    collections::{BTreeSet, HashSet},
    fmt::Write as _,
    process::ExitCode,
    sync::{Arc, Mutex},
    time::Duration,
};

use aliyun_flink_exporter::{
    clock::Clock,
    simulator::{Faults, Settings, Simulator},
};
use tokio::{
    net::TcpListener,
    time::{Instant, interval, sleep},
};
use tokio_util::sync::CancellationToken;

use exporter::Exporter;

const FAULTS: Faults =
    Faults { throttle: 0.08, server_error: 0.05, reset: 0.05, truncate: 0.05, unsuccessful: 0.05 };

/// Namespaces that are always configured, and one that comes and goes with the reloads.
const ALWAYS: usize = 3;

/// What the scrapers found.
#[derive(Default)]
struct Findings {
    scrapes: u64,
    problems: Vec<String>,
}

impl Findings {
    fn problem(&mut self, text: String) {
        if self.problems.len() < 20 {
            println!("PROBLEM: {text}");
            self.problems.push(text);
        }
    }
}

fn config(endpoint: &str, namespaces: &[String]) -> String {
    let mut text = format!(
        "poll: {{interval: 2s, timeout: 20s, stale_after: 5m}}\n\
         api: {{page_size: 20, requests_per_second: 200, request_timeout: 5s, max_retries: 6}}\n\
         credentials: {{type: access_key, access_key_id: soak, access_key_secret: soak}}\n\
         workspaces:\n  - id: soak\n    endpoint: {endpoint}\n    namespaces:\n"
    );
    for namespace in namespaces {
        let _ = writeln!(text, "      - {namespace}");
    }
    text
}

async fn scrape(http: &reqwest::Client, url: &str) -> Option<String> {
    let reply = http.get(format!("{url}/metrics")).timeout(Duration::from_secs(5)).send().await.ok()?;
    if reply.status() != 200 {
        return None;
    }
    reply.text().await.ok()
}

/// The deployments of the lasting namespaces in a scrape.
fn deployments(text: &str, namespaces: &[String]) -> BTreeSet<String> {
    let infos = text.lines().filter(|line| line.starts_with("aliyun_flink_deployment_info{"));
    let of_lasting = infos.filter(|line| {
        namespaces.iter().any(|namespace| line.contains(&format!("namespace=\"{namespace}\"")))
    });
    of_lasting
        .filter_map(|line| Some(line.split_once("deployment_id=\"")?.1.split('"').next()?.to_owned()))
        .collect()
}

fn value(text: &str, name: &str) -> f64 {
    let lines = text.lines().filter(|line| line.starts_with(name) && !line.starts_with('#'));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}

async fn scraper(url: String, lasting: Vec<String>, findings: Arc<Mutex<Findings>>, stop: CancellationToken) {
    let http = reqwest::Client::builder().build().unwrap();
    let mut ticks = interval(Duration::from_secs(1));
    let mut known: BTreeSet<String> = BTreeSet::new();
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        let scraped = scrape(&http, &url).await;
        let mut findings = findings.lock().unwrap();
        findings.scrapes += 1;
        let Some(text) = scraped else {
            findings.problem("a scrape failed".to_owned());
            continue;
        };
        let mut seen = HashSet::new();
        let series = text.lines().filter(|line| !line.starts_with('#'));
        for line in series.filter_map(|line| line.rsplit_once(' ')) {
            if !seen.insert(line.0) {
                findings.problem(format!("a series stands twice: {}", line.0));
            }
        }
        let now = deployments(&text, &lasting);
        if known.is_empty() && value(&text, "aliyun_flink_target_up") >= lasting.len() as f64 {
            known.clone_from(&now);
        }
        if let Some(missing) = known.difference(&now).next() {
            findings.problem(format!("deployment {missing} is missing from a scrape"));
        }
    }
}

/// Rewrites the configuration and has it reloaded, every third time wrongly.
async fn reloader(
    url: String,
    file: std::path::PathBuf,
    endpoint: String,
    namespaces: Vec<String>,
    findings: Arc<Mutex<Findings>>,
    stop: CancellationToken,
) {
    let http = reqwest::Client::builder().build().unwrap();
    for round in 0_u64.. {
        if stop.run_until_cancelled(sleep(Duration::from_secs(10))).await.is_none() {
            return;
        }
        let (text, expected) = match round % 3 {
            0 => (config(&endpoint, &namespaces), 200),
            1 => ("poll: {intervall: 1s}\n".to_owned(), 500),
            _ => (config(&endpoint, &namespaces[..ALWAYS]), 200),
        };
        std::fs::write(&file, text).unwrap();
        let reply = http.post(format!("{url}/-/reload")).send().await;
        let status = reply.map_or(0, |reply| reply.status().as_u16());
        if status != expected {
            findings.lock().unwrap().problem(format!("a reload answered {status}, not {expected}"));
        }
    }
}

fn minutes() -> u64 {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--minutes");
    arguments.nth(1).and_then(|text| text.parse().ok()).unwrap_or(20)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let settings =
        Settings { namespaces: ALWAYS + 1, deployments: 200, faults: FAULTS, ..Settings::default() };
    let simulator = Arc::new(Simulator::new(settings, Clock::System));
    let namespaces = simulator.namespaces();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let stop = CancellationToken::new();
    tokio::spawn(simulator.clone().serve(listener, CancellationToken::new()));
    let directory = std::env::temp_dir().join(format!("aliyun-flink-exporter-soak-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let file = directory.join("soak.yml");
    std::fs::write(&file, config(&endpoint, &namespaces[..ALWAYS])).unwrap();
    let starting = file.clone();
    let exporter = tokio::task::spawn_blocking(move || {
        Exporter::start(&starting, &["--web.enable-lifecycle", "--log.level", "info"])
    })
    .await
    .unwrap();
    let findings: Arc<Mutex<Findings>> = Arc::default();
    let lasting = namespaces[..ALWAYS].to_vec();
    for _ in 0..2 {
        tokio::spawn(scraper(exporter.url.clone(), lasting.clone(), findings.clone(), stop.clone()));
    }
    let reloads = reloader(
        exporter.url.clone(),
        file.clone(),
        endpoint.clone(),
        namespaces,
        findings.clone(),
        stop.clone(),
    );
    tokio::spawn(reloads);
    let http = reqwest::Client::builder().build().unwrap();
    let begun = Instant::now();
    println!("minute  resident MB  fds  threads  scrapes  api requests  polls ok  polls failed");
    for minute in 1..=minutes() {
        tokio::time::sleep_until(begun + Duration::from_secs(60 * minute)).await;
        let Some(text) = scrape(&http, &exporter.url).await else { continue };
        let polls = value(&text, "aliyun_flink_target_polls_total{");
        let good: f64 = text
            .lines()
            .filter(|line| line.contains("outcome=\"success\""))
            .map(|line| value(line, ""))
            .sum();
        println!(
            "{minute:6}  {:11.1}  {:3}  {:7}  {:7}  {:12}  {good:8}  {:12}",
            value(&text, "process_resident_memory_bytes") / 1e6,
            value(&text, "process_open_fds"),
            value(&text, "process_threads"),
            findings.lock().unwrap().scrapes,
            value(&text, "aliyun_flink_exporter_api_requests_total{"),
            polls - good,
        );
    }
    stop.cancel();
    simulator.set_faults(Faults::default());
    // Polled once more, and then no more: so both sides can be counted.
    let quiet = config(&endpoint, &lasting).replace("interval: 2s", "interval: 1h");
    std::fs::write(&file, quiet).unwrap();
    let reload = http.post(format!("{}/-/reload", exporter.url)).send().await;
    assert!(reload.is_ok_and(|reply| reply.status() == 200));
    sleep(Duration::from_secs(10)).await;
    let text = scrape(&http, &exporter.url).await.unwrap_or_default();
    let counted = value(&text, "aliyun_flink_exporter_api_requests_total{");
    let seen = simulator.requests_seen().values().sum::<u64>() as f64;
    let reloads = begun.elapsed().as_secs_f64() / 10.0;
    println!("requests: {counted} counted, {seen} seen by the API");
    // A reload may cut off a request that is counted, but did not get as far as the wire.
    if seen > counted || counted - seen > reloads {
        findings.lock().unwrap().problem("the API saw other requests than were counted".to_owned());
    }
    let _ = std::fs::remove_dir_all(directory);
    let problems = findings.lock().unwrap().problems.len();
    println!("{problems} problems");
    ExitCode::from(u8::from(problems > 0))
}
