//! An API of one namespace whose deployments have jobs.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Reply, Seen, StubApi};

/// A deployment and its jobs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Deployment {
    pub(crate) running: u64,
    pub(crate) failed: u64,
    pub(crate) jobs: Vec<Value>,
}

/// A namespace of deployments.
#[derive(Debug, Default)]
pub(crate) struct JobFleet {
    deployments: Mutex<BTreeMap<String, Deployment>>,
    /// The id of the deployment and the arrival of each `ListJobs` request.
    list_jobs: Mutex<Vec<(String, Instant)>>,
    /// The response to `ListJobs`, if not the jobs.
    refusal: Mutex<Option<(u16, Value)>>,
}

impl JobFleet {
    /// In the messages of failures, which only the web interface may show.
    pub(crate) const SECRET: &str = "jdbc-password-of-the-job";

    pub(crate) fn new(deployments: impl IntoIterator<Item = (String, Deployment)>) -> Arc<Self> {
        Arc::new(Self { deployments: Mutex::new(deployments.into_iter().collect()), ..Self::default() })
    }

    pub(crate) async fn serve(self: &Arc<Self>) -> StubApi {
        let fleet = self.clone();
        StubApi::start(move |request| fleet.reply(request)).await
    }

    pub(crate) fn change(&self, id: &str, change: impl FnOnce(&mut Deployment)) {
        change(self.deployments.lock().unwrap().entry(id.to_owned()).or_default());
    }

    /// Makes the job of a deployment fail at `time`.
    pub(crate) fn fail(&self, id: &str, time: u64, reason: &str) {
        self.change(id, |deployment| {
            deployment.failed += 1;
            deployment.running = 0;
            deployment.jobs.insert(0, failed_job(&format!("job-{time}"), time, reason));
        });
    }

    /// Answers `ListJobs` with this status and body from now on.
    pub(crate) fn refuse(&self, status: u16, body: Value) {
        *self.refusal.lock().unwrap() = Some((status, body));
    }

    /// The deployments whose jobs were requested, in the order of the requests.
    pub(crate) fn requested(&self) -> Vec<String> {
        self.list_jobs.lock().unwrap().iter().map(|(id, _)| id.clone()).collect()
    }

    /// When each `ListJobs` request arrived.
    pub(crate) fn arrivals(&self) -> Vec<Instant> {
        self.list_jobs.lock().unwrap().iter().map(|(_, time)| *time).collect()
    }

    fn reply(&self, request: &Seen) -> Reply {
        if request.path.ends_with("/jobs") {
            return self.jobs(request);
        }
        let is_lookup = request.query.contains("status=");
        let deployments = self.deployments.lock().unwrap();
        let has_failed = |deployment: &Deployment| deployment.running == 0 && deployment.failed > 0;
        let listed = deployments.iter().filter(|(_, deployment)| {
            !is_lookup || (request.query.contains("status=FAILED") && has_failed(deployment))
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
        self.list_jobs.lock().unwrap().push((id.clone(), Instant::now()));
        if let Some((status, body)) = &*self.refusal.lock().unwrap() {
            return Reply::json(*status, body);
        }
        page(self.deployments.lock().unwrap().get(&id).map(|of| of.jobs.clone()).unwrap_or_default(), request)
    }
}

/// The page of `all` that `request` asks for, of 100 objects.
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

pub(crate) fn failed_job(id: &str, time: u64, reason: &str) -> Value {
    let message = format!("<b>&</b> {} {}", JobFleet::SECRET, "x".repeat(3000));
    let failure = json!({"failedAt": time, "reason": reason, "message": message});
    json!({"jobId": id, "status": {"currentJobStatus": "FAILED", "failure": failure}, "endTime": time + 1})
}

pub(crate) fn running_job(id: &str, restarts: u64) -> Value {
    json!({
        "jobId": id, "startTime": 1_700_000_000, "endTime": -1, "sessionClusterName": null,
        "status": {"currentJobStatus": "RUNNING", "healthScore": 77,
                   "running": {"observedFlinkJobRestarts": restarts, "observedFlinkJobStatus": "RUNNING"}},
        "metric": {"totalCpu": 1.5, "totalMemoryByte": 8_u64 << 30},
    })
}

/// A deployment with one job, which runs.
pub(crate) fn steady_deployment(number: usize) -> (String, Deployment) {
    let deployment = Deployment { running: 1, jobs: vec![running_job("j", 3)], ..Deployment::default() };
    (format!("d{number}"), deployment)
}

/// YAML with these settings of the collector `jobs`.
pub(crate) fn job_settings(settings: &str) -> String {
    format!("metrics: {{first_value_hold: 0s}}\ncollectors: {{jobs: {{{settings}}}}}\n")
}
