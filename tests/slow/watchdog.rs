//! The pings of systemd's watchdog.

use std::{fs, time::Duration};

use tokio::time::{Instant, sleep};

use crate::support::{NotifySocket, Program, Start, until};

const PING: &str = "WATCHDOG=1";

/// Whether all threads of the program are stopped by a signal.
fn is_stopped(program: &Program) -> bool {
    let threads = fs::read_dir(format!("/proc/{}/task", program.pid())).unwrap();
    let mut states = threads.map(|thread| fs::read_to_string(thread.unwrap().path().join("stat")).unwrap());
    // The state follows the name, which is in parentheses.
    states.all(|stat| stat.rsplit(')').next().unwrap().trim_start().starts_with('T'))
}

fn pings(messages: &[String]) -> usize {
    messages.iter().filter(|message| NotifySocket::has(message, PING)).count()
}

#[tokio::test]
async fn the_watchdog_is_pinged_twice_within_its_timeout_and_not_by_a_stopped_process() {
    const TIMEOUT: Duration = Duration::from_secs(2);
    let systemd = NotifySocket::bind();
    let start = systemd.notified_by(Start::demo()).env("WATCHDOG_USEC", "2000000");
    let program = start.args(&["--namespaces", "2"]).ready().await;
    // On a busy machine, some are in the queue already.
    systemd.queued();
    systemd.until(PING).await;
    let begun = Instant::now();
    for _ in 0..4 {
        systemd.until(PING).await;
    }
    let took = begun.elapsed();
    assert!(took > TIMEOUT && took < 4 * TIMEOUT, "4 pings, half a timeout apart, took {took:?}");

    program.signal("STOP").await;
    until("the stop", async || is_stopped(&program).then_some(())).await;
    systemd.queued();
    sleep(TIMEOUT + TIMEOUT / 2).await;
    assert_eq!(pings(&systemd.queued()), 0);
    program.signal("CONT").await;
    systemd.until(PING).await;
}

#[tokio::test]
async fn a_watchdog_for_another_process_is_not_pinged() {
    let systemd = NotifySocket::bind();
    let start = systemd.notified_by(Start::demo()).env("WATCHDOG_USEC", "100000").env("WATCHDOG_PID", "1");
    let _program = start.listening().await;
    systemd.until("READY=1").await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(pings(&systemd.queued()), 0);
}
