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
