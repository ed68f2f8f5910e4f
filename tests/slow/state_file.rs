//! State files that can't be used as they are: everything is served, and people are told.

use std::{fs, path::Path, sync::Arc, time::Duration};

use aliyun_flink_exporter::clock::Clock;
use serde_json::Value;
use state_file::{Batch, Contents, Loaded, Owner, Settings, StateFile};
use tempfile::TempDir;

use crate::support::{Program, Reply, Start, StubApi, sample, until};

const HEALTHY: &str = "aliyun_flink_exporter_state_healthy";

struct Nothing;

impl Owner for Nothing {
    fn dump(&self) -> Option<Batch> {
        None
    }

    fn merge(&self, _: Contents) {}
}

async fn start(path: &Path) -> (StubApi, Start) {
    let api = StubApi::start(|_| Reply::ok(sample("list_deployments"))).await;
    let start = Start::daemon().args(&["--state.path", path.to_str().unwrap()]);
    let start = start.polling(&api, "[n1]", "");
    (api, start)
}

/// The state in `/api/v1/status`.
async fn state(program: &Program) -> Value {
    let reply: Value = serde_json::from_str(&program.get("/api/v1/status").await.body).unwrap();
    reply["state"].clone()
}

async fn is_saved(program: &Program) -> Value {
    program.metrics_with("a save", |metrics| metrics.find(HEALTHY).one().value > 0.0).await;
    assert!(program.get("/").await.body.contains("<dt>State saved</dt>"));
    let state = state(program).await;
    assert_eq!((&state["healthy"], &state["problem"]), (&true.into(), &Value::Null), "{state}");
    state
}

async fn is_not_saved(program: &Program, reason: &str) {
    let state = state(program).await;
    let problem = state["problem"].as_str().unwrap();
    assert!(problem.contains(reason) && state["healthy"] == false, "{state}");
    let page = program.get("/").await.body;
    let attention = page.split("</section>").next().unwrap();
    assert!(attention.contains("Needs attention") && attention.contains(reason), "{page}");
    program.metrics().await.find(HEALTHY).value(0.0);
}

#[tokio::test]
async fn a_damaged_file_is_kept_aside_and_replaced() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("state.redb");
    fs::write(&path, "rubbish").unwrap();
    let (_api, start) = start(&path).await;
    let program = start.ready().await;
    assert!(is_saved(&program).await["last_save"].as_f64().is_some_and(|time| time > 1.7e9));
    assert_eq!(fs::read(directory.path().join("state.redb.damaged")).unwrap(), b"rubbish");
    assert!(program.stderr().contains("was damaged"), "{}", program.stderr());
    program.signal("TERM").await;
    program.finish().await.with_code(0);
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_left_untouched() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("state.redb");
    let settings = Settings::new(&path, u32::MAX, Clock::System);
    let (newer, mut loading) = StateFile::start(settings, Arc::new(Nothing));
    assert_eq!(loading.wait().await, Loaded::New);
    newer.close(Duration::from_secs(60)).await.unwrap();
    let bytes = fs::read(&path).unwrap();
    let (_api, start) = start(&path).await;
    let program = start.ready().await;
    is_not_saved(&program, "was written by a newer version").await;
    program.signal("TERM").await;
    program.finish().await.with_code(0);
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

#[tokio::test]
async fn a_file_that_stays_locked_is_overwritten_once_it_is_free() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("state.redb");
    let other = fs::File::create(&path).unwrap();
    other.lock().unwrap();
    let (_api, start) = start(&path).await;
    let program = start.listening().await;
    is_not_saved(&program, "is locked by another process").await;
    assert_eq!(program.get("/-/ready").await.status, 503);
    // After 30 seconds it polls without saving.
    until("readiness", async || (program.get("/-/ready").await.status == 200).then_some(())).await;
    is_not_saved(&program, "is locked by another process").await;
    drop(other);
    is_saved(&program).await;
    program.signal("TERM").await;
    program.finish().await.with_code(0);
    assert!(path.metadata().unwrap().len() > 0);
}

#[tokio::test]
async fn a_directory_that_appears_later_is_used() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("later/state.redb");
    let (_api, start) = start(&path).await;
    let program = start.ready().await;
    is_not_saved(&program, "create its directory").await;
    fs::create_dir(path.parent().unwrap()).unwrap();
    is_saved(&program).await;
    assert!(path.exists());
    program.signal("TERM").await;
    program.finish().await.with_code(0);
}
