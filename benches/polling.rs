//! What a poll costs: CPU, memory and time of the whole process over fleets of growing size, served from memory.
//!
//! `cargo bench --bench polling` prints the figures as tables and draws `docs/images/polling.svg`;
//! `-- --fleets 1000,10000` takes other sizes.

#![expect(clippy::print_stdout, reason = "a program that reports to a person")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a bench may end where it can't go on")]

use std::{
    convert::Infallible,
    fmt::Write as _,
    fs::File,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use acs3::verify::query_parameters;
use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use nix::sys::resource::{UsageWho, getrusage};
use procfs::process::Process;
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    time::{Instant, sleep},
};

const BINARY: &str = env!("CARGO_BIN_EXE_aliyun-flink-exporter");
const PAGE: usize = 100;

/// So often each figure is taken; the least is told, since a noisy machine only adds.
const TRIES: usize = 5;

fn main() {
    let fleets = fleets();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let directory = std::env::temp_dir().join(format!("aliyun-flink-exporter-bench-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    runtime.block_on(async {
        let start = cost(0, &directory).await;
        println!(
            "A start with nothing to list: {:.4} s of CPU, {:.1} MB\n",
            start.run.cpu,
            start.run.peak / 1e6
        );
        let rows = costs(&fleets, &start, &directory).await;
        latency(&directory).await;
        let daemons = daemons(&fleets, &directory).await;
        draw(&rows, &start, &daemons);
    });
    std::fs::remove_dir_all(directory).unwrap();
}

fn fleets() -> Vec<usize> {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--fleets");
    let given = arguments.nth(1).unwrap_or_else(|| "1000,10000,100000".to_owned());
    given.split(',').map(|number| number.parse().expect("numbers joined by commas")).collect()
}

/// The pages of a fleet: the API reference's sample with names and ids of their own, half of it in basic mode.
fn pages(deployments: usize) -> Vec<Bytes> {
    let sample: Value = serde_json::from_str(include_str!("../tests/data/list_deployments.json")).unwrap();
    let page = |first: usize| {
        let data: Vec<_> =
            (first..(first + PAGE).min(deployments)).map(|index| deployment(&sample, index)).collect();
        let reply = json!({"requestId": "R", "success": true, "httpCode": 200, "pageIndex": first / PAGE + 1,
            "pageSize": PAGE, "totalSize": deployments, "data": data});
        Bytes::from(reply.to_string())
    };
    (0..deployments).step_by(PAGE).map(page).collect()
}

