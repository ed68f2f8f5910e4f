//! Decoding of deployments, which both operations return in the same format.

use std::{collections::VecDeque, sync::Arc};

use lenient_json::{Cursor, Entries, FromJson as _, InvalidValue, Lenient, Scalar, lenient_object};

use super::resource_plan;
use crate::{
    api::{DecodeError, Decoded, Decoder},
    collectors::basic_resource_setting::{
        self, BATCH_BASIC, EXPERT_JOBMANAGER, STREAMING_BASIC, WireBasic, WireFlinkConf, WireSpec,
    },
    model::{
        BatchSetting, Deployment, DeploymentInfo, ExpertSetting, FieldSelection, JobCounts, JobState,
        ResourceSettings, SharedStr,
    },
};

lenient_object! {
    struct WireDeployment<'a> {
        id: Scalar<'a> = "deploymentId",
        name: Scalar<'a> = "name",
        creator: Scalar<'a> = "creator",
        modifier: Scalar<'a> = "modifier",
        created: Scalar<'a> = "createdAt",
        modified: Scalar<'a> = "modifiedAt",
        has_changed: Scalar<'a> = "deploymentHasChanged",
        engine_version: Scalar<'a> = "engineVersion",
        execution_mode: Scalar<'a> = "executionMode",
        artifact: Lenient<WireArtifact<'a>> = "artifact",
        target: Lenient<WireTarget<'a>> = "deploymentTarget",
        flink_conf: Lenient<WireFlinkConf<'a>> = "flinkConf",
        labels: Lenient<Entries<'a>> = "labels",
        jobs: Lenient<WireJobs<'a>> = "jobSummary",
        streaming: Lenient<WireStreaming<'a>> = "streamingResourceSetting",
        batch: Lenient<WireBatch<'a>> = "batchResourceSetting",
    }
}

lenient_object! {
    struct WireArtifact<'a> { kind: Scalar<'a> = "kind" }
}

lenient_object! {
    struct WireTarget<'a> { mode: Scalar<'a> = "mode", name: Scalar<'a> = "name" }
}

lenient_object! {
    struct WireJobs<'a> {
        starting: Scalar<'a> = "starting",
        running: Scalar<'a> = "running",
        cancelling: Scalar<'a> = "cancelling",
        cancelled: Scalar<'a> = "cancelled",
        finished: Scalar<'a> = "finished",
        failed: Scalar<'a> = "failed",
    }
}

lenient_object! {
    struct WireStreaming<'a> {
        mode: Scalar<'a> = "resourceSettingMode",
        basic: Lenient<WireBasic<'a>> = "basicResourceSetting",
        expert: Lenient<WireExpert<'a>> = "expertResourceSetting",
    }
}

lenient_object! {
    struct WireExpert<'a> {
        jobmanager: Lenient<WireSpec<'a>> = "jobmanagerResourceSettingSpec",
        plan: Scalar<'a> = "resourcePlan",
    }
}

lenient_object! {
    struct WireBatch<'a> {
        max_slots: Scalar<'a> = "maxSlot",
        basic: Lenient<WireBasic<'a>> = "basicResourceSetting",
    }
}

/// Decodes the deployments of one response.
struct DeploymentDecoder<'d> {
    values: &'d mut Decoder,
    fields: &'d FieldSelection,
    /// A buffer for unescaped resource plans.
    plan_text: &'d mut Vec<u8>,
    shared: &'d mut SharedValues,
}

/// Values that many deployments of a response have in common.
#[derive(Default)]
struct SharedValues {
    infos: RecentValues<DeploymentInfo>,
    resources: RecentValues<ResourceSettings>,
}

/// The last different values, the most recent one first.
struct RecentValues<T>(VecDeque<Arc<T>>);

impl<T> Default for RecentValues<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T: PartialEq> RecentValues<T> {
    /// Each value is compared with so many others; real fleets have few different settings.
    const MAX: usize = 8;

    /// `value`, or an equal one that is in memory already.
    fn share(&mut self, value: T) -> Arc<T> {
        if let Some(known) = self.0.iter().find(|known| ***known == value) {
            return known.clone();
        }
        let value = Arc::new(value);
        self.0.truncate(Self::MAX - 1);
        self.0.push_front(value.clone());
        value
    }
}

/// Decodes the list of deployments.
///
/// # Errors
///
/// If the text is not JSON.
pub(super) fn decode(
    decoder: Decoder,
    fields: &FieldSelection,
    cursor: &mut Cursor<'_>,
) -> Result<Lenient<Decoded<Deployment>>, DecodeError> {
    let (mut plan_text, mut shared) = (Vec::new(), SharedValues::default());
    decoder.array(cursor, |values, cursor| {
        let element = Lenient::<WireDeployment<'_>>::from_json(cursor)?;
        let (plan_text, shared) = (&mut plan_text, &mut shared);
        Ok(DeploymentDecoder { values, fields, plan_text, shared }.deployment(element))
    })
}

