//! A deployment on the wire, as both operations send it, and its way into the model.

use std::collections::HashSet;

use foldhash::fast::RandomState;

use super::invalid::InvalidValues;
use super::json::{Cursor, Entries, Part, Read, Scalar, SyntaxError, Unreadable, Wire as _, wire_object};
use super::resource_plan;
use crate::model::{
    BasicSetting, BatchSetting, Deployment, ExpertSetting, Info, JobCounts, ProcessSpec, ResourceSettings,
    TaskSlots, Text, Wanted, parse_memory,
};

wire_object! {
    WireDeployment<'a> {
        id: Scalar<'a> = "deploymentId",
        name: Scalar<'a> = "name",
        creator: Scalar<'a> = "creator",
        modifier: Scalar<'a> = "modifier",
        created: Scalar<'a> = "createdAt",
        modified: Scalar<'a> = "modifiedAt",
        has_changed: Scalar<'a> = "deploymentHasChanged",
        engine_version: Scalar<'a> = "engineVersion",
        execution_mode: Scalar<'a> = "executionMode",
        artifact: Part<WireArtifact<'a>> = "artifact",
        target: Part<WireTarget<'a>> = "deploymentTarget",
        flink_conf: Part<WireFlinkConf<'a>> = "flinkConf",
        labels: Part<Entries<'a>> = "labels",
        jobs: Part<WireJobs<'a>> = "jobSummary",
        streaming: Part<WireStreaming<'a>> = "streamingResourceSetting",
        batch: Part<WireBatch<'a>> = "batchResourceSetting",
    }
}

wire_object! {
    WireArtifact<'a> { kind: Scalar<'a> = "kind" }
}

wire_object! {
    WireTarget<'a> { mode: Scalar<'a> = "mode", name: Scalar<'a> = "name" }
}

wire_object! {
    WireFlinkConf<'a> { taskmanager_slots: Scalar<'a> = "taskmanager.numberOfTaskSlots" }
}

wire_object! {
    WireJobs<'a> {
        starting: Scalar<'a> = "starting",
        running: Scalar<'a> = "running",
        cancelling: Scalar<'a> = "cancelling",
        cancelled: Scalar<'a> = "cancelled",
        finished: Scalar<'a> = "finished",
        failed: Scalar<'a> = "failed",
    }
}

wire_object! {
    WireStreaming<'a> {
        mode: Scalar<'a> = "resourceSettingMode",
        basic: Part<WireBasic<'a>> = "basicResourceSetting",
        expert: Part<WireExpert<'a>> = "expertResourceSetting",
    }
}

wire_object! {
    WireBasic<'a> {
        parallelism: Scalar<'a> = "parallelism",
        jobmanager: Part<WireSpec<'a>> = "jobmanagerResourceSettingSpec",
        taskmanager: Part<WireSpec<'a>> = "taskmanagerResourceSettingSpec",
    }
}

wire_object! {
    WireExpert<'a> {
        jobmanager: Part<WireSpec<'a>> = "jobmanagerResourceSettingSpec",
        plan: Scalar<'a> = "resourcePlan",
    }
}

wire_object! {
    WireBatch<'a> {
        max_slots: Scalar<'a> = "maxSlot",
        basic: Part<WireBasic<'a>> = "basicResourceSetting",
    }
}

wire_object! {
    WireSpec<'a> { cpu: Scalar<'a> = "cpu", memory: Scalar<'a> = "memory" }
}

/// The names that unreadable values are counted under: the API's own, dotted.
struct SpecFields {
    part: &'static str,
    cpu: &'static str,
    memory: &'static str,
}

struct BasicFields {
    part: &'static str,
    parallelism: &'static str,
    jobmanager: SpecFields,
    taskmanager: SpecFields,
}

macro_rules! spec_fields {
    ($path:expr) => {
        SpecFields { part: $path, cpu: concat!($path, ".cpu"), memory: concat!($path, ".memory") }
    };
}

