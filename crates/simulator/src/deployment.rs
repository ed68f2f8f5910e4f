//! One simulated deployment: what of it stays is drawn once, the rest when it is rendered.

use std::sync::OnceLock;

use rand::RngExt as _;
use serde_json::{Map, Value, json};

use crate::deployment_filters::{DeploymentFilters, ExecutionMode, LabelSelector};
use crate::job_lifecycle::{JobLifecycle, Jobs};
use crate::list_jobs::JobsOf;
use crate::listing_page::Listing;
use crate::naming::{self, PEOPLE, Person};
use crate::odd_values::OddValue;
use crate::queues::QUEUES;
use crate::resource_usage::ResourceUsage;
use crate::rng::{Rng, mix, once_in, pick, seeded, uuid};
use crate::session_clusters::SHARED;
use crate::{artifact, resource_settings};

/// A deployment.
#[derive(Debug)]
pub(crate) struct Deployment {
    /// Seeds what is drawn when it is rendered.
    seed: u64,
    id: u128,
    name: String,
    mode: ExecutionMode,
    creator: &'static Person,
    modifier: &'static Person,
    labels: Vec<(&'static str, Value)>,
    life: JobLifecycle,
    /// Seconds from the simulator's start; negative for what was there before.
    created: i64,
    odd_value: Option<OddValue>,
    /// Somebody deletes its jobs as soon as they have failed.
    deletes_failed_jobs: bool,
    /// What one job takes, once it was computed.
    resource_usage: OnceLock<ResourceUsage>,
}

/// The batch deployment, of each three hundred, that has run for years.
const MANY_JOBS_AT: usize = 154;

/// How often it has run.
const MANY_JOBS: u64 = 2500;

/// Where and when a deployment is rendered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) workspace: &'a str,
    pub(crate) namespace: &'a str,
    /// The simulator's start, in seconds since the Unix epoch.
    pub(crate) started: i64,
    /// Seconds since then.
    pub(crate) elapsed: u64,
    pub(crate) with_jobs: bool,
    pub(crate) with_resources: bool,
}

impl Deployment {
    /// The deployment that has always been at `index` of the namespace.
    pub(crate) fn permanent(namespace_seed: u64, namespace: usize, index: usize) -> Self {
        let batch = index % 5 == 4;
        let seed = mix(&[namespace_seed, index as u64]);
        let mut rng = seeded(&[seed]);
        let life = if batch {
            JobLifecycle::batch(index, &mut rng)
        } else {
            JobLifecycle::streaming(index, &mut rng)
        };
        let created = -rng.random_range(86_400..2 * 365 * 86_400);
        let odd_value = OddValue::of(namespace, index);
        let name = naming::deployment(index, batch, namespace_seed);
        let name = odd_value.map_or_else(|| name.clone(), |odd_value| odd_value.name(&name));
        let mode = if batch { ExecutionMode::Batch } else { ExecutionMode::Streaming };
        let mut deployment = Self { mode, odd_value, ..Self::drawn(seed, &mut rng, name, life, created) };
        let older = mix(&[seed, 12]) % (created.unsigned_abs() / 2);
        deployment.life.backdate(older.max(3600));
        deployment.deletes_failed_jobs = index % 60 == 26;
        if index % 300 == MANY_JOBS_AT {
            deployment.life.add_finished(MANY_JOBS);
        }
        if odd_value == Some(OddValue::NullParts) {
            // What is handed out without labels can't be found by them.
            deployment.labels.clear();
        }
        deployment
    }

    /// A deployment made `created` seconds after the simulator's start.
    pub(crate) fn transient(seed: u64, created: u64) -> Self {
        let mut rng = seeded(&[seed]);
        let name = naming::transient(&mut rng);
        let life = JobLifecycle::transient(&mut rng);
        Self::drawn(seed, &mut rng, name, life, created.cast_signed())
    }

