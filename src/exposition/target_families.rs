//! The families of targets and workspaces: how polling goes.

use std::sync::LazyLock;

use super::{
    Family, FamilyDescriptor, FamilyHeaders, IdentityWriter, MetricFamilies, MetricType, NO_LABELS, Origin,
    SampleWriter, Unit,
};

/// A polled workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkspaceInfo {
    /// Its id.
    pub workspace: String,
    /// Its region; empty if only the endpoint is configured.
    pub region: String,
    /// The address of its API.
    pub endpoint: String,
}

/// The families of [`WorkspaceInfo`].
#[derive(Debug)]
pub struct Workspaces;

impl MetricFamilies for Workspaces {
    type Object<'a> = &'a WorkspaceInfo;

    const TITLE: &'static str = "Workspace metrics";
    const IDENTITY_LABELS: &'static [&'static str] = &["workspace"];

    fn families() -> &'static [Family<Self>] {
        static FAMILIES: [Family<Workspaces>; 1] = [Family {
            descriptor: FamilyDescriptor {
                name: "aliyun_flink_workspace_info",
                metric_type: MetricType::Gauge,
                unit: Unit::One,
                help: "Region and API endpoint of a polled workspace; always 1.",
                labels: &["region", "endpoint"],
                origin: Origin::Exporter("configuration"),
            },
            write: |workspace, samples| {
                let labels = [("region", &*workspace.region), ("endpoint", &workspace.endpoint)];
                samples.integer(&labels, Some(1));
            },
        }];
        &FAMILIES
    }

    fn identity(workspace: &Self::Object<'_>, labels: &mut IdentityWriter<'_>) {
        labels.value(&workspace.workspace);
    }

    fn headers() -> &'static FamilyHeaders {
        static HEADERS: LazyLock<FamilyHeaders> = LazyLock::new(FamilyHeaders::of::<Workspaces>);
        &HEADERS
    }
}

/// What is served of a target.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetSamples<'a> {
    /// The collector that polls it.
    pub collector: &'a str,
    /// The workspace's region; empty if only the endpoint is configured.
    pub region: &'a str,
    /// Its workspace.
    pub workspace: &'a str,
    /// Its namespace; empty if the target is a workspace.
    pub namespace: &'a str,
    /// Its selection; empty for the whole namespace.
    pub selection: &'a str,
    /// Whether the last poll succeeded; none before the first.
    pub up: Option<bool>,
    /// The interval between polls, in seconds.
    pub poll_interval: f64,
    /// The objects in the data served now.
    pub objects: Option<u64>,
    /// When the last successful poll ended, in seconds since the Unix epoch.
    pub last_success: Option<f64>,
    /// How long the last poll took, in seconds.
    pub poll_duration: Option<f64>,
    /// The polls so far, by outcome.
    pub polls: Vec<(&'static str, u64)>,
}

/// The families of [`TargetSamples`].
#[derive(Debug)]
pub struct Targets;

const fn family(
    name: &'static str,
    metric_type: MetricType,
    unit: Unit,
    help: &'static str,
    labels: &'static [&'static str],
    write: fn(&TargetSamples<'_>, &mut SampleWriter<'_>),
) -> Family<Targets> {
    let origin = Origin::Exporter("polls");
    Family { descriptor: FamilyDescriptor { name, metric_type, unit, help, labels, origin }, write }
}

impl MetricFamilies for Targets {
    type Object<'a> = TargetSamples<'a>;

    const TITLE: &'static str = "Target metrics";
    const IDENTITY_LABELS: &'static [&'static str] =
        &["collector", "region", "workspace", "namespace", "selection"];

    fn families() -> &'static [Family<Self>] {
        static FAMILIES: [Family<Targets>; 6] = [
            family(
                "aliyun_flink_target_up",
                MetricType::Gauge,
                Unit::Boolean,
                "Whether the last poll of the target succeeded. No series before the first poll has finished.",
                &[],
                |target, samples| samples.integer(NO_LABELS, target.up.map(u64::from)),
            ),
            family(
                "aliyun_flink_target_poll_interval_seconds",
                MetricType::Gauge,
                Unit::Seconds,
                "Configured interval between polls of the target, in seconds.",
                &[],
                |target, samples| samples.float(NO_LABELS, Some(target.poll_interval)),
            ),
            family(
                "aliyun_flink_target_objects",
                MetricType::Gauge,
                Unit::Count("objects"),
                "Number of objects served for the target. No series if no data is served.",
                &[],
                |target, samples| samples.integer(NO_LABELS, target.objects),
            ),
            family(
                "aliyun_flink_target_last_success_timestamp_seconds",
                MetricType::Gauge,
                Unit::Timestamp,
                "Time when the last successful poll of the target ended, in seconds since the Unix epoch.",
                &[],
                |target, samples| samples.float(NO_LABELS, target.last_success),
            ),
            family(
                "aliyun_flink_target_poll_duration_seconds",
                MetricType::Gauge,
                Unit::Seconds,
                "Duration of the last poll of the target in seconds, including retries.",
                &[],
                |target, samples| samples.float(NO_LABELS, target.poll_duration),
            ),
            family(
                "aliyun_flink_target_polls_total",
                MetricType::Counter,
                Unit::Count("polls"),
                "Total number of polls of the target, by outcome.",
                &["outcome"],
                |target, samples| {
                    for (outcome, polls) in &target.polls {
                        samples.integer(&[("outcome", *outcome)], Some(*polls));
                    }
                },
            ),
        ];
        &FAMILIES
    }

    fn identity(target: &Self::Object<'_>, labels: &mut IdentityWriter<'_>) {
        let TargetSamples { collector, region, workspace, namespace, selection, .. } = target;
        for value in [collector, region, workspace, namespace, selection] {
            labels.value(value);
        }
    }

    fn headers() -> &'static FamilyHeaders {
        static HEADERS: LazyLock<FamilyHeaders> = LazyLock::new(FamilyHeaders::of::<Targets>);
        &HEADERS
    }
}
