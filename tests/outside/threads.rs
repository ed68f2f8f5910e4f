//! A system that gives no more threads.

use std::process::Command;

use nix::unistd::Uid;
use tokio::time::{Duration, sleep};

use crate::support::{Reply, Start, StubApi, sample};

/// How to run a command as a user for whom a limit of threads holds: for root it does not.
fn as_user(command: &[&'static str]) -> Vec<&'static str> {
    let user: &[&str] = if Uid::effective().is_root() {
        &["setpriv", "--reuid=54321", "--regid=54321", "--clear-groups", "--"]
    } else {
        &[]
    };
    [user, command].concat()
}

#[tokio::test]
async fn a_daemon_that_gets_no_thread_ends_with_1_and_says_what_to_raise() {
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
async fn a_daemon_that_gets_no_more_threads_goes_on() {
    let api = StubApi::start(|_| Reply::ok(sample("list_deployments"))).await;
    let arguments = ["run", "--web.listen-address", "127.0.0.1:0"];
    let start = Start::run_by(&as_user(&["env"]), &arguments).polling(&api, "[n1]", "");
    // Tokio ends an idle thread after ten seconds.
    let start = start.with_key().env("ALIYUN_FLINK_EXPORTER_POLL__INTERVAL", "13s");
    let program = start.ready().await;
    let pid = format!("--pid={}", program.pid());
    let prlimit = as_user(&["prlimit", "--nproc=1:1"]);
    let limited = Command::new(prlimit[0]).args(&prlimit[1..]).arg(&pid).status().unwrap();
    assert!(limited.success());
    let polls = |count: f64| {
        move |metrics: &crate::support::Exposition| {
            metrics.find("aliyun_flink_target_polls_total").label("outcome", "success").one().value >= count
        }
    };
    sleep(Duration::from_secs(12)).await;
    program.metrics_with("polls after the limit", polls(3.0)).await;
    program.signal("TERM").await;
    program.finish().await.with_code(0);
}
