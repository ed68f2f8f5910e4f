//! A deployment's page.

use std::{fmt::Display, sync::Arc, time::Duration};

use maud::{Markup, html};

use super::{
    PageData,
    document::{badge, document},
    html_text::{HumanDuration, OrDash, gibibytes, isolated, rounded},
    jobs,
    links::target_link,
};
use crate::{
    model::{Deployment, GroupId, JobState, RequestedResources, Transitions},
    snapshot::Snapshot,
    store::TargetStatus,
};

/// The target whose data has the deployment: the last one that was polled, if there are several.
pub(in crate::web) fn serving(snapshot: &Snapshot, group: &GroupId, id: &str) -> Option<Arc<TargetStatus>> {
    let targets = snapshot.targets().iter().filter(|(target, _)| target.group() == *group);
    let serving = targets.filter(|(_, status)| find(status, id).is_some());
    let last = serving.max_by_key(|(_, status)| status.data.as_ref().map(|data| data.renewed_at));
    last.map(|(_, status)| status.clone())
}

fn find<'s>(status: &'s TargetStatus, id: &str) -> Option<&'s Deployment> {
    status.objects::<Deployment>()?.iter().find(|deployment| *deployment.id == *id)
}

/// The page of one deployment of a target; none if the target does not serve it.
pub(in crate::web) fn deployment(
    data: &PageData<'_>,
    group: &GroupId,
    status: &TargetStatus,
    id: &str,
) -> Option<String> {
    let deployment = find(status, id)?;
    let (_, objects) = data.store.group_objects(group);
    let transitions = objects.transitions(&[deployment]).pop().unwrap_or_default();
    let main = html! {
        (targets(data, group))
        h1 { (isolated(&deployment.name)) }
        p.small { (isolated(&deployment.id)) }
        (labels(deployment))
        div.wide {
            table {
                tbody {
                    (job_rows(data, group, deployment, &transitions))
                    (setting_rows(data.now, deployment))
                }
            }
        }
        @if let Some(details) = data.store.job_details(group, &deployment.id) {
            (jobs::last_failure(&details, data.now))
        }
        (jobs::recent_statuses(&data.store.recent_statuses(group, &deployment.id), data.now))
    };
    let title =
        format!("{} · {}/{} · aliyun-flink-exporter", deployment.name, group.workspace, group.namespace);
    Some(document(&title, data.paths, &main))
}

/// Links to the targets that may list the deployment.
fn targets(data: &PageData<'_>, group: &GroupId) -> Markup {
    let targets = data.snapshot.targets().iter().filter(|(id, _)| id.group() == *group);
    html! {
        p {
            a href=(data.paths.link("/")) { "All targets" }
            @for (id, status) in targets {
                " · " a href=(target_link(data.paths, id)) { (isolated(&id.to_string())) } " " (badge(status))
            }
        }
    }
}

/// The labels of a deployment.
pub(super) fn labels(deployment: &Deployment) -> Markup {
    html! {
        @for (key, value) in &deployment.labels {
            span.label { (isolated(key)) "=" (isolated(value)) } " "
        }
    }
}

fn job_rows(
    data: &PageData<'_>,
    group: &GroupId,
    deployment: &Deployment,
    transitions: &Transitions,
) -> Markup {
    let status = transitions.status;
    let since = status.and_then(|observed| observed.since).map(|since| data.now.saturating_sub(since));
    html! {
        (row("Status", OrDash(status.map(|observed| observed.status.as_str()))))
        (row("Status observed for", OrDash(since.map(HumanDuration))))
        (row("Failures in the last hour", data.failures.of_deployment(group, deployment)))
        @for (state, jobs) in JobState::ENDED.into_iter().zip(transitions.jobs_ended) {
            (row(&format!("Jobs observed to end: {}", state.as_str()), OrDash(jobs)))
        }
        @for state in JobState::ALL {
            (row(&format!("Jobs: {}", state.as_str()), OrDash(deployment.jobs.get(state))))
        }
    }
}

fn setting_rows(now: Duration, deployment: &Deployment) -> Markup {
    let info = &deployment.info;
    let texts = [
        ("Execution mode", &info.execution_mode),
        ("Engine version", &info.engine_version),
        ("Artifact kind", &info.artifact_kind),
        ("Resource mode", &info.resource_mode),
        ("Deployment mode", &info.deployment_mode),
        ("Queue", &info.queue),
        ("Session cluster", &info.session_cluster),
        ("Creator", &info.creator),
        ("Modifier", &info.modifier),
    ];
    let ago = |time: Option<f64>| {
        let time = time.and_then(|time| Duration::try_from_secs_f64(time).ok());
        OrDash(time.map(|time| format!("{} ago", HumanDuration(now.saturating_sub(time)))))
    };
    let pending = deployment.changes_pending.map(|pending| if pending { "yes" } else { "no" });
    let requested = RequestedResources::of(deployment);
    html! {
        @for (title, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
            tr { th scope="row" { (title) } td { (isolated(text)) } }
        }
        (row("Created", ago(deployment.created)))
        (row("Modified", ago(deployment.modified)))
        (row("Changed since its last start", OrDash(pending)))
        (row("RequestedResources slots", OrDash(requested.slots)))
        (row("RequestedResources CPU cores", OrDash(requested.cpu_cores.map(rounded))))
        (row("RequestedResources memory, GiB", OrDash(requested.memory_bytes.map(gibibytes))))
        (row("RequestedResources compute units", OrDash(requested.compute_units.map(rounded))))
    }
}

fn row(title: &str, value: impl Display) -> Markup {
    html! { tr { th scope="row" { (title) } td { (value) } } }
}
