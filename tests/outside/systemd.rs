//! Notifications to systemd. Those of the watchdog are in `tests/slow`.

use std::os::{
    linux::net::SocketAddrExt as _,
    unix::net::{SocketAddr, UnixDatagram},
};

use crate::support::{NotifySocket, PATIENCE, Program, Reply, Start, StubApi, empty_page, until};

async fn api() -> StubApi {
    StubApi::start(|_| Reply::json(200, &empty_page())).await
}

async fn reload(program: &Program, systemd: &NotifySocket) -> String {
    program.signal("HUP").await;
    let messages = systemd.until("READY=1").await;
    let begun = messages
        .iter()
        .find(|message| NotifySocket::has(message, "RELOADING=1"))
        .expect("the start of a reload");
    assert!(begun.lines().any(|line| line.starts_with("MONOTONIC_USEC=")), "{begun}");
    messages.last().unwrap().clone()
}

#[tokio::test]
async fn the_start_reloads_and_the_stop_are_notified() {
    let (api, systemd) = (api().await, NotifySocket::bind());
    let start = systemd.notified_by(Start::daemon().polling(&api, "[a, b]", ""));
    let program = start.listening().await;
    let first = systemd.message().await;
    assert!(NotifySocket::has(&first, "READY=1") && first.contains("STATUS=targets: "), "{first}");
    assert_eq!(program.get("/-/healthy").await.status, 200, "it is ready once it serves");

    let answer = reload(&program, &systemd).await;
    assert!(!answer.contains("refused"), "{answer}");
    program.rewrite_config("workspaces: 7\n");
    let answer = reload(&program, &systemd).await;
    assert!(answer.contains("; the configuration last read was refused"), "{answer}");

    program.signal("TERM").await;
    systemd.until("STOPPING=1").await;
    program.finish().await.with_code(0);
}

#[tokio::test]
async fn an_api_that_never_answers_does_not_delay_readiness() {
    let (api, systemd) = (StubApi::start(|_| Reply::Never).await, NotifySocket::bind());
    let program = systemd.notified_by(Start::daemon().polling(&api, "[a]", "")).listening().await;
    let first = systemd.message().await;
    assert_eq!(first, "READY=1\nSTATUS=targets: 0 up, 1 not polled yet");
    assert_eq!(program.get("/-/ready").await.status, 503, "balancers wait for the first poll");
}

#[tokio::test]
async fn a_program_that_cannot_start_never_reports_readiness() {
    let systemd = NotifySocket::bind();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let start = Start::bare(&["demo", "--web.listen-address", &address]);
    systemd.notified_by(start).finish().await.with_code(1);
    systemd.notified_by(Start::daemon().config("workspaces: 7\n")).finish().await.with_code(2);
    assert_eq!(systemd.queued(), [""; 0]);
}

#[tokio::test]
async fn a_socket_in_the_abstract_namespace_is_notified() {
    let name = format!("exporter-outside-{}", std::process::id());
    let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let _program = Start::demo().env("NOTIFY_SOCKET", &format!("@{name}")).listening().await;
    let mut buffer = [0; 1024];
    let length =
        tokio::task::spawn_blocking(move || socket.recv(&mut buffer).map(|length| buffer[..length].to_vec()));
    let message = String::from_utf8(length.await.unwrap().unwrap()).unwrap();
    assert!(NotifySocket::has(&message, "READY=1"), "{message}");
}

#[tokio::test]
async fn the_exporter_runs_on_without_systemd() {
    let systemd = NotifySocket::bind();
    let program = systemd.notified_by(Start::demo()).env("WATCHDOG_USEC", "400000").listening().await;
    systemd.until("READY=1").await;
    drop(systemd);
    until("the warning", async || program.stderr().contains("systemd was not notified").then_some(())).await;
    assert_eq!(program.get("/-/healthy").await.status, 200);
    program.signal("TERM").await;
    program.finish().await.with_code(0);
}