macro_rules! basic_fields {
    ($path:expr) => {
        BasicFields {
            part: $path,
            parallelism: concat!($path, ".parallelism"),
            jobmanager: spec_fields!(concat!($path, ".jobmanagerResourceSettingSpec")),
            taskmanager: spec_fields!(concat!($path, ".taskmanagerResourceSettingSpec")),
        }
    };
}

const BASIC: BasicFields = basic_fields!("streamingResourceSetting.basicResourceSetting");
const EXPERT_JOBMANAGER: SpecFields =
    spec_fields!("streamingResourceSetting.expertResourceSetting.jobmanagerResourceSettingSpec");
const BATCH: BasicFields = basic_fields!("batchResourceSetting.basicResourceSetting");

/// Seconds since the epoch beyond this (the year 9999) are not seconds.
const MAX_SECONDS: f64 = 253_402_300_799.0;

/// Turns wire deployments into the model, counting what can't be read.
#[derive(Debug)]
pub(super) struct Decoder<'w> {
    wanted: &'w Wanted,
    texts: HashSet<Text, RandomState>,
    empty: Text,
    /// Where a resource plan is unescaped.
    pub(super) plan_text: Vec<u8>,
    deployment_id: Box<str>,
    invalid: InvalidValues,
    unidentified: usize,
}

/// What [`Decoder`] made of one reply.
#[derive(Debug, Default)]
pub(super) struct Decoded {
    pub(super) deployments: Vec<Deployment>,
    /// Elements of the list, readable or not.
    pub(super) elements: usize,
    /// Elements that are no deployment, or one without an id.
    pub(super) unidentified: usize,
    pub(super) invalid: InvalidValues,
}

impl<'w> Decoder<'w> {
    pub(super) fn new(wanted: &'w Wanted) -> Self {
        Self {
            wanted,
            texts: HashSet::default(),
            empty: Text::default(),
            plan_text: Vec::new(),
            deployment_id: Box::default(),
            invalid: InvalidValues::default(),
            unidentified: 0,
        }
    }

    /// Reads `data`: each deployment is decoded as soon as it is read.
    pub(super) fn read(mut self, cursor: &mut Cursor<'_>) -> Result<Part<Decoded>, SyntaxError> {
        if cursor.peek()? != b'[' {
            return Part::missing(cursor);
        }
        let (mut deployments, mut elements) = (Vec::new(), 0);
        cursor.list(|cursor| {
            elements += 1;
            deployments.extend(self.deployment(Part::next(cursor)?));
            Ok(())
        })?;
        let Self { unidentified, invalid, .. } = self;
        Ok(Part::Is(Decoded { deployments, elements, unidentified, invalid }))
    }

    fn deployment(&mut self, element: Part<WireDeployment<'_>>) -> Option<Deployment> {
        self.deployment_id = Box::default();
        // An element that is null or no object can't be told from a deployment that was lost: it is a mistake.
        let Part::Is(mut wire) = element else {
            self.unidentified += 1;
            self.invalid.add("data", "");
            return None;
        };
        let Ok(Some(id)) = wire.id.text() else {
            self.unidentified += 1;
            self.invalid.add("deploymentId", "");
            return None;
        };
        self.deployment_id = id.into();
        let streaming = std::mem::take(&mut wire.streaming).value();
        let streaming = self.keep("streamingResourceSetting", streaming).unwrap_or_default();
        Some(Deployment {
            name: self.keep("name", wire.name.text()).unwrap_or_default().into(),
            info: self.info(&wire, streaming.mode),
            labels: self.labels(wire.labels),
            jobs: self.jobs(wire.jobs),
            created: self.seconds("createdAt", wire.created),
            modified: self.seconds("modifiedAt", wire.modified),
            changes_pending: self.keep("deploymentHasChanged", wire.has_changed.boolean()),
            resources: self.resources(wire.flink_conf, streaming, wire.batch),
            id: std::mem::take(&mut self.deployment_id),
        })
    }

