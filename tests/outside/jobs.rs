//! The collector `jobs`: which requests it sends, which metrics are served, and which data stays inside the program.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{
    Exposition, JobFleet, Program, Start, failed_job, job_settings, running_job, steady_deployment, until,
};

const INFO: &str = "aliyun_flink_deployment_last_failure_info";
const TIME: &str = "aliyun_flink_deployment_last_failure_timestamp_seconds";
const RESTARTS: &str = "aliyun_flink_deployment_job_restarts_total";

const FAST: &str = "mode: active, interval: 200ms, requests_per_second: 1000";

fn polls(metrics: &Exposition, collector: &str, outcome: &str) -> f64 {
    let polls = metrics.find("aliyun_flink_target_polls_total").label("collector", collector);
    polls.label("outcome", outcome).sum()
}

async fn json_of(program: &Program) -> Value {
    let path = "/api/v1/targets/edcef0000b4f/n1/deployments";
    serde_json::from_str(&program.get(path).await.body).unwrap()
}

#[tokio::test]
async fn without_failures_no_jobs_are_requested() {
    let fleet = JobFleet::new((0..20).map(steady_deployment));
    let api = fleet.serve().await;
    let settings = job_settings("mode: failures, interval: 200ms");
    let program = Start::daemon().polling(&api, "[n1]", &settings).ready().await;
    let metrics = program.metrics_with("rounds", |metrics| polls(metrics, "jobs", "success") >= 5.0).await;
    assert_eq!(fleet.requested(), [""; 0]);
    metrics.find(INFO).absent();
    metrics.find("aliyun_flink_target_objects").label("collector", "jobs").value(0.0);
    assert!(json_of(&program).await["deployments"][0]["last_failure"].is_null());
}

#[tokio::test]
async fn the_reason_of_a_failure_is_served_and_its_message_is_not() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("state.redb");
    let fleet = JobFleet::new((0..20).map(steady_deployment));
    fleet.change("d7", |deployment| {
        (deployment.running, deployment.failed) = (0, 2);
        deployment.jobs =
            vec![failed_job("old", 1_700_000_000, "Old"), failed_job("new", 1_700_000_500, "New")];
    });
    let api = fleet.serve().await;
    // The interval is longer than the test, so there is one scheduled round.
    let start = Start::daemon().args(&["--state.path", path.to_str().unwrap(), "--log.level", "debug"]);
    let program =
        start.polling(&api, "[n1]", &job_settings("interval: 1d, requests_per_second: 1000")).ready().await;
    let reason = |reason: &'static str| {
        move |metrics: &Exposition| !metrics.find(INFO).label("reason", reason).all().is_empty()
    };
    let metrics = program.metrics_with("what had failed before", reason("New")).await;
    metrics.find(TIME).label("deployment", "name-d7").value(1_700_000_500.0);
    assert_eq!(fleet.requested(), ["d7"]);

    fleet.fail("d3", 1_700_001_000, "KubernetesDeploymentNotProgressing");
    fleet.fail("d4", 1_700_001_001, "a sentence of its own");
    program.metrics_with("a failure", reason("KubernetesDeploymentNotProgressing")).await;
    let metrics = program.metrics_with("another", reason("other")).await;
    assert_eq!(fleet.requested().len(), 3);
    assert_eq!(metrics.find(INFO).all().len(), 3);

    let deployments = json_of(&program).await;
    let of = |id: &str| {
        let all = deployments["deployments"].as_array().unwrap();
        all.iter().find(|deployment| deployment["id"] == id).unwrap()["last_failure"].clone()
    };
    let failure = of("d3");
    assert_eq!(
        (&failure["reason"], &failure["time"], &failure["job_id"]),
        (&json!("KubernetesDeploymentNotProgressing"), &json!(1_700_001_000.0), &json!("job-1700001000"))
    );
    let message = failure["message"].as_str().unwrap();
    assert!(message.len() == 1024 && message.starts_with("<b>&</b> ") && message.contains(JobFleet::SECRET));
    assert!(of("d1").is_null());

    let page = program.get("/targets/edcef0000b4f/n1/deployments/d3").await.body;
    let shown = [
        "KubernetesDeploymentNotProgressing",
        "job-1700001000",
        "2023-11-14T22:30:00Z",
        "&lt;b&gt;&amp;&lt;/b&gt;",
        JobFleet::SECRET,
    ];
    for part in shown.into_iter().chain(["<td>FAILED</td>", "<td>RUNNING</td>"]) {
        assert!(page.contains(part) && !page.contains("<b>&"), "{part}: {page}");
    }
    let page = program.get("/targets/edcef0000b4f/n1?q=NotProgressing").await.body;
    assert!(
        page.contains("<p>1 of 20 deployments") && page.contains(JobFleet::SECRET) && !page.contains("<b>&"),
        "{page}"
    );
    let page = program.get("/targets/edcef0000b4f/n1?sort=last_failure&desc=1").await.body;
    let (d4, d3, d7) = (page.find("name-d4"), page.find("name-d3"), page.find("name-d7"));
    assert!(d4 < d3 && d3 < d7, "the latest comes first: {page}");

    assert!(!program.get("/metrics").await.body.contains(JobFleet::SECRET));
    assert!(!program.get("/api/v1/status").await.body.contains(JobFleet::SECRET));
    program.signal("TERM").await;
    let log = program.finish().await.with_code(0).stderr;
    assert!(log.contains("jobs queried") && !log.contains(JobFleet::SECRET));
    let state = fs::read(&path).unwrap();
    let has = |text: &str| state.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(has("KubernetesDeploymentNotProgressing") && !has(JobFleet::SECRET));
}

