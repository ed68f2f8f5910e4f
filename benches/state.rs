//! What job transitions and their state file cost.
//!
//! `cargo bench --bench state -- --deployments 100000 --polls 20`: the time and the CPU of a poll's commit, which compares
//! each deployment with what is remembered of it, without and with a state file, for polls that change nothing and polls
//! that change 1 % of the deployments; the bytes that a poll writes; the size of the file and the time to load it.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark")]

use std::{path::Path, sync::Arc, time::Duration};

use aliyun_flink_exporter::{
    collectors,
    model::{Deployment, JobCounts, Objects, TargetId},
    store::{Listed, PollReport, StatusLookup, Store, TargetSettings},
};
use clock::Clock;
use nix::sys::resource::{UsageWho, getrusage};
use tokio::time::Instant;

fn argument(name: &str, default: u64) -> u64 {
    let mut arguments = std::env::args().skip_while(|argument| argument != name);
    arguments.nth(1).map_or(default, |value| value.parse().unwrap())
}

fn cpu() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_SELF).unwrap();
    let time = |time: nix::sys::time::TimeVal| {
        Duration::new(time.tv_sec().try_into().unwrap(), u32::try_from(time.tv_usec()).unwrap() * 1000)
    };
    time(usage.user_time()) + time(usage.system_time())
}

/// The bytes that the process has caused to be written to disks.
fn written() -> u64 {
    let io = std::fs::read_to_string("/proc/self/io").unwrap();
    io.lines().find_map(|line| line.strip_prefix("wchar: ")).unwrap().parse().unwrap()
}

/// Resident memory in bytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap();
    status.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

/// Deployments whose counts of failed jobs depend on `round` for one of `every`.
fn fleet(count: u64, round: u64, every: u64) -> Vec<Deployment> {
    let deployment = |number: u64| {
        let failed = if every > 0 && number.is_multiple_of(every) { round } else { 0 };
        Deployment {
            id: format!("{number:08x}-0000-4000-8000-{number:012x}").into(),
            name: format!("deployment-{number}").into(),
            jobs: JobCounts::new([Some(0), Some(1), Some(0), Some(2), Some(3), Some(failed)]),
            ..Deployment::default()
        }
    };
    (0..count).map(deployment).collect()
}

fn target() -> TargetId {
    TargetId {
        workspace: "workspace".into(),
        namespace: "namespace".into(),
        collector: collectors::DEPLOYMENTS,
        selection: String::new(),
    }
}

fn set_targets(store: &Store, transitions: bool) {
    let settings = TargetSettings {
        region: "".into(),
        interval: Duration::from_secs(60),
        expire_after: Duration::from_secs(600),
        first_value_hold: transitions.then_some(Duration::ZERO),
        jobs: None,
        generation: 1,
    };
    store.set_targets(&[(Arc::new(target()), settings)].into(), None);
}

async fn commit(store: &Store, deployments: Vec<Deployment>) {
    let objects = Box::new(Objects::listed(deployments));
    let now = Instant::now();
    let report = PollReport {
        result: Listed { objects, consistent: true, pages: 1, answer: StatusLookup::NotNeeded },
        requested_at: now,
        took: Duration::ZERO,
        next_poll: now,
        next_report_due: now + Duration::from_secs(600),
    };
    store.commit(&target(), 1, report).await.unwrap();
}

/// Prints the mean of some polls.
async fn measure(title: &str, store: &Store, count: u64, polls: u64, every: u64) {
    let mut spent = (Duration::ZERO, Duration::ZERO, 0);
    for round in 1..=polls {
        let deployments = fleet(count, round, every);
        let (time, processor, bytes) = (Instant::now(), cpu(), written());
        commit(store, deployments).await;
        spent = (
            spent.0 + time.elapsed(),
            spent.1 + cpu().saturating_sub(processor),
            spent.2 + (written() - bytes),
        );
    }
    let milliseconds = |time: Duration| time.as_secs_f64() * 1000.0 / polls as f64;
    println!(
        "{title:46} {:8.2} ms  CPU {:8.2} ms  {:8} kB written",
        milliseconds(spent.0),
        milliseconds(spent.1),
        spent.2 / polls / 1000
    );
}

async fn with_file(path: &Path) -> Arc<Store> {
    let store = Arc::new(Store::new(Clock::System));
    store.load_state(path.to_owned()).await;
    set_targets(&store, true);
    store
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let (count, polls) = (argument("--deployments", 100_000), argument("--polls", 20));
    println!("{count} deployments, means of {polls} polls");
    let store = Store::new(Clock::System);
    set_targets(&store, false);
    commit(&store, fleet(count, 0, 0)).await;
    measure("no transitions, nothing changes", &store, count, polls, 0).await;
    measure("no transitions, 1 % change", &store, count, polls, 100).await;

    let before = resident();
    set_targets(&store, true);
    commit(&store, fleet(count, 0, 0)).await;
    commit(&store, fleet(count, 0, 0)).await;
    println!("memory of a deployment's transitions: {} bytes", resident().saturating_sub(before) / count);
    measure("transitions, nothing changes", &store, count, polls, 0).await;
    measure("transitions, 1 % change", &store, count, polls, 100).await;
    drop(store);

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.redb");
    let store = with_file(&path).await;
    let time = Instant::now();
    commit(&store, fleet(count, 0, 0)).await;
    println!("first poll, all saved: {:?}", time.elapsed());
    commit(&store, fleet(count, 0, 0)).await;
    measure("state file, nothing changes", &store, count, polls, 0).await;
    measure("state file, 1 % change", &store, count, polls, 100).await;
    store.record_state(Duration::from_secs(60)).await;
    store.close_state(Duration::from_secs(60)).await;
    drop(store);
    println!("size of the file: {} kB", std::fs::metadata(&path).unwrap().len() / 1000);
    let (time, processor) = (Instant::now(), cpu());
    let store = with_file(&path).await;
    println!("load: {:?}, CPU {:?}", time.elapsed(), cpu().saturating_sub(processor));
    drop(store);
}
