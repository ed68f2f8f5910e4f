//! The collector of jobs: what it asks for and when, what is served, and what never leaves the program.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::Instant;

use crate::support::{Exposition, Program, Reply, Seen, Start, StubApi, until};

const INFO: &str = "aliyun_flink_deployment_last_failure_info";
const TIME: &str = "aliyun_flink_deployment_last_failure_timestamp_seconds";
const RESTARTS: &str = "aliyun_flink_deployment_job_restarts_total";

/// What stands in the messages of failures.
const SECRET: &str = "jdbc-password-of-the-job";

/// A deployment, and its jobs.
#[derive(Debug, Clone, Default)]
struct Deployment {
    running: u64,
    failed: u64,
    jobs: Vec<Value>,
}

/// A namespace of deployments.
#[derive(Debug, Default)]
struct Fleet {
    deployments: Mutex<BTreeMap<String, Deployment>>,
    /// When each deployment's jobs were asked for.
    asked: Mutex<Vec<(String, Instant)>>,
    /// The answer to requests for jobs, if not the jobs.
    refusal: Mutex<Option<(u16, Value)>>,
}

impl Fleet {
    fn new(deployments: impl IntoIterator<Item = (String, Deployment)>) -> Arc<Self> {
        Arc::new(Self { deployments: Mutex::new(deployments.into_iter().collect()), ..Self::default() })
    }

    async fn serve(self: &Arc<Self>) -> StubApi {
        let fleet = self.clone();
        StubApi::start(move |request| fleet.reply(request)).await
    }

    fn change(&self, id: &str, change: impl FnOnce(&mut Deployment)) {
        change(self.deployments.lock().unwrap().entry(id.to_owned()).or_default());
    }

    /// Makes the job of a deployment fail at this time.
    fn fail(&self, id: &str, time: u64, reason: &str) {
        self.change(id, |deployment| {
            deployment.failed += 1;
            deployment.running = 0;
            deployment.jobs.insert(0, failed(&format!("job-{time}"), time, reason));
        });
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().iter().map(|(id, _)| id.clone()).collect()
    }

    fn reply(&self, request: &Seen) -> Reply {
        if request.path.ends_with("/jobs") {
            return self.jobs(request);
        }
        let is_lookup = request.query.contains("status=");
        let deployments = self.deployments.lock().unwrap();
        let of_failed = |deployment: &Deployment| deployment.running == 0 && deployment.failed > 0;
        let listed = deployments.iter().filter(|(_, deployment)| {
            !is_lookup || (request.query.contains("status=FAILED") && of_failed(deployment))
        });
        let listed = listed.map(|(id, Deployment { running, failed, .. })| {
            json!({
                "deploymentId": id, "name": format!("name-{id}"), "namespace": "n1",
                "jobSummary": {"starting": 0, "running": running, "cancelling": 0, "cancelled": 0, "finished": 0, "failed": failed},
            })
        });
        page(listed.collect(), request)
    }

    fn jobs(&self, request: &Seen) -> Reply {
        let (_, rest) = request.query.split_once("deploymentId=").unwrap();
        let id = rest.split('&').next().unwrap().to_owned();
        self.asked.lock().unwrap().push((id.clone(), Instant::now()));
        if let Some((status, body)) = &*self.refusal.lock().unwrap() {
            return Reply::json(*status, body);
        }
        page(self.deployments.lock().unwrap().get(&id).map(|of| of.jobs.clone()).unwrap_or_default(), request)
    }
}

/// The page that `request` asks for, of 100 objects.
fn page(all: Vec<Value>, request: &Seen) -> Reply {
    let (_, rest) = request.query.split_once("pageIndex=").unwrap();
    let index: usize = rest.split('&').next().unwrap().parse().unwrap();
    let total = all.len();
    let data: Vec<_> = all.into_iter().skip((index - 1) * 100).take(100).collect();
    let body = json!({
        "requestId": "r", "success": true, "httpCode": 200, "pageIndex": index, "pageSize": 100,
        "totalSize": total, "data": data,
    });
    Reply::json(200, &body)
}

fn failed(id: &str, time: u64, reason: &str) -> Value {
    let failure = json!({"failedAt": time, "reason": reason, "message": format!("<b>&</b> {SECRET} {}", "x".repeat(3000))});
    json!({"jobId": id, "status": {"currentJobStatus": "FAILED", "failure": failure}, "endTime": time + 1})
}

