//! `ListJobs`, which returns the jobs of one deployment, including ended ones.
//! Reference (November 2026): <https://next.api.alibabacloud.com/api/ververica/2022-07-18/ListJobs>

use lenient_json::{Cursor, FromJson as _, Lenient, Scalar, lenient_object};

use crate::{
    api::{DecodeError, Decoded, Decoder, Operation, Page, Pagination, Priority},
    model::{FailureMessage, Job, JobFailure, JobState, Object as _, prefix},
};

/// Maximum number of pages read per deployment. A batch deployment may have thousands of jobs.
pub(super) const MAX_PAGES: u64 = 10;

/// Maximum length of a reason in bytes. Codes are shorter.
const MAX_REASON: usize = 100;

/// The operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListJobs {
    /// The namespace.
    pub namespace: String,
    /// The id of the deployment.
    pub deployment: Box<str>,
}

lenient_object! {
    struct WireJob<'a> {
        id: Scalar<'a> = "jobId",
        status: Lenient<WireStatus<'a>> = "status",
        metric: Lenient<WireMetric<'a>> = "metric",
        session_cluster: Scalar<'a> = "sessionClusterName",
        started: Scalar<'a> = "startTime",
        ended: Scalar<'a> = "endTime",
    }
}

lenient_object! {
    struct WireStatus<'a> {
        status: Scalar<'a> = "currentJobStatus",
        failure: Lenient<WireFailure<'a>> = "failure",
        running: Lenient<WireRunning<'a>> = "running",
        health_score: Scalar<'a> = "healthScore",
    }
}

lenient_object! {
    struct WireFailure<'a> {
        failed: Scalar<'a> = "failedAt",
        reason: Scalar<'a> = "reason",
        message: Scalar<'a> = "message",
    }
}

lenient_object! {
    struct WireRunning<'a> { restarts: Scalar<'a> = "observedFlinkJobRestarts" }
}

lenient_object! {
    struct WireMetric<'a> { cpu: Scalar<'a> = "totalCpu", memory: Scalar<'a> = "totalMemoryByte" }
}

impl Operation for ListJobs {
    type Item = Job;

    const ACTION: &'static str = "ListJobs";
    const PAGINATION: Pagination = Pagination::TotalSize;
    const ITEMS: &'static str = "jobs";
    const PRIORITY: Priority = Priority::Low;
    const MAX_PAGES: u64 = MAX_PAGES;

    fn path(&self) -> String {
        format!("/api/v2/namespaces/{}/jobs", acs3::encode(&self.namespace))
    }

    fn parameters(&self) -> Vec<(&'static str, String)> {
        // The default order is not documented (November 2026). In either order, the first or the last pages contain
        // the newest jobs.
        vec![("deploymentId", self.deployment.to_string()), ("sortName", "gmt_create".to_owned())]
    }

    fn namespace(&self) -> &str {
        &self.namespace
    }

    fn key(job: &Job) -> &str {
        job.key()
    }

    fn decode(
        &self,
        decoder: Decoder,
        cursor: &mut Cursor<'_>,
    ) -> Result<Lenient<Decoded<Job>>, DecodeError> {
        decoder.array(cursor, |values, cursor| {
            let Lenient::Valid(wire) = Lenient::<WireJob<'_>>::from_json(cursor)? else {
                values.unidentified("data");
                return Ok(None);
            };
            Ok(job(values, wire))
        })
    }
}

fn job(values: &mut Decoder, wire: WireJob<'_>) -> Option<Job> {
    values.begin_object("jobId", wire.id)?;
    let status = values.valid("status", wire.status.value()).unwrap_or_default();
    let metric = values.valid("metric", wire.metric.value()).unwrap_or_default();
    let running = values.valid("status.running", status.running.value()).unwrap_or_default();
    let state = state(values, status.status);
    // The service returns this part for jobs in other states too, with old values.
    let failure = if state == Some(JobState::Failed) { failure(values, status.failure) } else { None };
    let session_cluster = values.valid("sessionClusterName", wire.session_cluster.text());
    Some(Job {
        state,
        failure,
        restarts: values.valid("status.running.observedFlinkJobRestarts", running.restarts.count()),
        health_score: values.amount("status.healthScore", status.health_score),
        cpu_cores: values.amount("metric.totalCpu", metric.cpu),
        memory_bytes: values.valid("metric.totalMemoryByte", metric.memory.count()).map(|bytes| bytes as f64),
        in_session_cluster: session_cluster.is_some_and(|name| !name.is_empty()),
        started: values.timestamp("startTime", wire.started),
        ended: values.timestamp("endTime", wire.ended),
        id: values.end_object(),
    })
}

fn state(values: &mut Decoder, status: Scalar<'_>) -> Option<JobState> {
    const FIELD: &str = "status.currentJobStatus";
    let status = values.valid(FIELD, status.text())?;
    let known = JobState::ALL.into_iter().find(|state| state.as_str().eq_ignore_ascii_case(status.trim()));
    if known.is_none() {
        values.invalid(FIELD);
    }
    known
}

