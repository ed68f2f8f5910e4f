//! A log that is not read: standard error is a full pipe.

use std::{
    net::{SocketAddr, TcpListener},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
};

use crate::support::{Exposition, FullPipe, Program, Reply, Start, StubApi, sample, unsuccessful};

const DROPPED: &str = "aliyun_flink_exporter_log_lines_dropped_total";

/// A free address. A test cannot read the address that the program chooses from a blocked log.
fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

async fn daemon(api: &StubApi, log: &FullPipe, rest: &str) -> Program {
    let address = free_address();
    let start = Start::new(&["run", "--log.level", "debug", "--web.listen-address", &address.to_string()]);
    start.stderr_to(log.writer()).polling(api, "[n1, n2]", rest).listening_at(address).await
}

#[tokio::test]
async fn polls_scrapes_and_the_stop_do_not_wait_for_the_log() {
    let (broken, body) = (Arc::new(AtomicBool::new(false)), sample("list_deployments"));
    let is_broken = broken.clone();
    let api = StubApi::start(move |_| {
        if is_broken.load(Ordering::Relaxed) {
            Reply::json(200, &unsuccessful("990001", "service is busy"))
        } else {
            Reply::ok(body.clone())
        }
    })
    .await;
    let log = FullPipe::new();
    let program = daemon(&api, &log, "api: {max_retries: 0}\npoll: {stale_after: 2s}\n").await;
    let served = |metrics: &Exposition| metrics.find("aliyun_flink_deployment_jobs").exists();
    program.metrics_with("the first data", served).await;
    broken.store(true, Ordering::Relaxed);
    program.metrics_with("withdrawal after stale_after", |metrics| !served(metrics)).await;
    broken.store(false, Ordering::Relaxed);
    program.metrics_with("recovery", served).await;
    assert_eq!(program.get("/-/healthy").await.status, 200);
    program.signal("TERM").await;
    program.finish().await.with_code(0);
    drop(log);
}

/// Sends invalid requests, each of which is a log line at level `debug`.
async fn log_lines(program: &Program, count: usize) {
    let mut clients = JoinSet::new();
    let address = program.address();
    for _ in 0..count {
        clients.spawn(async move {
            let mut connection = TcpStream::connect(address).await.unwrap();
            connection.write_all(b"no HTTP\r\n\r\n").await.unwrap();
            // The server may reset the connection.
            let _ = connection.read_to_end(&mut Vec::new()).await;
        });
        if clients.len() >= 50 {
            clients.join_next().await.unwrap().unwrap();
        }
    }
    clients.join_all().await;
}

#[tokio::test]
async fn dropped_log_lines_are_counted_and_the_others_are_written_when_the_log_is_read() {
    let api = StubApi::start(|_| Reply::ok(sample("list_deployments"))).await;
    let log = FullPipe::new();
    let program = daemon(&api, &log, "").await;
    let metrics = program.metrics().await;
    metrics.find(DROPPED).value(0.0);
    while program.metrics().await.find(DROPPED).one().value < 1.0 {
        log_lines(&program, 2000).await;
    }
    let reading = tokio::task::spawn_blocking(|| log.read_to_end());
    let dropped = program.metrics_with("the metrics", |_| true).await.find(DROPPED).one().value;
    program.signal("TERM").await;
    program.finish().await.with_code(0);
    let text = reading.await.unwrap();
    assert!(text.contains("listening"), "the first lines: {}", &text[..2000]);
    assert!(text.contains("log lines dropped"), "{dropped}");
    assert!(text.contains("stopping"), "the last lines: {}", &text[text.len() - 2000..]);
    assert!(text.ends_with('\n'), "whole lines");
}

#[tokio::test]
async fn the_demo_starts_while_its_output_is_blocked() {
    let (log, out) = (FullPipe::new(), FullPipe::new());
    let address = free_address();
    let start = Start::bare(&["demo", "--log.level", "debug", "--web.listen-address", &address.to_string()]);
    let program = start.stderr_to(log.writer()).stdout_to(out.writer()).listening_at(address).await;
    program
        .metrics_with("a first poll", |metrics| metrics.find("aliyun_flink_deployment_jobs").exists())
        .await;
    program.signal("TERM").await;
    program.finish().await.with_code(0);
    drop((log, out));
}

#[tokio::test]
async fn a_second_signal_ends_the_program_while_the_log_is_blocked() {
    let api = StubApi::start(|_| Reply::ok(sample("list_deployments"))).await;
    let log = FullPipe::new();
    let program = daemon(&api, &log, "").await;
    let mut slow = TcpStream::connect(program.address()).await.unwrap();
    slow.write_all(b"GET /metrics HT").await.unwrap();
    program.get("/-/healthy").await;
    program.signal("TERM").await;
    // Two pending signals of the same kind would be merged.
    program.signal("INT").await;
    program.finish().await.with_code(1);
    drop((slow, log));
}
