//! The jobs of a deployment as `ListJobs` returns them.

use serde_json::{Map, Value, json};

use crate::job_failures;
use crate::job_history::{Job, JobState};
use crate::job_lifecycle::{Activity, Outcome};
use crate::resource_usage::ResourceUsage;
use crate::rng::{mix, uuid};

const DAY: i64 = 86_400;

/// What each job repeats of its deployment.
const REPEATED: [&str; 9] = [
    "deploymentId",
    "workspace",
    "namespace",
    "engineVersion",
    "creator",
    "creatorName",
    "artifact",
    "localVariables",
    "logging",
];

/// A deployment whose jobs are rendered.
pub(crate) struct JobsOf<'a> {
    /// The deployment as the API returns it.
    pub(crate) deployment: &'a Value,
    /// Seeds its jobs.
    pub(crate) seed: u64,
    /// The simulator's start, in seconds since the Unix epoch.
    pub(crate) started: i64,
    /// Seconds between the simulator's start and the deployment's age zero.
    pub(crate) age_zero: i64,
    /// The age of the deployment.
    pub(crate) age: i64,
}

impl JobsOf<'_> {
    /// A job as the API returns it.
    pub(crate) fn render(&self, job: &Job) -> Value {
        let seed = mix(&[self.seed, job.serial, 5]);
        let modified = job.ended().unwrap_or(self.age);
        let repeated = REPEATED.iter().map(|key| ((*key).to_owned(), self.deployment[*key].clone()));
        let mut members: Map<_, _> = repeated.collect();
        let batch = self.deployment["executionMode"] == "BATCH";
        let setting = if batch { "batchResourceSetting" } else { "streamingResourceSetting" };
        let mode = match (batch, seed % 16) {
            // The API reference spells it in two ways.
            (false, 0) => json!("STREAM"),
            _ => self.deployment["executionMode"].clone(),
        };
        let session = match &self.deployment["deploymentTarget"] {
            target if target["mode"] == "SESSION" => target["name"].clone(),
            _ => Value::Null,
        };
        members.extend([
            ("jobId".to_owned(), json!(job_id(seed))),
            ("deploymentName".to_owned(), self.deployment["name"].clone()),
            ("executionMode".to_owned(), mode),
            ("sessionClusterName".to_owned(), session),
            ("startTime".to_owned(), json!(self.time(job.started))),
            ("createdAt".to_owned(), json!(self.time(job.started).to_string())),
            ("modifiedAt".to_owned(), json!(self.time(modified).to_string())),
            ("status".to_owned(), self.status(job, seed, batch)),
            ("metric".to_owned(), self.metric()),
            ("flinkConf".to_owned(), self.deployment["flinkConf"].clone()),
            ("userFlinkConf".to_owned(), self.deployment["flinkConf"].clone()),
            (setting.to_owned(), self.deployment[setting].clone()),
            ("restoreStrategy".to_owned(), json!({"kind": "LATEST_STATE", "allowNonRestoredState": false})),
        ]);
        if let Some(end) = self.end_time(job, seed) {
            members.insert("endTime".to_owned(), end);
        }
        Value::Object(members)
    }

    /// Seconds since the Unix epoch.
    fn time(&self, age: i64) -> i64 {
        self.started + self.age_zero + age
    }

    /// The forms in which a job that has not ended may say so are not documented.
    fn end_time(&self, job: &Job, seed: u64) -> Option<Value> {
        match (job.ended(), seed % 4) {
            (Some(end), _) => Some(json!(self.time(end))),
            (None, 0) => None,
            (None, 1) => Some(Value::Null),
            (None, 2) => Some(json!(-1)),
            (None, _) => Some(json!(0)),
        }
    }

    /// What the job takes, or took before it ended.
    #[expect(clippy::cast_possible_truncation, reason = "a job takes less than 8 EiB")]
    fn metric(&self) -> Value {
        let ResourceUsage { cpu_cores, memory_gib, .. } = ResourceUsage::of_deployment(self.deployment);
        let bytes = memory_gib * 1024.0 * 1024.0 * 1024.0;
        json!({"totalCpu": cpu_cores, "totalMemoryByte": bytes.round() as i64})
    }

    fn status(&self, job: &Job, seed: u64, batch: bool) -> Value {
        let state = match job.state {
            JobState::Live(Activity::Starting) => "STARTING",
            JobState::Live(Activity::Cancelling) => "CANCELLING",
            JobState::Live(Activity::Running | Activity::Idle) => "RUNNING",
            JobState::Ended(Outcome::Cancelled, _) => "CANCELLED",
            JobState::Ended(Outcome::Finished, _) => "FINISHED",
            JobState::Ended(Outcome::Failed, _) => "FAILED",
        };
        let mut status = json!({"currentJobStatus": state});
        if state == "RUNNING" {
            status["running"] = json!({
                "observedFlinkJobRestarts": if batch { 0 } else { self.restarts(job) },
                "observedFlinkJobStatus": "RUNNING",
            });
            // One in eight has no score.
            if !batch && !seed.is_multiple_of(8) {
                let score = self.health_score(seed);
                status["healthScore"] = json!(score);
                status["riskLevel"] = json!(match score {
                    ..60 => "RISK_LEVEL_HIGH",
                    60..=80 => "RISK_LEVEL_MID",
                    _ => "RISK_LEVEL_LOW",
                });
            }
        }
        if let JobState::Ended(Outcome::Failed, at) = job.state {
            let name = self.deployment["name"].as_str().unwrap_or_default();
            status["failure"] = job_failures::render(seed, self.seed, name, self.time(at));
        }
        status
    }

    /// Whether Flink restarts the deployment's jobs time and again.
    fn is_unsteady(&self) -> bool {
        mix(&[self.seed, 6]).is_multiple_of(9)
    }

    /// How often Flink has restarted the job. Before the simulator's start, once a day at most.
    fn restarts(&self, job: &Job) -> i64 {
        if !self.is_unsteady() {
            let most = (mix(&[self.seed, job.serial, 7]) % 3).cast_signed();
            return most.min((self.age - job.started) / 1800);
        }
        let every = 60 + (mix(&[self.seed, 8]) % 240).cast_signed();
        job.started.min(0).abs() / DAY + (self.age - job.started.max(0)) / every
    }

    fn health_score(&self, seed: u64) -> u64 {
        match (self.is_unsteady(), mix(&[seed, 9]) % 10) {
            (true, number) => 30 + 2 * number,
            (false, 0) => 70,
            (false, number) => 91 + number,
        }
    }
}

fn job_id(seed: u64) -> String {
    uuid(u128::from(mix(&[seed, 10])) << 64 | u128::from(mix(&[seed, 11])))
}
