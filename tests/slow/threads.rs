//! Limits on threads.

use std::process::Command;

use nix::unistd::Uid;
use tokio::time::{Duration, sleep};

use crate::support::{Exposition, Reply, Start, StubApi, sample};

/// `command`, run as a user to whom limits on threads apply: they do not apply to root.
fn as_user(command: &[&'static str]) -> Vec<&'static str> {
    let user: &[&str] = if Uid::effective().is_root() {
        &["setpriv", "--reuid=54321", "--regid=54321", "--clear-groups", "--"]
    } else {
        &[]
    };
    [user, command].concat()
}

#[tokio::test]
async fn a_program_that_cannot_start_a_thread_exits_with_1_and_names_the_limit() {
    for command in ["run", "demo", "simulate"] {
        let finished = Start::run_by(&as_user(&["prlimit", "--nproc=1:1", "--"]), &[command])
            .finish()
            .await
            .with_code(1);
        assert!(finished.stderr.contains("can't start a thread"), "{}", finished.stderr);
        assert!(finished.stderr.contains("TasksMax"), "{}", finished.stderr);
    }
}

#[tokio::test]
async fn polls_continue_when_no_more_threads_can_be_started() {
    let api = StubApi::start(|_| Reply::ok(sample("list_deployments"))).await;
    let arguments = ["run", "--web.listen-address", "127.0.0.1:0"];
    let start = Start::run_by(&as_user(&["env"]), &arguments).polling(&api, "[n1]", "");
    // tokio ends an idle thread after ten seconds, so that a poll needs a new one.
    let start = start.with_key().env("ALIYUN_FLINK_EXPORTER_POLL__INTERVAL", "13s");
    let program = start.ready().await;
    let pid = format!("--pid={}", program.pid());
    let prlimit = as_user(&["prlimit", "--nproc=1:1"]);
    let limited = Command::new(prlimit[0]).args(&prlimit[1..]).arg(&pid).status().unwrap();
    assert!(limited.success());
    let polled = |metrics: &Exposition| {
        metrics.find("aliyun_flink_target_polls_total").label("outcome", "success").one().value >= 2.0
    };
    // A scrape would keep a thread busy.
    sleep(Duration::from_secs(12)).await;
    program.metrics_with("a poll under the limit", polled).await;
    program.signal("TERM").await;
    program.finish().await.with_code(0);
}
