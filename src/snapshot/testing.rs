//! A publisher with targets of deployments, for tests.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{Publisher, PublisherConfig};
use crate::{
    clock::Clock,
    collectors::{self, RenderConfig},
    exposition::{Encoding, Format},
    model::{Deployment, ErrorClass, JobCounts, LabelKeys, Objects, TargetId},
    store::{
        Change, Listed, PollFailure, PollReport, Readiness, StatusLookup, Store, TargetSettings, TargetStatus,
    },
    telemetry::Telemetry,
};

/// When data of the fixture's targets expires.
pub(crate) const EXPIRE_AFTER: Duration = Duration::from_secs(300);

/// How long the first value of a counter is served at least.
pub(crate) const FIRST_VALUE_HOLD: Duration = Duration::from_secs(120);

/// The identity of a target of deployments in the workspace `w`.
pub(crate) fn target(namespace: &str, selection: &str) -> TargetId {
    TargetId {
        workspace: "w".into(),
        namespace: namespace.into(),
        collector: collectors::DEPLOYMENTS,
        selection: selection.into(),
    }
}

/// Deployments by id, with their failed jobs.
pub(crate) fn deployments(names: &[(&str, u64)]) -> Vec<Deployment> {
    let deployment = |&(id, failed): &(&str, u64)| Deployment {
        id: id.into(),
        jobs: JobCounts::new([None, None, None, None, None, Some(failed)]),
        ..Deployment::default()
    };
    names.iter().map(deployment).collect()
}

/// A publisher, and the store behind it.
pub(crate) struct Fixture {
    pub(crate) publisher: Arc<Publisher>,
    pub(crate) readiness: Readiness,
}

impl Fixture {
    /// With these targets.
    pub(crate) async fn new(ids: &[TargetId]) -> Self {
        let (readiness, latch) = Readiness::new();
        let publisher =
            Arc::new(Publisher::new(Arc::new(Store::new(Clock::System)), Telemetry::new().unwrap()));
        publisher.configure(configuration(ids, LabelKeys::default()), Some(&latch)).await.unwrap();
        Self { publisher, readiness }
    }

    /// Replaces the targets.
    pub(crate) async fn configure(&self, ids: &[TargetId]) {
        self.publisher.configure(configuration(ids, LabelKeys::default()), None).await.unwrap();
    }

    /// Exports these labels of deployments, from the next change of each group.
    pub(crate) async fn configure_labels(&self, ids: &[TargetId], label_keys: LabelKeys) {
        self.publisher.configure(configuration(ids, label_keys), None).await.unwrap();
    }

    /// Limits the series of a scrape.
    pub(crate) async fn configure_max_series(&self, ids: &[TargetId], max_series: usize) {
        let configuration = PublisherConfig { max_series, ..configuration(ids, LabelKeys::default()) };
        self.publisher.configure(configuration, None).await.unwrap();
    }

    /// Reports a poll with a consistent listing.
    pub(crate) async fn succeed(&self, id: &TargetId, deployments: Vec<Deployment>) {
        self.list(id, deployments, true).await;
    }

    /// Reports a poll.
    pub(crate) async fn list(&self, id: &TargetId, deployments: Vec<Deployment>, consistent: bool) {
        if let Some(change) = self.commit(id, deployments, consistent).await {
            self.publisher.publish_group(&change.group).await.unwrap();
        }
    }

    /// Commits a poll without publishing it.
    pub(crate) async fn commit(
        &self,
        id: &TargetId,
        deployments: Vec<Deployment>,
        consistent: bool,
    ) -> Option<Change> {
        let objects = Box::new(Objects::listed(deployments));
        let listed = Listed { objects, consistent, pages: 1, answer: StatusLookup::NotNeeded };
        self.publisher.store().commit(id, 0, report(listed)).await
    }

    /// Reports a failed poll.
    pub(crate) fn fail(&self, id: &TargetId, class: ErrorClass, message: &str) {
        let failure = PollFailure { class, message: message.to_owned() };
        if let Some(_unpublished) = self.publisher.store().commit_failure(id, 0, report(failure)) {
            self.publisher.publish_status(id);
        }
    }

    /// A target's published status.
    pub(crate) fn status(&self, id: &TargetId) -> Arc<TargetStatus> {
        self.publisher.snapshot().target(id).unwrap().clone()
    }

    /// The published text.
    pub(crate) async fn text(&self) -> String {
        let body = self.publisher.body(Format::Text, Encoding::Identity).await.unwrap();
        String::from_utf8(body.to_vec().unwrap()).unwrap()
    }

    /// The ids of the deployments that are served and their failed jobs, sorted.
    pub(crate) async fn served(&self) -> Vec<String> {
        let text = self.text().await;
        let jobs = text.lines().filter(|line| line.starts_with("aliyun_flink_deployment_jobs{"));
        let mut served: Vec<_> = jobs
            .map(|line| {
                let id = line.split("deployment_id=\"").nth(1).unwrap().split('"').next().unwrap();
                format!("{id}={}", line.rsplit(' ').next().unwrap())
            })
            .collect();
        served.sort();
        served
    }
}

fn configuration(ids: &[TargetId], label_keys: LabelKeys) -> PublisherConfig {
    let settings = TargetSettings {
        region: "cn-test".into(),
        interval: Duration::from_secs(60),
        expire_after: EXPIRE_AFTER,
        first_value_hold: Some(FIRST_VALUE_HOLD),
        jobs: None,
        generation: 0,
    };
    let collector = |id: &TargetId| collectors::by_name(id.collector).unwrap();
    PublisherConfig {
        targets: ids.iter().map(|id| (Arc::new(id.clone()), settings.clone())).collect(),
        groups: ids.iter().map(|id| (id.group(), collector(id))).collect::<BTreeMap<_, _>>(),
        workspaces: Arc::default(),
        render: Arc::new(RenderConfig { label_keys, workspace_tags: LabelKeys::default() }),
        max_series: 0,
    }
}

fn report<T>(result: T) -> PollReport<T> {
    let now = Instant::now();
    PollReport {
        result,
        requested_at: now,
        took: Duration::from_millis(5),
        next_poll: now + Duration::from_secs(60),
        next_report_due: now + Duration::from_secs(170),
    }
}