impl DeploymentDecoder<'_> {
    fn deployment(&mut self, element: Lenient<WireDeployment<'_>>) -> Option<Deployment> {
        // Count an element that is null or not an object, because it may be a lost deployment.
        let Lenient::Valid(mut wire) = element else {
            self.values.unidentified("data");
            return None;
        };
        self.values.begin_object("deploymentId", wire.id)?;
        let streaming = std::mem::take(&mut wire.streaming).value();
        let streaming = self.values.valid("streamingResourceSetting", streaming).unwrap_or_default();
        let info = self.info(&wire, streaming.mode);
        Some(Deployment {
            name: self.values.valid("name", wire.name.text()).unwrap_or_default().into(),
            info: self.shared.infos.share(info),
            labels: self.labels(wire.labels),
            jobs: self.jobs(wire.jobs),
            created: self.values.seconds("createdAt", wire.created),
            modified: self.values.seconds("modifiedAt", wire.modified),
            changes_pending: self.values.valid("deploymentHasChanged", wire.has_changed.boolean()),
            resources: {
                let resources = self.resources(wire.flink_conf, streaming, wire.batch);
                self.shared.resources.share(resources)
            },
            id: self.values.end_object(),
        })
    }

    fn info(&mut self, wire: &WireDeployment<'_>, resource_mode: Scalar<'_>) -> DeploymentInfo {
        let artifact_kind = match &wire.artifact {
            Lenient::Valid(artifact) => self.values.text("artifact.kind", artifact.kind),
            other => self.values.missing_text("artifact", other),
        };
        let (deployment_mode, target) = match &wire.target {
            Lenient::Valid(target) => (
                self.values.text("deploymentTarget.mode", target.mode),
                self.values.text("deploymentTarget.name", target.name),
            ),
            other => (self.values.missing_text("deploymentTarget", other), self.values.empty_text()),
        };
        let (queue, session_cluster) = match &*deployment_mode {
            "SESSION" => (self.values.empty_text(), target),
            _ => (target, self.values.empty_text()),
        };
        DeploymentInfo {
            execution_mode: self.values.text("executionMode", wire.execution_mode),
            engine_version: self.values.text("engineVersion", wire.engine_version),
            artifact_kind,
            // Without resources, one operation omits the mode and the other returns it (November 2026).
            resource_mode: if self.fields.resources {
                self.values.text("streamingResourceSetting.resourceSettingMode", resource_mode)
            } else {
                self.values.empty_text()
            },
            deployment_mode,
            queue,
            session_cluster,
            creator: self.values.text("creator", wire.creator),
            modifier: self.values.text("modifier", wire.modifier),
        }
    }

    fn labels(&mut self, labels: Lenient<Entries<'_>>) -> Vec<(SharedStr, SharedStr)> {
        if self.fields.labels.is_empty() {
            return Vec::new();
        }
        let Some(Entries(entries)) = self.values.valid("labels", labels.value()) else { return Vec::new() };
        let mut labels = Vec::new();
        for (key, value) in entries {
            let Some(key) = self.values.valid("labels", key.map(Some).ok_or(InvalidValue)) else { continue };
            if !self.fields.labels.selects(&key) {
                continue;
            }
            if let Some(value) = self.values.valid("labels", value.text()) {
                labels.push((self.values.intern(&key), self.values.intern(&value)));
            }
        }
        // If a key is repeated, the last value wins.
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

    fn jobs(&mut self, jobs: Lenient<WireJobs<'_>>) -> JobCounts {
        if !self.fields.jobs {
            return JobCounts::default();
        }
        let Some(jobs) = self.values.valid("jobSummary", jobs.value()) else { return JobCounts::default() };
        let counts = [
            ("jobSummary.starting", jobs.starting.count()),
            ("jobSummary.running", jobs.running.count()),
            ("jobSummary.cancelling", jobs.cancelling.count()),
            ("jobSummary.cancelled", jobs.cancelled.count()),
            ("jobSummary.finished", jobs.finished.count()),
            ("jobSummary.failed", jobs.failed.count()),
        ];
        let invalid = counts.map(|(_, count)| count.is_err());
        let decoded = JobCounts::new(counts.map(|(field, count)| self.values.valid(field, count)));
        let states = JobState::ALL.into_iter().zip(invalid);
        states.filter(|(_, invalid)| *invalid).fold(decoded, |counts, (state, _)| counts.with_invalid(state))
    }

    fn resources(
        &mut self,
        flink_conf: Lenient<WireFlinkConf<'_>>,
        streaming: WireStreaming<'_>,
        batch: Lenient<WireBatch<'_>>,
    ) -> ResourceSettings {
        if !self.fields.resources {
            return ResourceSettings::default();
        }
        let batch = self.values.valid("batchResourceSetting", batch.value());
        ResourceSettings {
            basic: basic_resource_setting::basic(self.values, &STREAMING_BASIC, streaming.basic),
            expert: self.expert(streaming.expert),
            batch: batch.map(|batch| BatchSetting {
                max_slots: self.values.valid("batchResourceSetting.maxSlot", batch.max_slots.count()),
                basic: basic_resource_setting::basic(self.values, &BATCH_BASIC, batch.basic),
            }),
            taskmanager_slots: basic_resource_setting::taskmanager_slots(self.values, flink_conf),
        }
    }

    fn expert(&mut self, expert: Lenient<WireExpert<'_>>) -> Option<ExpertSetting> {
        let expert = self.values.valid("streamingResourceSetting.expertResourceSetting", expert.value())?;
        Some(ExpertSetting {
            jobmanager: basic_resource_setting::spec(self.values, &EXPERT_JOBMANAGER, expert.jobmanager),
            plan: resource_plan::decode(self.values, self.plan_text, expert.plan),
        })
    }
}