    fn drawn(seed: u64, rng: &mut Rng, name: String, life: JobLifecycle, created: i64) -> Self {
        Self {
            seed,
            id: rng.random(),
            mode: ExecutionMode::Streaming,
            creator: &PEOPLE[rng.random_range(0..PEOPLE.len())],
            modifier: &PEOPLE[rng.random_range(0..PEOPLE.len())],
            labels: naming::labels(rng, &name),
            name,
            life,
            created,
            odd_value: None,
            deletes_failed_jobs: false,
            resource_usage: OnceLock::new(),
        }
    }

    /// Whether it is among what `selection` asks for, `elapsed` seconds after the simulator's start.
    pub(crate) fn matches(&self, selection: &DeploymentFilters, elapsed: u64) -> bool {
        let DeploymentFilters { name, execution_mode, status, creator, modifier, label } = selection;
        name.as_ref().is_none_or(|name| self.name.contains(name))
            && execution_mode.is_none_or(|mode| self.mode == mode)
            && creator.as_ref().is_none_or(|uid| self.creator.uid == uid)
            && modifier.as_ref().is_none_or(|uid| self.modifier.uid == uid)
            && label.as_ref().is_none_or(|label| self.carries(label))
            && status.is_none_or(|status| self.life.status(self.age(elapsed)) == Some(status))
    }

    fn carries(&self, wanted: &LabelSelector) -> bool {
        self.labels.iter().filter(|(key, _)| *key == wanted.key).any(|(_, value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            wanted.values.contains(&text)
        })
    }

    /// Whether `id` is its id.
    pub(crate) fn has_id(&self, id: &str) -> bool {
        uuid(self.id) == id
    }

    /// Whether it is a streaming deployment.
    pub(crate) fn is_streaming(&self) -> bool {
        self.mode == ExecutionMode::Streaming
    }

    /// Makes its live job fail, after which none starts. Returns whether there was one.
    pub(crate) fn fail(&mut self, elapsed: u64) -> bool {
        self.life.fail(self.age(elapsed))
    }

    /// Its jobs as the API returns them, without the first `skip` and at most `take`, and their number. The oldest come
    /// first unless `newest_first`: a client that reads only the first page of the default order misses what matters.
    pub(crate) fn list_jobs(&self, view: View<'_>, newest_first: bool, skip: usize, take: usize) -> Listing {
        let age = self.age(view.elapsed);
        let mut jobs = self.life.history_at(age, self.created.min(0), self.seed);
        jobs.retain(|job| !(self.deletes_failed_jobs && job.has_failed()));
        if newest_first {
            jobs.reverse();
        }
        let deployment = self.render_plain(view);
        let age_zero = self.created.max(0);
        let of = JobsOf {
            deployment: &deployment,
            seed: self.seed,
            started: view.started,
            age_zero,
            age: age.cast_signed(),
        };
        let data = jobs.iter().skip(skip).take(take).map(|job| of.render(job)).collect();
        Listing { total: jobs.len(), data }
    }

    /// Its jobs, `elapsed` seconds after the simulator's start.
    pub(crate) fn jobs(&self, elapsed: u64) -> Jobs {
        self.life.jobs(self.age(elapsed))
    }

    /// What its live jobs take, `elapsed` seconds after the simulator's start.
    pub(crate) fn used(&self, elapsed: u64) -> ResourceUsage {
        match self.jobs(elapsed).live() {
            0 => ResourceUsage::default(),
            live => self.resource_usage() * live,
        }
    }

    /// What one job takes.
    pub(crate) fn resource_usage(&self) -> ResourceUsage {
        *self.resource_usage.get_or_init(|| {
            let anywhere = View {
                workspace: "",
                namespace: "",
                started: 0,
                elapsed: 0,
                with_jobs: false,
                with_resources: true,
            };
            ResourceUsage::of_deployment(&self.render_plain(anywhere))
        })
    }

    fn age(&self, elapsed: u64) -> u64 {
        elapsed.saturating_sub(u64::try_from(self.created).unwrap_or(0))
    }