    fn info(&mut self, wire: &WireDeployment<'_>, resource_mode: Scalar<'_>) -> Info {
        let artifact_kind = match &wire.artifact {
            Part::Is(artifact) => self.text("artifact.kind", artifact.kind),
            other => self.missing("artifact", other),
        };
        let (target_mode, target) = match &wire.target {
            Part::Is(target) => (
                self.text("deploymentTarget.mode", target.mode),
                self.text("deploymentTarget.name", target.name),
            ),
            other => (self.missing("deploymentTarget", other), self.empty.clone()),
        };
        Info {
            execution_mode: self.text("executionMode", wire.execution_mode),
            engine_version: self.text("engineVersion", wire.engine_version),
            artifact_kind,
            // Where resources are not wanted, one operation leaves the mode out and the other does not.
            resource_mode: if self.wanted.resources {
                self.text("streamingResourceSetting.resourceSettingMode", resource_mode)
            } else {
                self.empty.clone()
            },
            target_mode,
            target,
            creator: self.text("creator", wire.creator),
            modifier: self.text("modifier", wire.modifier),
        }
    }

    fn labels(&mut self, labels: Part<Entries<'_>>) -> Vec<(Text, Text)> {
        if self.wanted.labels.is_empty() {
            return Vec::new();
        }
        let Some(Entries(entries)) = self.keep("labels", labels.value()) else { return Vec::new() };
        let mut labels = Vec::new();
        for (key, value) in entries {
            let Some(key) = self.keep("labels", key.map(Some).ok_or(Unreadable)) else { continue };
            if !self.wanted.labels.wants(&key) {
                continue;
            }
            if let Some(value) = self.keep("labels", value.text()) {
                labels.push((self.intern(&key), self.intern(&value)));
            }
        }
        // Of a key that stands twice the last holds.
        labels.sort_by(|left, right| left.0.cmp(&right.0));
        labels.dedup_by(|later, earlier| {
            let same = later.0 == earlier.0;
            if same {
                std::mem::swap(later, earlier);
            }
            same
        });
        labels
    }

    fn jobs(&mut self, jobs: Part<WireJobs<'_>>) -> JobCounts {
        if !self.wanted.jobs {
            return JobCounts::default();
        }
        let Some(jobs) = self.keep("jobSummary", jobs.value()) else { return JobCounts::default() };
        JobCounts::new([
            self.keep("jobSummary.starting", jobs.starting.count()),
            self.keep("jobSummary.running", jobs.running.count()),
            self.keep("jobSummary.cancelling", jobs.cancelling.count()),
            self.keep("jobSummary.cancelled", jobs.cancelled.count()),
            self.keep("jobSummary.finished", jobs.finished.count()),
            self.keep("jobSummary.failed", jobs.failed.count()),
        ])
    }

    fn resources(
        &mut self,
        flink_conf: Part<WireFlinkConf<'_>>,
        streaming: WireStreaming<'_>,
        batch: Part<WireBatch<'_>>,
    ) -> ResourceSettings {
        if !self.wanted.resources {
            return ResourceSettings::default();
        }
        let batch = self.keep("batchResourceSetting", batch.value());
        ResourceSettings {
            basic: self.basic(&BASIC, streaming.basic),
            expert: self.expert(streaming.expert),
            batch: batch.map(|batch| BatchSetting {
                max_slots: self.keep("batchResourceSetting.maxSlot", batch.max_slots.count()),
                basic: self.basic(&BATCH, batch.basic),
            }),
            taskmanager_slots: self.taskmanager_slots(flink_conf),
        }
    }