fn failure(values: &mut Decoder, wire: Lenient<WireFailure<'_>>) -> Option<JobFailure> {
    let wire = values.valid("status.failure", wire.value())?;
    // Both may be long.
    let message = values.valid("status.failure.message", wire.message.json_text());
    let reason = values.valid("status.failure.reason", wire.reason.json_text()).unwrap_or_default();
    Some(JobFailure {
        time: values.timestamp("status.failure.failedAt", wire.failed),
        reason: values.intern(prefix(&reason, MAX_REASON)),
        message: message.and_then(|message| FailureMessage::new(&message)),
    })
}

/// Reads `body` as a page of jobs; for fuzzers.
pub(crate) fn fuzz_reply(body: &[u8]) {
    let operation = ListJobs { namespace: String::new(), deployment: "d".into() };
    drop(Page::decode(&operation, 100, body).map_err(|error| error.to_string()));
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn operation() -> ListJobs {
        ListJobs { namespace: "n".into(), deployment: "d 1".into() }
    }

    fn decode(data: &Value) -> Decoded<Job> {
        let reply = json!({"success": true, "totalSize": 1, "data": data});
        Page::decode(&operation(), 100, reply.to_string().as_bytes()).unwrap().decoded
    }

    fn invalid(decoded: &Decoded<Job>) -> Vec<&'static str> {
        decoded.invalid.iter().map(|(_, field, _)| field).collect()
    }

    #[test]
    fn a_request_names_the_deployment() {
        let parameters = operation().parameters();
        let parameters: Vec<_> = parameters.iter().map(|(key, value)| (*key, value.as_str())).collect();
        assert_eq!(operation().path(), "/api/v2/namespaces/n/jobs");
        assert_eq!(acs3::canonical_query(&parameters), "deploymentId=d%201&sortName=gmt_create");
    }

    #[test]
    fn a_running_job_has_its_use_and_its_restarts() {
        let decoded = decode(&json!([{
            "jobId": "j", "status": {
                "currentJobStatus": "RUNNING", "healthScore": 81, "riskLevel": "RISK_LEVEL_LOW",
                "running": {"observedFlinkJobRestarts": "3", "observedFlinkJobStatus": "RUNNING"},
                "failure": {"failedAt": 3, "reason": "Old", "message": "of another time"},
            },
            "metric": {"totalCpu": 2.5, "totalMemoryByte": 4096},
            "startTime": 1_700_000_000, "endTime": -1, "sessionClusterName": null,
            "flinkConf": {"secret": "x"}, "localVariables": [{"name": "a", "value": "secret"}],
        }]));
        assert_eq!(invalid(&decoded), [""; 0]);
        assert_eq!(
            decoded.items,
            [Job {
                id: "j".into(),
                state: Some(JobState::Running),
                failure: None,
                restarts: Some(3),
                health_score: Some(81.0),
                cpu_cores: Some(2.5),
                memory_bytes: Some(4096.0),
                in_session_cluster: false,
                started: Some(1_700_000_000.0),
                ended: None,
            }]
        );
    }

    #[test]
    fn a_failed_job_has_its_failure_and_its_message_is_not_printed() {
        let decoded = decode(&json!([{
            "jobId": "j", "sessionClusterName": "s", "endTime": 1_700_000_060_000_u64,
            "status": {"currentJobStatus": "FAILED", "failure":
                {"failedAt": 1_700_000_050, "reason": "Code", "message": "secret ".repeat(1000)}},
        }]));
        let job = &decoded.items[0];
        let failure = job.failure.as_ref().unwrap();
        assert_eq!((failure.time, &*failure.reason), (Some(1_700_000_050.0), "Code"));
        assert_eq!(failure.message.as_ref().unwrap().as_str().len(), 1024);
        assert_eq!((job.ended, job.in_session_cluster), (Some(1_700_000_060.0), true));
        assert!(!format!("{job:?}").contains("secret"));
    }

    #[test]
    fn an_invalid_value_is_counted_and_only_it_is_left_out() {
        let decoded = decode(&json!([
            {"jobId": "a", "status": {"currentJobStatus": "PAUSED", "healthScore": "good", "running": []},
             "metric": {"totalCpu": -1, "totalMemoryByte": "much"}, "startTime": "soon"},
            {"jobId": "b", "status": {"currentJobStatus": "FAILED", "failure": {"failedAt": {}, "message": 3}}},
            {"jobId": "c", "status": null, "metric": 3},
            {"name": "without an id"},
        ]));
        assert_eq!(
            invalid(&decoded),
            [
                "jobId",
                "metric",
                "metric.totalCpu",
                "metric.totalMemoryByte",
                "startTime",
                "status.currentJobStatus",
                "status.failure.failedAt",
                "status.healthScore",
                "status.running",
            ]
        );
        assert_eq!((decoded.items.len(), decoded.unidentified), (3, 1));
        assert_eq!(decoded.items[1].failure.as_ref().unwrap().message.as_ref().unwrap().as_str(), "3");
    }
}
