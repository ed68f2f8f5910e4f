//! What systemd hears of the process.

use std::{
    os::{
        linux::net::SocketAddrExt as _,
        unix::net::{SocketAddr, UnixDatagram},
    },
    path::PathBuf,
    time::Duration,
};

use tempfile::TempDir;
use tokio::{
    net,
    time::{sleep, timeout},
};

use crate::support::{PATIENCE, Program, Reply, Start, StubApi, empty_page, until};

/// systemd's end.
struct Manager {
    socket: net::UnixDatagram,
    directory: TempDir,
}

impl Manager {
    fn listen() -> Self {
        let directory = TempDir::new().unwrap();
        let socket = net::UnixDatagram::bind(Self::path(&directory)).unwrap();
        Self { socket, directory }
    }

    fn path(directory: &TempDir) -> PathBuf {
        directory.path().join("notify")
    }

    /// Has `start` know of it.
    fn told_by(&self, start: Start) -> Start {
        start.env("NOTIFY_SOCKET", Self::path(&self.directory).to_str().unwrap())
    }

    async fn message(&self) -> String {
        let mut buffer = [0; 4096];
        let received = timeout(PATIENCE, self.socket.recv(&mut buffer)).await.expect("a message");
        String::from_utf8(buffer[..received.unwrap()].to_vec()).unwrap()
    }

    /// The messages up to the first one with this line.
    async fn until(&self, line: &str) -> Vec<String> {
        let mut messages = Vec::new();
        loop {
            messages.push(self.message().await);
            if has(messages.last().unwrap(), line) {
                return messages;
            }
        }
    }

    /// How many messages with this line come within `time`.
    async fn count_within(&self, time: Duration, line: &str) -> usize {
        let mut count = 0;
        let counting = async {
            loop {
                count += usize::from(has(&self.message().await, line));
            }
        };
        let _: Result<(), _> = timeout(time, counting).await;
        count
    }
}

fn has(message: &str, line: &str) -> bool {
    message.lines().any(|known| known == line)
}

async fn api() -> StubApi {
    StubApi::start(|_| Reply::json(200, &empty_page())).await
}

async fn reload(program: &Program, manager: &Manager) -> String {
    program.signal("HUP").await;
    let messages = manager.until("READY=1").await;
    let begun = messages.iter().find(|message| has(message, "RELOADING=1")).expect("the begin of a reload");
    assert!(begun.lines().any(|line| line.starts_with("MONOTONIC_USEC=")), "{begun}");
    messages.last().unwrap().clone()
}

#[tokio::test]
async fn systemd_hears_of_the_start_of_reloads_and_of_the_end() {
    let (api, manager) = (api().await, Manager::listen());
    let start = manager.told_by(Start::daemon().polling(&api, "[a, b]", ""));
    let program = start.listening().await;
    let first = manager.message().await;
    assert!(has(&first, "READY=1") && first.contains("STATUS=targets: "), "{first}");
    assert_eq!(program.get("/-/healthy").await.status, 200, "it is ready once it serves");

    let answer = reload(&program, &manager).await;
    assert!(!answer.contains("refused"), "{answer}");
    program.rewrite_config("workspaces: 7\n");
    let answer = reload(&program, &manager).await;
    assert!(answer.contains("; the configuration last read was refused"), "{answer}");

    program.signal("TERM").await;
    manager.until("STOPPING=1").await;
    program.finish().await.with_code(0);
}

#[tokio::test]
async fn it_is_ready_before_an_api_that_never_answers() {
    let (api, manager) = (StubApi::start(|_| Reply::Never).await, Manager::listen());
    let program = manager.told_by(Start::daemon().polling(&api, "[a]", "")).listening().await;
    let first = manager.message().await;
    assert_eq!(first, "READY=1\nSTATUS=targets: 0 up, 1 not polled yet");
    assert_eq!(program.get("/-/ready").await.status, 503, "balancers wait for the first poll");
}

#[tokio::test]
async fn it_is_not_ready_if_it_can_not_start() {
    let manager = Manager::listen();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let start = Start::bare(&["demo", "--web.listen-address", &address]);
    manager.told_by(start).finish().await.with_code(1);
    manager.told_by(Start::daemon().config("workspaces: 7\n")).finish().await.with_code(2);
    assert_eq!(manager.count_within(Duration::from_millis(100), "READY=1").await, 0);
}

#[tokio::test]
async fn the_watchdog_hears_twice_within_its_time_and_of_a_process_that_hangs_nothing() {
    let manager = Manager::listen();
    let program = manager
        .told_by(Start::demo())
        .env("WATCHDOG_USEC", "2000000")
        .args(&["--namespaces", "2"])
        .ready()
        .await;
    // On a busy machine, some are in the queue already.
    manager.count_within(Duration::from_millis(100), "WATCHDOG=1").await;
    manager.until("WATCHDOG=1").await;
    let begun = tokio::time::Instant::now();
    for _ in 0..4 {
        manager.until("WATCHDOG=1").await;
    }
    assert!(begun.elapsed() > Duration::from_secs(2), "no more than needed");

    program.signal("STOP").await;
    // What was on its way has come.
    sleep(Duration::from_millis(100)).await;
    manager.count_within(Duration::from_millis(100), "WATCHDOG=1").await;
    assert_eq!(manager.count_within(Duration::from_secs(3), "WATCHDOG=1").await, 0);
    program.signal("CONT").await;
    manager.until("WATCHDOG=1").await;
}

#[tokio::test]
async fn a_watchdog_for_another_process_hears_nothing() {
    let manager = Manager::listen();
    let start = manager.told_by(Start::demo()).env("WATCHDOG_USEC", "100000").env("WATCHDOG_PID", "1");
    let _program = start.listening().await;
    manager.until("READY=1").await;
    assert_eq!(manager.count_within(Duration::from_secs(1), "WATCHDOG=1").await, 0);
}

#[tokio::test]
async fn a_socket_may_be_in_the_abstract_namespace() {
    let name = format!("exporter-outside-{}", std::process::id());
    let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let _program = Start::demo().env("NOTIFY_SOCKET", &format!("@{name}")).listening().await;
    let mut buffer = [0; 1024];
    let length =
        tokio::task::spawn_blocking(move || socket.recv(&mut buffer).map(|length| buffer[..length].to_vec()));
    let message = String::from_utf8(length.await.unwrap().unwrap()).unwrap();
    assert!(has(&message, "READY=1"), "{message}");
}

#[tokio::test]
async fn a_systemd_that_went_away_stops_nothing() {
    let manager = Manager::listen();
    let program = manager.told_by(Start::demo()).env("WATCHDOG_USEC", "400000").listening().await;
    manager.until("READY=1").await;
    drop(manager);
    until("the warning", async || program.stderr().contains("systemd was not notified").then_some(())).await;
    assert_eq!(program.get("/-/healthy").await.status, 200);
    program.signal("TERM").await;
    program.finish().await.with_code(0);
}
