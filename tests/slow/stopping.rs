//! The stop of the program, with polls, connections and downloads in progress.

use std::{net::TcpListener, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    time::Instant,
};

use crate::{
    LOAD,
    support::{Program, Reply, Start, StubApi, empty_page, until},
};

/// Above the time of a stop on a busy machine, and below the times that the polls would wait.
const STOP_TIMEOUT: Duration = Duration::from_secs(35);

/// A response that does not fit into the send buffer of the server's socket, which has at most 4 MiB.
const LARGE: usize = 6_000_000;

async fn assert_stops_at(signal: &str, program: Program) {
    let address = program.address();
    let start = Instant::now();
    program.signal(signal).await;
    let finished = program.finish().await.with_code(0);
    assert!(start.elapsed() < STOP_TIMEOUT, "{signal}: {}", finished.stderr);
    assert!(finished.stderr.contains("stopping"), "{}", finished.stderr);
    assert!(!finished.stderr.contains("disconnected"), "no client delayed the stop: {}", finished.stderr);
    TcpListener::bind(address).expect("the port is free again");
}

#[tokio::test]
async fn sigterm_and_sigint_stop_the_program() {
    for signal in ["TERM", "INT"] {
        let api = StubApi::start(|_| Reply::json(200, &empty_page())).await;
        assert_stops_at(signal, Start::daemon().polling(&api, "[n1]", "").ready().await).await;
        assert_stops_at(signal, Start::demo().ready().await).await;
    }
}

#[tokio::test]
async fn a_poll_that_waits_for_a_response_does_not_delay_the_stop() {
    let api = StubApi::start(|_| Reply::Never).await;
    let start = Start::daemon().env("ALIYUN_FLINK_EXPORTER_API__REQUEST_TIMEOUT", "10m");
    let start = start.env("ALIYUN_FLINK_EXPORTER_POLL__TIMEOUT", "10m");
    let program = start.polling(&api, "[n1, n2]", "").listening().await;
    until("both polls", async || (api.requests().len() == 2).then_some(())).await;
    assert_stops_at("TERM", program).await;
}

#[tokio::test]
async fn idle_connections_do_not_delay_the_stop() {
    let program = Start::demo().listening().await;
    let mut used = TcpStream::connect(program.address()).await.unwrap();
    used.write_all(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut answer = [0; 12];
    used.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
    let silent = TcpStream::connect(program.address()).await.unwrap();
    // Connections are accepted in order, so the silent one has been accepted when this one is answered.
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
    assert!(start.elapsed() < STOP_TIMEOUT);
}

#[tokio::test]
async fn a_poll_that_waits_for_a_retry_does_not_delay_the_stop() {
    let api = StubApi::start(|_| Reply::new(429, "").with_header("retry-after", "40")).await;
    let program = Start::daemon().polling(&api, "[n1]", "").listening().await;
    until("a throttled request", async || (api.statuses().get(&429) == Some(&1)).then_some(())).await;
    assert_stops_at("TERM", program).await;
}

/// Requests the metrics of a large fleet, and reads only the status code of the response.
async fn slow_download() -> (Program, TcpStream) {
    let program = Start::demo().args(&["--deployments", "700"]).ready().await;
    until("a large response", async || (program.get("/metrics").await.body.len() > LARGE).then_some(()))
        .await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(64 * 1024).unwrap();
    let mut reader = socket.connect(program.address()).await.unwrap();
    reader.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    reader.read_exact(&mut [0; 12]).await.unwrap();
    (program, reader)
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut_off_after_the_drain_timeout() {
    let _load = LOAD.lock().await;
    let (program, reader) = slow_download().await;
    let start = Instant::now();
    program.signal("TERM").await;
    let finished = program.finish().await.with_code(0);
    assert!(start.elapsed() < STOP_TIMEOUT);
    assert!(finished.stderr.contains("disconnected"), "{}", finished.stderr);
    drop(reader);
}

#[tokio::test]
async fn a_response_in_progress_is_completed() {
    let _load = LOAD.lock().await;
    let (program, mut reader) = slow_download().await;
    program.signal("TERM").await;
    let mut rest = Vec::new();
    reader.read_to_end(&mut rest).await.unwrap();
    let text = String::from_utf8(rest).unwrap();
    assert!(text.ends_with('\n') && text.contains("process_threads"), "the exposition is complete");
    program.finish().await.with_code(0);
}

#[tokio::test]
async fn a_second_signal_ends_the_program_immediately() {
    let _load = LOAD.lock().await;
    let (program, reader) = slow_download().await;
    program.signal("TERM").await;
    until("the log line of the first signal", async || program.stderr().contains("stopping").then_some(()))
        .await;
    program.signal("TERM").await;
    let finished = program.finish().await.with_code(1);
    assert!(finished.stderr.contains("second signal"), "{}", finished.stderr);
    drop(reader);
}

#[tokio::test]
async fn readiness_is_denied_before_connections_are() {
    let program = Start::demo().ready().await;
    let address = program.address();
    // A new connection for each request, until none is accepted.
    let requests = tokio::spawn(async move {
        let mut answers = Vec::new();
        while let Ok(mut connection) = TcpStream::connect(address).await {
            let mut answer = [0; 12];
            let sent = connection.write_all(b"GET /-/ready HTTP/1.1\r\nHost: x\r\n\r\n").await;
            if sent.is_ok() && connection.read_exact(&mut answer).await.is_ok() {
                answers.push(String::from_utf8(answer.to_vec()).unwrap());
            }
        }
        answers.dedup();
        answers
    });
    program.get("/-/ready").await;
    program.signal("TERM").await;
    program.finish().await.with_code(0);
    assert_eq!(requests.await.unwrap(), ["HTTP/1.1 200", "HTTP/1.1 503"]);
}