#[tokio::test]
async fn metrics_of_a_live_job_are_served_until_it_ends() {
    let fleet = JobFleet::new((0..3).map(steady_deployment));
    let api = fleet.serve().await;
    let program = Start::daemon().polling(&api, "[n1]", &job_settings(FAST)).ready().await;
    let used = |what: &str| format!("aliyun_flink_deployment_used_{what}");
    let metrics =
        program.metrics_with("live jobs", |metrics| metrics.find(&used("cpu_cores")).all().len() == 3).await;
    let value = |name: &str, value| {
        metrics.find(name).label("deployment_id", "d1").value(value);
    };
    value(&used("cpu_cores"), 1.5);
    value(&used("memory_bytes"), f64::from(1 << 30) * 8.0);
    value(&used("compute_units"), 2.0);
    value("aliyun_flink_deployment_job_started_timestamp_seconds", 1_700_000_000.0);
    value("aliyun_flink_deployment_health_score", 77.0);
    // Restarts before the first response are not counted.
    value(RESTARTS, 0.0);
    fleet.change("d1", |deployment| deployment.jobs = vec![running_job("j", 5)]);
    let of_d1 = |metrics: &Exposition| metrics.find(RESTARTS).label("deployment_id", "d1").sum();
    program.metrics_with("restarts", |metrics| of_d1(metrics) >= 2.0).await;
    fleet.fail("d1", 1_700_001_000, "Code");
    let metrics =
        program.metrics_with("its end", |metrics| metrics.find(&used("cpu_cores")).all().len() == 2).await;
    metrics.find(RESTARTS).label("deployment_id", "d1").value(2.0);
    program.metrics_with("the reason", |metrics| metrics.find(INFO).all().len() == 1).await;
}

#[tokio::test]
async fn failures_and_restarts_survive_a_kill() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("state.redb");
    let fleet = JobFleet::new([steady_deployment(1)]);
    fleet.fail("d1", 1_700_001_000, "Code");
    fleet.change("d1", |deployment| {
        deployment.running = 1;
        deployment.jobs.push(running_job("next", 0));
    });
    let api = fleet.serve().await;
    let (mut last, mut restarts) = (0.0, 0);
    for run in 0..4 {
        let start = Start::daemon().args(&["--state.path", path.to_str().unwrap()]);
        let program = start.polling(&api, "[n1]", &job_settings(FAST)).ready().await;
        let before = last;
        program
            .metrics_with("more restarts", |metrics| {
                restarts += 1;
                fleet.change("d1", |deployment| {
                    *deployment.jobs.last_mut().unwrap() = running_job("next", restarts);
                });
                let served = metrics.find(RESTARTS).all();
                let Some(value) = served.first().map(|series| series.value) else { return false };
                assert!(value >= last, "{value} after {last}");
                last = value;
                value >= before + 3.0
            })
            .await;
        if run == 0 {
            // The failure happened before the first poll.
            program.metrics_with("the failure", |metrics| metrics.find(INFO).all().len() == 1).await;
        }
        program.signal("KILL").await;
        program.finish().await;
    }
    fleet.refuse(403, json!({"Code": "NoPermission", "Message": "no"}));
    let start = Start::daemon().args(&["--state.path", path.to_str().unwrap()]);
    let program = start.polling(&api, "[n1]", &job_settings(FAST)).ready().await;
    let metrics = program.metrics_with("what was saved", |metrics| metrics.find(INFO).all().len() == 1).await;
    metrics.find(TIME).value(1_700_001_000.0);
    program.metrics_with("failures", |metrics| polls(metrics, "jobs", "permission") > 0.0).await;
    let failure = json_of(&program).await["deployments"][0]["last_failure"].clone();
    assert_eq!((&failure["reason"], &failure["message"]), (&json!("Code"), &Value::Null));
}

#[tokio::test]
async fn a_denied_action_fails_the_round_at_once_and_no_other_collector() {
    let fleet = JobFleet::new((0..30).map(steady_deployment));
    fleet.refuse(403, json!({"Code": "NoPermission", "Message": "no"}));
    let api = fleet.serve().await;
    let settings = job_settings("mode: active, interval: 1d, requests_per_second: 1000");
    let program = Start::daemon().polling(&api, "[n1]", &settings).ready().await;
    let metrics =
        program.metrics_with("a failed round", |metrics| polls(metrics, "jobs", "permission") > 0.0).await;
    metrics.find("aliyun_flink_target_up").label("collector", "deployments").value(1.0);
    metrics.find("aliyun_flink_target_up").label("collector", "jobs").value(0.0);
    let polled = polls(&metrics, "deployments", "success");
    let more = |metrics: &Exposition| polls(metrics, "deployments", "success") > polled + 4.5;
    program.metrics_with("more polls of deployments", more).await;
    // Three requests are in flight at a time, in the first round and in the one that the deployments triggered.
    assert!(fleet.requested().len() <= 6, "the next round is on schedule: {}", program.stderr());
}