fn running(id: &str, restarts: u64) -> Value {
    json!({
        "jobId": id, "startTime": 1_700_000_000, "endTime": -1, "sessionClusterName": null,
        "status": {"currentJobStatus": "RUNNING", "healthScore": 77,
                   "running": {"observedFlinkJobRestarts": restarts, "observedFlinkJobStatus": "RUNNING"}},
        "metric": {"totalCpu": 1.5, "totalMemoryByte": 8_u64 << 30},
    })
}

fn steady(number: usize) -> (String, Deployment) {
    (format!("d{number}"), Deployment { running: 1, jobs: vec![running("j", 3)], ..Deployment::default() })
}

/// The configuration with these settings of the collector.
fn jobs(settings: &str) -> String {
    format!("metrics: {{first_value_hold: 0s}}\ncollectors: {{jobs: {{{settings}}}}}\n")
}

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
async fn without_failures_nothing_is_asked_for() {
    let fleet = Fleet::new((0..20).map(steady));
    let api = fleet.serve().await;
    let settings = jobs("mode: failures, interval: 200ms");
    let program = Start::daemon().polling(&api, "[n1]", &settings).ready().await;
    let metrics = program.metrics_with("rounds", |metrics| polls(metrics, "jobs", "success") >= 5.0).await;
    assert_eq!(fleet.asked(), [""; 0]);
    metrics.find(INFO).absent();
    metrics.find("aliyun_flink_target_objects").label("collector", "jobs").value(0.0);
    assert!(json_of(&program).await["deployments"][0]["last_failure"].is_null());
}

#[tokio::test]
async fn a_failure_has_its_reason_at_once_and_its_message_stays_inside() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("state.redb");
    let fleet = Fleet::new((0..20).map(steady));
    fleet.change("d7", |deployment| {
        (deployment.running, deployment.failed) = (0, 2);
        deployment.jobs = vec![failed("old", 1_700_000_000, "Old"), failed("new", 1_700_000_500, "New")];
    });
    let api = fleet.serve().await;
    // No scheduled round follows the first one.
    let start = Start::daemon().args(&["--state.path", path.to_str().unwrap(), "--log.level", "debug"]);
    let program = start.polling(&api, "[n1]", &jobs("interval: 1d, requests_per_second: 1000")).ready().await;
    let reason = |reason: &'static str| {
        move |metrics: &Exposition| !metrics.find(INFO).label("reason", reason).all().is_empty()
    };
    let metrics = program.metrics_with("what had failed before", reason("New")).await;
    metrics.find(TIME).label("deployment", "name-d7").value(1_700_000_500.0);
    assert_eq!(fleet.asked(), ["d7"]);

    fleet.fail("d3", 1_700_001_000, "KubernetesDeploymentNotProgressing");
    fleet.fail("d4", 1_700_001_001, "a sentence of its own");
    program.metrics_with("a failure", reason("KubernetesDeploymentNotProgressing")).await;
    let metrics = program.metrics_with("another", reason("other")).await;
    assert_eq!(fleet.asked().len(), 3);
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
    assert!(message.len() == 1024 && message.starts_with("<b>&</b> ") && message.contains(SECRET));
    assert!(of("d1").is_null());

    let page = program.get("/targets/edcef0000b4f/n1/deployments/d3").await.body;
    let shown = [
        "KubernetesDeploymentNotProgressing",
        "job-1700001000",
        "2023-11-14T22:30:00Z",
        "&lt;b&gt;&amp;&lt;/b&gt;",
        SECRET,
    ];
    for part in shown.into_iter().chain(["<td>FAILED</td>", "<td>RUNNING</td>"]) {
        assert!(page.contains(part) && !page.contains("<b>&"), "{part}: {page}");
    }
    let page = program.get("/targets/edcef0000b4f/n1?q=NotProgressing").await.body;
    assert!(
        page.contains("<p>1 of 20 deployments") && page.contains(SECRET) && !page.contains("<b>&"),
        "{page}"
    );
    let page = program.get("/targets/edcef0000b4f/n1?sort=last_failure&desc=1").await.body;
    let (d4, d3, d7) = (page.find("name-d4"), page.find("name-d3"), page.find("name-d7"));
    assert!(d4 < d3 && d3 < d7, "the latest comes first: {page}");

    assert!(!program.get("/metrics").await.body.contains(SECRET));
    assert!(!program.get("/api/v1/status").await.body.contains(SECRET));
    program.signal("TERM").await;
    let log = program.finish().await.with_code(0).stderr;
    assert!(log.contains("jobs asked for") && !log.contains(SECRET));
    let state = fs::read(&path).unwrap();
    let has = |text: &str| state.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(has("KubernetesDeploymentNotProgressing") && !has(SECRET));
}

