//! How polling goes, as text: the families of targets and workspaces.

use bytes::Bytes;

use super::{
    Chunk, Description, Kind,
    text::{NONE, Samples, write_label},
};

/// A configured workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkspaceInfo {
    /// Its id.
    pub workspace: String,
    /// Its region; empty if only the endpoint is configured.
    pub region: String,
    /// Where its API is asked.
    pub endpoint: String,
}

/// What is served of a target.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetSamples<'a> {
    /// Its workspace.
    pub workspace: &'a str,
    /// Its namespace.
    pub namespace: &'a str,
    /// Its selection; empty for the whole namespace.
    pub selection: &'a str,
    /// Whether the last poll succeeded; not so before the first.
    pub up: bool,
    /// The deployments in the data served now.
    pub deployments: Option<u64>,
    /// When the last good poll ended, in seconds since the Unix epoch.
    pub last_success: Option<f64>,
    /// How long the last poll took, in seconds.
    pub poll_duration: Option<f64>,
    /// The polls so far, by outcome.
    pub polls: Vec<(&'static str, u64)>,
}

/// A family of samples, one or more for each target or workspace.
#[derive(Debug, Clone, Copy)]
pub struct Family {
    /// What documents it.
    pub description: Description,
    /// All its labels.
    pub labels: &'static [&'static str],
}

const fn family(
    name: &'static str,
    kind: Kind,
    help: &'static str,
    labels: &'static [&'static str],
) -> Family {
    Family { description: Description { name, kind, help }, labels }
}

/// The labels that tell a target from all others.
const IDENTITY: &[&str] = &["workspace", "namespace", "selection"];

const WORKSPACE_INFO: Family = family(
    "aliyun_flink_workspace_info",
    Kind::Gauge,
    "1, for each configured workspace; its region, and where its API is asked.",
    &["workspace", "region", "endpoint"],
);
const UP: Family = family(
    "aliyun_flink_target_up",
    Kind::Gauge,
    "1 if the target's last poll succeeded, 0 if it failed, or if there was none yet.",
    IDENTITY,
);
const DEPLOYMENTS: Family = family(
    "aliyun_flink_target_deployments",
    Kind::Gauge,
    "Deployments of the target in the data served now; no series while there is none.",
    IDENTITY,
);
const LAST_SUCCESS: Family = family(
    "aliyun_flink_target_last_success_timestamp_seconds",
    Kind::Gauge,
    "When the target's last good poll ended, in seconds since the Unix epoch.",
    IDENTITY,
);
const POLL_DURATION: Family = family(
    "aliyun_flink_target_poll_duration_seconds",
    Kind::Gauge,
    "Seconds that the target's last poll took, retries included.",
    IDENTITY,
);
const POLLS: Family = family(
    "aliyun_flink_target_polls_total",
    Kind::Counter,
    "Polls of the target by outcome.",
    &["workspace", "namespace", "selection", "outcome"],
);

/// Every family in the order they are served.
pub const FAMILIES: [Family; 6] = [WORKSPACE_INFO, UP, DEPLOYMENTS, LAST_SUCCESS, POLL_DURATION, POLLS];

/// Renders all families.
pub fn render(workspaces: &[WorkspaceInfo], targets: &[TargetSamples<'_>]) -> Chunk {
    let workspace = |info: &WorkspaceInfo, samples: &mut Samples<'_>| {
        samples.count(&[("region", &*info.region), ("endpoint", &info.endpoint)], Some(1));
    };
    let workspace_identity = |info: &WorkspaceInfo| {
        let mut label = Vec::new();
        write_label(&mut label, "workspace", &info.workspace);
        label
    };
    let workspace_identities: Vec<_> = workspaces.iter().map(workspace_identity).collect();
    let identities: Vec<_> = targets.iter().map(identity).collect();
    let each = |family: Family, write: fn(&TargetSamples<'_>, &mut Samples<'_>)| {
        samples(family, targets.iter().zip(identities.iter().map(Vec::as_slice)), write)
    };
    Chunk::new(vec![
        samples(
            WORKSPACE_INFO,
            workspaces.iter().zip(workspace_identities.iter().map(Vec::as_slice)),
            workspace,
        ),
        each(UP, |target, samples| samples.count(&NONE, Some(target.up.into()))),
        each(DEPLOYMENTS, |target, samples| samples.count(&NONE, target.deployments)),
        each(LAST_SUCCESS, |target, samples| samples.number(&NONE, target.last_success)),
        each(POLL_DURATION, |target, samples| samples.number(&NONE, target.poll_duration)),
        each(POLLS, |target, samples| {
            for (outcome, polls) in &target.polls {
                samples.count(&[("outcome", *outcome)], Some(*polls));
            }
        }),
    ])
}

fn identity(target: &TargetSamples<'_>) -> Vec<u8> {
    let mut labels = Vec::new();
    write_label(&mut labels, "workspace", target.workspace);
    labels.push(b',');
    write_label(&mut labels, "namespace", target.namespace);
    labels.push(b',');
    write_label(&mut labels, "selection", target.selection);
    labels
}

/// A family's samples of each object, written after the object's identity.
fn samples<'o, T: 'o>(
    family: Family,
    objects: impl Iterator<Item = (&'o T, &'o [u8])>,
    write: impl Fn(&T, &mut Samples<'_>),
) -> Vec<Bytes> {
    let mut text = Vec::new();
    for (object, identity) in objects {
        write(object, &mut Samples::new(&mut text, family.description.name, identity));
    }
    if text.is_empty() { Vec::new() } else { vec![text.into()] }
}
