//! The end of the process.

use std::{net::TcpListener, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::Instant,
};

use crate::support::{Program, Reply, Start, StubApi, empty_page, until};

/// Far above what a stop takes, far below what it would wait for.
const SOON: Duration = Duration::from_secs(15);

async fn assert_stops_at(signal: &str, program: Program) {
    let address = program.address();
    let start = Instant::now();
    program.signal(signal).await;
    let finished = program.finish().await.with_code(0);
    assert!(start.elapsed() < SOON, "{signal}: {}", finished.stderr);
    assert!(finished.stderr.contains("stopping"), "{}", finished.stderr);
    assert!(!finished.stderr.contains("cut off"), "no client was in the way: {}", finished.stderr);
    TcpListener::bind(address).expect("the port is free again");
}

#[tokio::test]
async fn both_signals_stop_it_cleanly() {
    for signal in ["TERM", "INT"] {
        let api = StubApi::start(|_| Reply::json(200, &empty_page())).await;
        assert_stops_at(signal, Start::daemon().polling(&api, "[n1]", "").ready().await).await;
        assert_stops_at(signal, Start::demo().ready().await).await;
    }
}

#[tokio::test]
async fn a_poll_that_waits_for_its_answer_does_not_hold_up_the_stop() {
    let api = StubApi::start(|_| Reply::Never).await;
    let start = Start::daemon().env("ALIYUN_FLINK_EXPORTER_API__REQUEST_TIMEOUT", "10m");
    let start = start.env("ALIYUN_FLINK_EXPORTER_POLL__TIMEOUT", "10m");
    let program = start.polling(&api, "[n1, n2]", "").listening().await;
    until("both polls", async || (api.requests().len() == 2).then_some(())).await;
    assert_stops_at("TERM", program).await;
}

#[tokio::test]
async fn idle_connections_do_not_hold_up_the_stop() {
    let program = Start::demo().listening().await;
    let mut used = TcpStream::connect(program.address()).await.unwrap();
    used.write_all(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut answer = [0; 12];
    used.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
    let silent = TcpStream::connect(program.address()).await.unwrap();
    // Accepted in turn: once this one is answered, the silent one was accepted too.
    program.get("/-/healthy").await;
    assert_stops_at("TERM", program).await;
    drop((used, silent));
}

#[tokio::test]
async fn a_client_that_never_finishes_its_request_is_cut_off() {
    let program = Start::demo().listening().await;
    let mut slow = TcpStream::connect(program.address()).await.unwrap();
    slow.write_all(b"GET /metrics HT").await.unwrap();
    program.get("/-/healthy").await;
    let start = Instant::now();
    program.signal("TERM").await;
    program.finish().await.with_code(0);
    assert!(start.elapsed() < SOON);
}

#[tokio::test]
async fn a_poll_that_waits_to_try_again_does_not_hold_up_the_stop() {
    let api = StubApi::start(|_| Reply::new(429, "").with_header("retry-after", "40")).await;
    let program = Start::daemon().polling(&api, "[n1]", "").listening().await;
    until("a throttled request", async || (api.statuses().get(&429) == Some(&1)).then_some(())).await;
    assert_stops_at("TERM", program).await;
}

/// Asks for the metrics of a large fleet and reads nothing of them.
async fn slow_download() -> (Program, TcpStream) {
    let program = Start::demo().args(&["--deployments", "1000"]).ready().await;
    until("more text than a socket holds", async || {
        (program.get("/metrics").await.body.len() > 12_000_000).then_some(())
    })
    .await;
    let mut reader = TcpStream::connect(program.address()).await.unwrap();
    reader.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    reader.read_exact(&mut [0; 12]).await.unwrap();
    (program, reader)
}

#[tokio::test]
async fn a_client_that_reads_slowly_is_cut_off_after_the_grace_time() {
    let (program, reader) = slow_download().await;
    let start = Instant::now();
    program.signal("TERM").await;
    let finished = program.finish().await.with_code(0);
    assert!(start.elapsed() < SOON);
    assert!(finished.stderr.contains("cut off"), "{}", finished.stderr);
    drop(reader);
}

#[tokio::test]
async fn what_is_in_flight_is_finished() {
    let (program, mut reader) = slow_download().await;
    program.signal("TERM").await;
    let mut rest = Vec::new();
    reader.read_to_end(&mut rest).await.unwrap();
    let text = String::from_utf8(rest).unwrap();
    assert!(text.ends_with('\n') && text.contains("process_threads"), "the end of the exposition came");
    program.finish().await.with_code(0);
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let (program, reader) = slow_download().await;
    program.signal("TERM").await;
    until("the first signal's line", async || program.stderr().contains("stopping").then_some(())).await;
    program.signal("TERM").await;
    let finished = program.finish().await.with_code(1);
    assert!(finished.stderr.contains("second signal"), "{}", finished.stderr);
    drop(reader);
}

#[tokio::test]
async fn readiness_goes_before_the_listener_does() {
    let program = Start::demo().ready().await;
    let address = program.address();
    // Asks again and again, over connections of its own, until none is taken any more.
    let asking = tokio::spawn(async move {
        let mut answers = Vec::new();
        while let Ok(mut connection) = TcpStream::connect(address).await {
            let mut answer = [0; 12];
            let asked = connection.write_all(b"GET /-/ready HTTP/1.1\r\nHost: x\r\n\r\n").await;
            if asked.is_ok() && connection.read_exact(&mut answer).await.is_ok() {
                answers.push(String::from_utf8(answer.to_vec()).unwrap());
            }
        }
        answers.dedup();
        answers
    });
    program.get("/-/ready").await;
    program.signal("TERM").await;
    program.finish().await.with_code(0);
    assert_eq!(asking.await.unwrap(), ["HTTP/1.1 200", "HTTP/1.1 503"]);
}