    fn taskmanager_slots(&mut self, flink_conf: Part<WireFlinkConf<'_>>) -> TaskSlots {
        const FIELD: &str = "flinkConf.taskmanager.numberOfTaskSlots";
        let slots = flink_conf.value().and_then(|conf| conf.unwrap_or_default().taskmanager_slots.integer());
        match slots {
            Ok(None) => TaskSlots::Absent,
            Ok(Some(slots)) => u64::try_from(slots).map_or_else(
                |_| {
                    self.invalid.add(FIELD, &self.deployment_id);
                    TaskSlots::Negative
                },
                TaskSlots::Given,
            ),
            Err(Unreadable) => {
                self.invalid.add(FIELD, &self.deployment_id);
                TaskSlots::Unreadable
            }
        }
    }

    fn basic(&mut self, fields: &BasicFields, basic: Part<WireBasic<'_>>) -> Option<BasicSetting> {
        let basic = self.keep(fields.part, basic.value())?;
        Some(BasicSetting {
            parallelism: self.keep(fields.parallelism, basic.parallelism.count()),
            jobmanager: self.spec(&fields.jobmanager, basic.jobmanager),
            taskmanager: self.spec(&fields.taskmanager, basic.taskmanager),
        })
    }

    fn expert(&mut self, expert: Part<WireExpert<'_>>) -> Option<ExpertSetting> {
        let expert = self.keep("streamingResourceSetting.expertResourceSetting", expert.value())?;
        Some(ExpertSetting {
            jobmanager: self.spec(&EXPERT_JOBMANAGER, expert.jobmanager),
            plan: resource_plan::decode(self, expert.plan),
        })
    }

    fn spec(&mut self, fields: &SpecFields, spec: Part<WireSpec<'_>>) -> ProcessSpec {
        let Some(spec) = self.keep(fields.part, spec.value()) else { return ProcessSpec::default() };
        ProcessSpec {
            cpu_cores: self.cores(fields.cpu, spec.cpu),
            memory_bytes: self.memory(fields.memory, spec.memory),
        }
    }

    pub(super) fn cores(&mut self, field: &'static str, scalar: Scalar<'_>) -> Option<f64> {
        let cores = scalar.number().and_then(|cores| match cores {
            Some(cores) if cores < 0.0 => Err(Unreadable),
            cores => Ok(cores),
        });
        self.keep(field, cores)
    }

    pub(super) fn memory(&mut self, field: &'static str, scalar: Scalar<'_>) -> Option<u64> {
        let bytes = scalar.text().and_then(|text| match text {
            Some(text) if !text.trim().is_empty() => parse_memory(&text).map(Some).map_err(|_| Unreadable),
            _ => Ok(None),
        });
        self.keep(field, bytes)
    }

    fn seconds(&mut self, field: &'static str, scalar: Scalar<'_>) -> Option<f64> {
        let seconds = scalar.number().and_then(|seconds| match seconds {
            Some(seconds) if !(0.0..=MAX_SECONDS).contains(&seconds) => Err(Unreadable),
            seconds => Ok(seconds),
        });
        self.keep(field, seconds)
    }

    pub(super) fn text(&mut self, field: &'static str, scalar: Scalar<'_>) -> Text {
        match self.keep(field, scalar.text()) {
            Some(text) => self.intern(&text),
            None => self.empty.clone(),
        }
    }

    fn missing<T>(&mut self, field: &'static str, part: &Part<T>) -> Text {
        if matches!(part, Part::Wrong) {
            self.invalid.add(field, &self.deployment_id);
        }
        self.empty.clone()
    }

    pub(super) fn intern(&mut self, text: &str) -> Text {
        if let Some(known) = self.texts.get(text) {
            return known.clone();
        }
        let text = Text::from(text);
        self.texts.insert(text.clone());
        text
    }

    /// The value that was read; one that can't be is counted and left out.
    pub(super) fn keep<T>(&mut self, field: &'static str, read: Read<T>) -> Option<T> {
        read.unwrap_or_else(|Unreadable| {
            self.invalid.add(field, &self.deployment_id);
            None
        })
    }
}