    /// The deployment as the API hands it out.
    pub(crate) fn render(&self, view: View<'_>) -> Value {
        let mut deployment = self.render_plain(view);
        if let Some(odd_value) = self.odd_value {
            odd_value.apply(&mut deployment);
        }
        deployment
    }

    /// The deployment without what is odd about it.
    fn render_plain(&self, view: View<'_>) -> Value {
        let mut rng = seeded(&[self.seed, 1]);
        let mut members = self.identity(&mut rng, view);
        members.insert("artifact".into(), artifact::render(&mut rng, &self.name));
        members.insert("localVariables".into(), artifact::local_variables(&mut rng));
        members.insert("flinkConf".into(), resource_settings::flink_conf(&mut rng));
        members.insert("logging".into(), logging(&mut rng));
        if view.with_jobs {
            members.insert("jobSummary".into(), json!(self.jobs(view.elapsed)));
        }
        if view.with_resources {
            let (key, setting) = match self.mode {
                ExecutionMode::Streaming => {
                    ("streamingResourceSetting", resource_settings::streaming(&mut rng))
                }
                ExecutionMode::Batch => ("batchResourceSetting", resource_settings::batch(&mut rng)),
            };
            members.insert(key.into(), setting);
        }
        Value::Object(members)
    }

    fn identity(&self, rng: &mut Rng, view: View<'_>) -> Map<String, Value> {
        let created = view.started.saturating_add(self.created);
        let modified = created.saturating_add(rng.random_range(0..=self.created.min(0).abs()));
        let target = if once_in(rng, 12) {
            json!({"mode": "SESSION", "name": SHARED})
        } else {
            json!({"mode": "PER_JOB", "name": pick(rng, &QUEUES)})
        };
        let labels: Map<_, _> =
            self.labels.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        let identity = [
            ("deploymentId", json!(uuid(self.id))),
            ("workspace", json!(view.workspace)),
            ("namespace", json!(view.namespace)),
            ("name", json!(self.name)),
            ("description", json!(naming::description(rng))),
            ("engineVersion", json!(engine_version(rng))),
            ("executionMode", json!(self.mode.as_str())),
            ("creator", json!(self.creator.uid)),
            ("creatorName", json!(self.creator.name)),
            ("modifier", json!(self.modifier.uid)),
            ("modifierName", json!(self.modifier.name)),
            ("createdAt", timestamp(rng, created)),
            ("modifiedAt", timestamp(rng, modified)),
            ("deploymentHasChanged", json!(once_in(rng, 6))),
            ("deploymentTarget", target),
            ("labels", Value::Object(labels)),
            ("referencedDeploymentDraftId", json!("")),
        ];
        identity.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }
}

fn engine_version(rng: &mut Rng) -> &'static str {
    pick(
        rng,
        &[
            "vvr-8.0.6-flink-1.17",
            "vvr-8.0.5-flink-1.17",
            "vvr-8.0.9-flink-1.17",
            "vvr-6.0.7-flink-1.15",
            "vvr-11.1-jdk11-flink-1.20",
        ],
    )
}

/// Seconds since the Unix epoch, in each of the forms that the API gives them.
fn timestamp(rng: &mut Rng, seconds: i64) -> Value {
    match rng.random_range(0..4) {
        0 => json!(seconds.to_string()),
        1 => json!(format!("{seconds}\n")),
        _ => json!(seconds),
    }
}

fn logging(rng: &mut Rng) -> Value {
    json!({
        "loggingProfile": pick(rng, &["default", "oss"]),
        "log4j2ConfigurationTemplate": "<Configuration status=\"WARN\"><Appenders/></Configuration>",
        "log4jLoggers": [{"loggerName": "StdOutErrConsoleAppender", "loggerLevel": "ERROR"}],
        "logReservePolicy": {"openHistory": true, "expirationDays": 7},
    })
}