#[tokio::test]
async fn failures_of_many_at_once_stay_under_the_rate() {
    let fleet = Fleet::new((0..40).map(steady));
    let api = fleet.serve().await;
    let settings = jobs("interval: 1d, requests_per_second: 20");
    let program = Start::daemon().polling(&api, "[n1]", &settings).ready().await;
    for number in 0..40 {
        fleet.fail(&format!("d{number}"), 1_700_000_000, "Code");
    }
    let metrics = program.metrics_with("every reason", |metrics| metrics.find(INFO).all().len() == 40).await;
    let asked = fleet.asked.lock().unwrap().clone();
    let (first, last) = (asked.first().unwrap().1, asked.last().unwrap().1);
    assert_eq!(asked.len(), 40);
    assert!(last - first > Duration::from_millis(1500), "39 of 50 ms each: {:?}", last - first);
    assert!(polls(&metrics, "deployments", "success") > 0.0);
    let polls_of_jobs = metrics.find("aliyun_flink_target_polls_total").label("collector", "jobs");
    assert!(polls(&metrics, "jobs", "success") + 0.5 > polls_of_jobs.sum(), "no round failed");
}

#[tokio::test]
async fn live_jobs_are_served_until_they_end() {
    let fleet = Fleet::new((0..3).map(steady));
    let api = fleet.serve().await;
    let program = Start::daemon().polling(&api, "[n1]", &jobs(FAST)).ready().await;
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
    // The first answer is history.
    value(RESTARTS, 0.0);
    fleet.change("d1", |deployment| deployment.jobs = vec![running("j", 5)]);
    let of_d1 = |metrics: &Exposition| metrics.find(RESTARTS).label("deployment_id", "d1").sum();
    program.metrics_with("restarts", |metrics| of_d1(metrics) >= 2.0).await;
    fleet.fail("d1", 1_700_001_000, "Code");
    let metrics =
        program.metrics_with("its end", |metrics| metrics.find(&used("cpu_cores")).all().len() == 2).await;
    metrics.find(RESTARTS).label("deployment_id", "d1").value(2.0);
    program.metrics_with("the reason", |metrics| metrics.find(INFO).all().len() == 1).await;
}

#[tokio::test]
async fn answers_are_renewed_at_intervals_that_are_spread() {
    let fleet = Fleet::new((0..10).map(steady));
    let api = fleet.serve().await;
    let settings = jobs("mode: active, interval: 4s, requests_per_second: 1000");
    let _program = Start::daemon().polling(&api, "[n1]", &settings).ready().await;
    until("two rounds", async || (fleet.asked().len() >= 30).then_some(())).await;
    let asked = fleet.asked.lock().unwrap().clone();
    let ids = |range: std::ops::Range<usize>| {
        asked[range].iter().map(|(id, _)| id.clone()).collect::<BTreeSet<_>>()
    };
    assert_eq!((ids(0..10).len(), ids(10..20).len()), (10, 10), "once in a round: {asked:?}");
    // Nine gaps of 360 ms.
    let took = asked[19].1 - asked[10].1;
    assert!(took > Duration::from_millis(2500), "{took:?}: {asked:?}");
}

#[tokio::test]
async fn a_failure_during_a_round_is_asked_for_next() {
    let last = [("z".to_owned(), steady(0).1)];
    let fleet = Fleet::new((0..40).map(steady).chain(last));
    let api = fleet.serve().await;
    let settings = jobs("mode: active, interval: 1d, requests_per_second: 2");
    let program = Start::daemon().polling(&api, "[n1]", &settings).ready().await;
    until("a few requests", async || (fleet.asked().len() >= 3).then_some(())).await;
    fleet.fail("z", 1_700_001_000, "Code");
    let metrics = program.metrics_with("the reason", |metrics| metrics.find(INFO).all().len() == 1).await;
    let asked = fleet.asked();
    assert!(asked.len() < 30, "others wait: {asked:?}");
    // The round goes on, and its answers are served meanwhile.
    let rounds = metrics.find("aliyun_flink_target_polls_total").label("collector", "jobs").sum();
    assert!(rounds < 1.5, "the first round had nothing to ask for: {rounds}");
    assert!(!metrics.find("aliyun_flink_deployment_used_cpu_cores").all().is_empty());
}