fn deployment(sample: &Value, index: usize) -> Value {
    let mut deployment = sample["data"][0].clone();
    let scattered = (index as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    deployment["deploymentId"] =
        json!(format!("{:08x}-{:04x}-4000-8000-{scattered:012x}", scattered >> 32, index % 65536));
    deployment["name"] = json!(format!("team-{}-deployment-{index:06}", index % 40));
    if index.is_multiple_of(2) {
        deployment["streamingResourceSetting"]["resourceSettingMode"] = json!("BASIC");
    }
    deployment
}

/// A server of pages.
struct Api {
    endpoint: String,
    connections: Arc<AtomicU64>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Api {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(pages: Vec<Bytes>, latency: Duration) -> Api {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let connections = Arc::new(AtomicU64::new(0));
    let (pages, opened) = (Arc::new(pages), connections.clone());
    let task = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            opened.fetch_add(1, Ordering::Relaxed);
            stream.set_nodelay(true).unwrap();
            let pages = pages.clone();
            let service = service_fn(move |request: Request<Incoming>| {
                let parameters = query_parameters(request.uri().query().unwrap_or_default());
                let index = parameters
                    .iter()
                    .find(|(key, _)| key == "pageIndex")
                    .unwrap()
                    .1
                    .parse::<usize>()
                    .unwrap();
                let page = pages[index - 1].clone();
                async move {
                    if latency > Duration::ZERO {
                        sleep(latency).await;
                    }
                    Ok::<_, Infallible>(Response::new(Full::new(page)))
                }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    Api { endpoint, connections, task }
}

fn config(directory: &Path, api: &Api, interval: &str) -> PathBuf {
    let file = directory.join("bench.yml");
    let text = format!(
        "poll: {{interval: {interval}, timeout: 10m, stale_after: 1h}}\n\
         api: {{requests_per_second: 1000000}}\n\
         credentials: {{type: access_key, access_key_id: bench, access_key_secret: bench}}\n\
         workspaces: [{{id: bench, endpoint: '{}', namespaces: [n]}}]\n",
        api.endpoint
    );
    std::fs::write(&file, text).unwrap();
    file
}

/// CPU seconds of the children that ended so far, and the most memory that any had.
fn children() -> (f64, f64) {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    let seconds = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    (seconds(usage.user_time()) + seconds(usage.system_time()), usage.max_rss() as f64 * 1024.0)
}

/// One run of `once` into a file.
struct Run {
    cpu: f64,
    wall: f64,
    peak: f64,
    text: f64,
}

async fn once(directory: &Path, file: &Path) -> Run {
    let output = directory.join("metrics.txt");
    let (command_file, command_output) = (file.to_owned(), output.clone());
    let (before, _) = children();
    let begun = Instant::now();
    let status = tokio::task::spawn_blocking(move || {
        Command::new(BINARY)
            .args(["once", "--log.level", "error", "--config.file"])
            .arg(command_file)
            .stdout(File::create(command_output).unwrap())
            .status()
            .unwrap()
    });
    assert!(status.await.unwrap().success());
    let wall = begun.elapsed().as_secs_f64();
    let (after, peak) = children();
    Run { cpu: after - before, wall, peak, text: std::fs::metadata(&output).unwrap().len() as f64 }
}

/// The figures of one fleet.
struct Row {
    deployments: usize,
    json: f64,
    skip: f64,
    run: Run,
}

/// CPU seconds that `serde_json` needs to skip the pages, reading nothing of them.
fn skip(pages: &[Bytes]) -> f64 {
    let cpu = || {
        let usage = getrusage(UsageWho::RUSAGE_THREAD).unwrap();
        usage.user_time().tv_sec() as f64 + usage.user_time().tv_usec() as f64 / 1e6
    };
    // Often enough for the clock's ticks not to matter.
    let (before, mut rounds) = (cpu(), 0);
    while cpu() - before < 0.3 {
        for page in pages {
            let _: IgnoredAny = serde_json::from_slice(page).unwrap();
        }
        rounds += 1;
    }
    (cpu() - before) / f64::from(rounds)
}

async fn cost(deployments: usize, directory: &Path) -> Row {
    let pages = if deployments == 0 { vec![empty()] } else { pages(deployments) };
    let json = pages.iter().map(Bytes::len).sum::<usize>() as f64;
    let skip = skip(&pages);
    let api = serve(pages, Duration::ZERO).await;
    let file = config(directory, &api, "1h");
    let mut best: Option<Run> = None;
    for _ in 0..TRIES {
        let run = once(directory, &file).await;
        if best.as_ref().is_none_or(|best| run.cpu < best.cpu) {
            best = Some(run);
        }
    }
    Row { deployments, json, skip, run: best.unwrap() }
}

fn empty() -> Bytes {
    Bytes::from(r#"{"requestId":"R","success":true,"httpCode":200,"totalSize":0,"data":[]}"#)
}

impl Row {
    /// Beyond the start: CPU and time in µs a deployment.
    fn beyond(&self, start: &Self) -> (f64, f64) {
        let each = 1e6 / self.deployments as f64;
        ((self.run.cpu - start.run.cpu) * each, (self.run.wall - start.run.wall) * each)
    }
}

async fn costs(fleets: &[usize], start: &Row, directory: &Path) -> Vec<Row> {
    println!(
        "| deployments | JSON MB | text MB | CPU s | of a skip | wall s | peak MB | beyond the start: CPU µs a deployment | wall µs a deployment |"
    );
    println!("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    let mut rows = Vec::new();
    for &deployments in fleets {
        let row = cost(deployments, directory).await;
        let Row { json, skip, run, .. } = &row;
        let (cpu, wall) = row.beyond(start);
        println!(
            "| {deployments} | {:.1} | {:.1} | {:.3} | {:.1} × | {:.2} | {:.0} | {cpu:.1} | {wall:.1} |",
            json / 1e6,
            run.text / 1e6,
            run.cpu,
            run.cpu / skip,
            run.wall,
            run.peak / 1e6,
        );
        rows.push(row);
    }
    rows
}

/// A listing over a slow network: as fast as its concurrency allows, over few connections.
async fn latency(directory: &Path) {
    let (deployments, pause, concurrent) = (10_000, 0.05, 4.0);
    let api = serve(pages(deployments), Duration::from_secs_f64(pause)).await;
    once(directory, &config(directory, &api, "1h")).await;
    let text = std::fs::read_to_string(directory.join("metrics.txt")).unwrap();
    let duration =
        text.lines().find_map(|line| line.strip_prefix("aliyun_flink_target_poll_duration_seconds{"));
    let listed: f64 = duration.unwrap().rsplit(' ').next().unwrap().parse().unwrap();
    let least = (deployments / PAGE) as f64 / concurrent * pause;
    println!(
        "\n{deployments} deployments at {pause} s of latency: listed in {:.2} s, {:.2} × the least ({least:.2} s), over {} connections",
        listed,
        listed / least,
        api.connections.load(Ordering::Relaxed),
    );
}

/// What the daemon takes, after a few polls.
struct Daemon {
    deployments: usize,
    /// Bytes at rest and at the most.
    rest: f64,
    most: f64,
    /// CPU seconds of a poll that found nothing new.
    poll: f64,
    text: f64,
}

async fn daemons(fleets: &[usize], directory: &Path) -> Vec<Daemon> {
    println!(
        "\n| deployments | plain text MB | MB at rest | MB at the most | kB a deployment at the most | CPU s of a poll that finds nothing new | CPU s in 3 s between polls |"
    );
    println!("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    let mut daemons = Vec::new();
    for &deployments in fleets {
        let (daemon, idle) = daemon(deployments, directory).await;
        println!(
            "| {deployments} | {:.1} | {:.0} | {:.0} | {:.1} | {:.3} | {idle:.2} |",
            daemon.text / 1e6,
            daemon.rest / 1e6,
            daemon.most / 1e6,
            daemon.most / 1e3 / deployments as f64,
            daemon.poll,
        );
        daemons.push(daemon);
    }
    daemons
}

/// The daemon's memory and CPU while it polls, and its CPU between polls.
async fn daemon(deployments: usize, directory: &Path) -> (Daemon, f64) {
    const INTERVAL: u64 = 10;
    let api = serve(pages(deployments), Duration::ZERO).await;
    let file = config(directory, &api, &format!("{INTERVAL}s"));
    once(directory, &file).await;
    let text = std::fs::metadata(directory.join("metrics.txt")).unwrap().len() as f64;
    let mut child = Command::new(BINARY)
        .args(["--web.listen-address", "127.0.0.1:0", "--log.level", "error", "--config.file"])
        .arg(file)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let process = Process::new(i32::try_from(child.id()).unwrap()).unwrap();
    let cpu = || {
        let stat = process.stat().unwrap();
        (stat.utime + stat.stime) as f64 / procfs::ticks_per_second() as f64
    };
    // The first poll is at the start; the third and the fourth are in the middle of these.
    sleep(Duration::from_secs(INTERVAL + INTERVAL / 2)).await;
    let before = cpu();
    sleep(Duration::from_secs(2 * INTERVAL)).await;
    let poll = (cpu() - before) / 2.0;
    let before = cpu();
    sleep(Duration::from_secs(3)).await;
    let idle = cpu() - before;
    let status = process.status().unwrap();
    let bytes = |kib: Option<u64>| kib.unwrap_or_default() as f64 * 1024.0;
    child.kill().unwrap();
    child.wait().unwrap();
    (Daemon { deployments, rest: bytes(status.vmrss), most: bytes(status.vmhwm), poll, text }, idle)
}

/// What a deployment costs, over the size of the fleet: a straight line is flat here.
fn draw(rows: &[Row], start: &Row, daemons: &[Daemon]) {
    let (width, height, left, bottom) = (640.0, 300.0, 60.0, 40.0);
    let place = |index: usize| left + (width - 2.0 * left) * index as f64 / (rows.len().max(2) - 1) as f64;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"{width}\" height=\"{height}\" fill=\"white\"/>\n"
    );
    let figures = [
        (
            "#1f5fbf",
            "once: CPU beyond the start, µs a deployment",
            rows.iter().map(|row| row.beyond(start).0).collect(),
        ),
        (
            "#2e7d32",
            "once: time beyond the start, µs a deployment",
            rows.iter().map(|row| row.beyond(start).1).collect(),
        ),
        (
            "#b3561b",
            "daemon: memory at the most, kB a deployment",
            daemons.iter().map(|daemon| daemon.most / 1e3 / daemon.deployments as f64).collect::<Vec<_>>(),
        ),
    ];
    for (index, (color, name, values)) in figures.iter().enumerate() {
        let scale = (height - bottom - 90.0) / values.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        let mut points = String::new();
        for (place, value) in values.iter().enumerate().map(|(index, value)| (place(index), value)) {
            // Each figure has a scale of its own, and a height of its own for its highest value.
            let top = height - bottom - value * scale * (1.0 - 0.25 * index as f64);
            let _ = write!(points, "{place:.0},{top:.0} ");
            let _ = writeln!(
                svg,
                "<text x=\"{place:.0}\" y=\"{:.0}\" text-anchor=\"middle\" fill=\"{color}\">{value:.1}</text>",
                top - 6.0
            );
        }
        let _ = writeln!(
            svg,
            "<polyline fill=\"none\" stroke=\"{color}\" stroke-width=\"2\" points=\"{points}\"/>"
        );
        let y = 18 + 16 * index;
        let _ = writeln!(svg, "<text x=\"{left}\" y=\"{y}\" fill=\"{color}\">{name}</text>");
    }
    for (index, row) in rows.iter().enumerate() {
        let (x, y) = (place(index), height - 15.0);
        let _ = writeln!(
            svg,
            "<text x=\"{x:.0}\" y=\"{y}\" text-anchor=\"middle\">{} deployments</text>",
            row.deployments
        );
    }
    svg.push_str("</svg>\n");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/images/polling.svg");
    std::fs::write(path, svg).unwrap();
}