#[tokio::test]
async fn a_deleted_deployment_does_not_fail_the_poll() {
    let fleet = JobFleet::new([steady_deployment(1)]);
    let gone = json!({"success": false, "httpCode": 200, "errorCode": "990301", "errorMessage": "gone"});
    fleet.refuse(200, gone);
    let api = fleet.serve().await;
    let program = Start::daemon().polling(&api, "[n1]", &job_settings(FAST)).ready().await;
    until("requests", async || (fleet.requested().len() > 3).then_some(())).await;
    let metrics = program.metrics().await;
    assert!(polls(&metrics, "jobs", "not_found") < 0.5);
    metrics.find("aliyun_flink_target_up").label("collector", "jobs").value(1.0);
}

#[tokio::test]
async fn of_many_jobs_the_first_and_the_last_pages_are_read() {
    let fleet = JobFleet::new([steady_deployment(1)]);
    fleet.change("d1", |deployment| {
        deployment.jobs = (0..2500)
            .map(|number| failed_job(&format!("j{number}"), 1_700_000_000 + number, "Code"))
            .collect();
        (deployment.running, deployment.failed) = (0, 2500);
    });
    let api = fleet.serve().await;
    let settings = job_settings("interval: 1d, requests_per_second: 1000");
    let program = Start::daemon().polling(&api, "[n1]", &settings).ready().await;
    let metrics = program.metrics_with("the reason", |metrics| metrics.find(INFO).all().len() == 1).await;
    metrics.find(TIME).value(1_700_002_499.0);
    assert_eq!(fleet.requested().len(), 10, "of 25 pages");
}

#[tokio::test]
async fn once_requests_jobs_after_the_deployments() {
    let flags = ["simulate", "--listen-address", "127.0.0.1:0", "--workspace", "w1", "--namespaces=2"];
    let simulator = Start::bare(&flags).listening().await;
    let yaml = format!(
        "api: {{requests_per_second: 1000}}\n\
         collectors: {{jobs: {{mode: active, requests_per_second: 1000}}}}\n\
         workspaces:\n\
         - id: w1\n  endpoint: 'http://{}'\n  namespaces:\n\
         \x20 - {{name: default-namespace, select: {{execution_mode: BATCH}}}}\n\
         \x20 - {{name: default-namespace, select: {{execution_mode: STREAMING}}}}\n",
        simulator.address()
    );
    let metrics = Start::new(&["once"]).config(&yaml).finish().await.with_code(0).metrics();
    let running = metrics.find("aliyun_flink_deployment_jobs").label("state", "running");
    let running = running.all().iter().filter(|series| series.value > 0.0).count();
    let started = metrics.find("aliyun_flink_deployment_job_started_timestamp_seconds").all().len();
    assert!(running > 20 && started + 2 >= running, "{started} of {running}");
    assert!(!metrics.find(INFO).all().is_empty());
    metrics.find("aliyun_flink_target_up").label("collector", "jobs").value(1.0);
    let objects = metrics.find("aliyun_flink_target_objects").label("collector", "jobs").one().value;
    assert!(objects >= started as f64);
}

#[tokio::test]
async fn doctor_names_the_missing_permission() {
    let doctor = async |flags: &[&str], code| {
        let fixed = ["simulate", "--listen-address", "127.0.0.1:0", "--workspace", "w1", "--namespaces=1"];
        let simulator = Start::bare(&fixed).args(flags).listening().await;
        let yaml = format!(
            "collectors: {{jobs: {{mode: active}}}}\n\
             workspaces: [{{id: w1, endpoint: 'http://{}', namespaces: [default-namespace]}}]\n",
            simulator.address()
        );
        let doctor = Start::new(&["doctor", "--format", "json"]).config(&yaml).finish().await.with_code(code);
        let report: Value = serde_json::from_str(&doctor.stdout).unwrap();
        report["targets"][0].clone()
    };
    let status = |target: &Value| {
        let check = target["checks"]
            .as_array()
            .unwrap()
            .iter()
            .find(|check| check["name"] == "jobs")
            .unwrap()
            .clone();
        check["status"].as_str().unwrap().to_owned()
    };
    let target = doctor(&[], 0).await;
    assert_eq!((status(&target).as_str(), &target["missing_permission"]), ("ok", &Value::Null));
    let polls_of_deployments = 1440.0;
    assert!(target["api_calls_per_day"].as_f64().unwrap() > polls_of_deployments + 20.0 * 288.0, "{target}");
    let target = doctor(&["--fault.denied", "ListJobs"], 1).await;
    assert_eq!(
        (status(&target).as_str(), &target["missing_permission"]),
        ("failed", &json!("stream:ListJobs"))
    );
}