#[tokio::test]
async fn nothing_is_forgotten_when_the_program_is_killed() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("state.redb");
    let fleet = Fleet::new([steady(1)]);
    fleet.fail("d1", 1_700_001_000, "Code");
    fleet.change("d1", |deployment| {
        deployment.running = 1;
        deployment.jobs.push(running("next", 0));
    });
    let api = fleet.serve().await;
    let (mut last, mut restarts) = (0.0, 0);
    for run in 0..4 {
        let start = Start::daemon().args(&["--state.path", path.to_str().unwrap()]);
        let program = start.polling(&api, "[n1]", &jobs(FAST)).ready().await;
        let before = last;
        program
            .metrics_with("more restarts", |metrics| {
                restarts += 1;
                fleet.change("d1", |deployment| {
                    *deployment.jobs.last_mut().unwrap() = running("next", restarts);
                });
                let served = metrics.find(RESTARTS).all();
                let Some(value) = served.first().map(|series| series.value) else { return false };
                assert!(value >= last, "{value} after {last}");
                last = value;
                value >= before + 3.0
            })
            .await;
        if run == 0 {
            // The failure happened before the first sight: its status is not FAILED, and nobody asked for it in vain.
            program.metrics_with("the failure", |metrics| metrics.find(INFO).all().len() == 1).await;
        }
        program.signal("KILL").await;
        program.finish().await;
    }
    *fleet.refusal.lock().unwrap() = Some((403, json!({"Code": "NoPermission", "Message": "no"})));
    let start = Start::daemon().args(&["--state.path", path.to_str().unwrap()]);
    let program = start.polling(&api, "[n1]", &jobs(FAST)).ready().await;
    let metrics = program.metrics_with("what was saved", |metrics| metrics.find(INFO).all().len() == 1).await;
    metrics.find(TIME).value(1_700_001_000.0);
    program.metrics_with("failures", |metrics| polls(metrics, "jobs", "permission") > 0.0).await;
    let failure = json_of(&program).await["deployments"][0]["last_failure"].clone();
    assert_eq!((&failure["reason"], &failure["message"]), (&json!("Code"), &Value::Null));
}

#[tokio::test]
async fn a_denied_action_fails_the_round_at_once_and_nothing_else() {
    let fleet = Fleet::new((0..30).map(steady));
    *fleet.refusal.lock().unwrap() = Some((403, json!({"Code": "NoPermission", "Message": "no"})));
    let api = fleet.serve().await;
    let settings = jobs("mode: active, interval: 1d, requests_per_second: 1000");
    let program = Start::daemon().polling(&api, "[n1]", &settings).ready().await;
    let metrics =
        program.metrics_with("a failed round", |metrics| polls(metrics, "jobs", "permission") > 0.0).await;
    metrics.find("aliyun_flink_target_up").label("collector", "deployments").value(1.0);
    metrics.find("aliyun_flink_target_up").label("collector", "jobs").value(0.0);
    let polled = polls(&metrics, "deployments", "success");
    let more = |metrics: &Exposition| polls(metrics, "deployments", "success") > polled + 4.5;
    program.metrics_with("more polls of deployments", more).await;
    // Three requests are in flight at a time. Beside the first round, only the one that the deployments woke asks.
    assert!(fleet.asked().len() <= 6, "the next round is on schedule: {}", program.stderr());
}

#[tokio::test]
async fn a_deployment_that_is_gone_is_no_failure() {
    let fleet = Fleet::new([steady(1)]);
    let gone = json!({"success": false, "httpCode": 200, "errorCode": "990301", "errorMessage": "gone"});
    *fleet.refusal.lock().unwrap() = Some((200, gone));
    let api = fleet.serve().await;
    let program = Start::daemon().polling(&api, "[n1]", &jobs(FAST)).ready().await;
    until("requests", async || (fleet.asked().len() > 3).then_some(())).await;
    let metrics = program.metrics().await;
    assert!(polls(&metrics, "jobs", "not_found") < 0.5);
    metrics.find("aliyun_flink_target_up").label("collector", "jobs").value(1.0);
}

#[tokio::test]
async fn many_jobs_are_read_from_both_ends() {
    let fleet = Fleet::new([steady(1)]);
    fleet.change("d1", |deployment| {
        deployment.jobs =
            (0..2500).map(|number| failed(&format!("j{number}"), 1_700_000_000 + number, "Code")).collect();
        (deployment.running, deployment.failed) = (0, 2500);
    });
    let api = fleet.serve().await;
    let settings = jobs("interval: 1d, requests_per_second: 1000");
    let program = Start::daemon().polling(&api, "[n1]", &settings).ready().await;
    let metrics = program.metrics_with("the reason", |metrics| metrics.find(INFO).all().len() == 1).await;
    metrics.find(TIME).value(1_700_002_499.0);
    assert_eq!(fleet.asked().len(), 10, "of 25 pages");
}

#[tokio::test]
async fn once_asks_after_the_deployments_are_known() {
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
async fn doctor_says_which_permission_is_missing() {
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
