//! A deployment's page.

use std::{
    fmt::{self, Display, Write as _},
    sync::Arc,
    time::Duration,
};

use super::{
    PageData,
    document::{badge, document},
    jobs,
    links::target_link,
    text::{Escaped, HumanDuration, OrDash, gibibytes, rounded},
};
use crate::{
    model::{Deployment, GroupId, JobState, Requested, TargetId, Transitions},
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
    let mut html = String::new();
    // Writing to a String can't fail.
    let _ = write_page(&mut html, data, group, deployment, &transitions);
    let title =
        format!("{} · {}/{} · aliyun-flink-exporter", deployment.name, group.workspace, group.namespace);
    Some(document(&title, data.paths, html))
}

fn write_page(
    html: &mut String,
    data: &PageData<'_>,
    group: &GroupId,
    deployment: &Deployment,
    transitions: &Transitions,
) -> fmt::Result {
    write!(html, "<p><a href=\"{}\">All targets</a>", Escaped(&data.paths.link("/")))?;
    let targets: Vec<_> = data.snapshot.targets().iter().filter(|(id, _)| id.group() == *group).collect();
    for (id, status) in &targets {
        write_target(html, data, id, status)?;
    }
    writeln!(
        html,
        "</p>\n<h1><bdi>{}</bdi></h1>\n<p class=\"small\"><bdi>{}</bdi></p>",
        Escaped(&deployment.name),
        Escaped(&deployment.id)
    )?;
    for (key, value) in &deployment.labels {
        let (key, value) = (Escaped(key), Escaped(value));
        write!(html, "<span class=\"label\"><bdi>{key}</bdi>=<bdi>{value}</bdi></span> ")?;
    }
    html.push_str("<div class=\"wide\"><table><tbody>\n");
    write_jobs(html, data, group, deployment, transitions)?;
    write_settings(html, data.now, deployment)?;
    html.push_str("</tbody></table></div>\n");
    if let Some(details) = data.store.job_details(group, &deployment.id) {
        jobs::write_section(html, &details, data.now)?;
    }
    jobs::write_statuses(html, &data.store.recent_statuses(group, &deployment.id), data.now)
}

fn write_target(html: &mut String, data: &PageData<'_>, id: &TargetId, status: &TargetStatus) -> fmt::Result {
    let (href, name) = (target_link(data.paths, id), id.to_string());
    write!(html, " · <a href=\"{}\"><bdi>{}</bdi></a> {}", Escaped(&href), Escaped(&name), badge(status))
}

fn write_jobs(
    html: &mut String,
    data: &PageData<'_>,
    group: &GroupId,
    deployment: &Deployment,
    transitions: &Transitions,
) -> fmt::Result {
    let status = transitions.status;
    row(html, "Status", OrDash(status.map(|observed| observed.status.as_str())))?;
    let since = status.and_then(|observed| observed.since).map(|since| data.now.saturating_sub(since));
    row(html, "Status observed for", OrDash(since.map(HumanDuration)))?;
    row(html, "Failures in the last hour", data.failures.of_deployment(group, deployment))?;
    for (state, jobs) in JobState::ENDED.into_iter().zip(transitions.jobs_ended) {
        row(html, &format!("Jobs observed to end: {}", state.as_str()), OrDash(jobs))?;
    }
    for state in JobState::ALL {
        row(html, &format!("Jobs: {}", state.as_str()), OrDash(deployment.jobs.get(state)))?;
    }
    Ok(())
}

fn write_settings(html: &mut String, now: Duration, deployment: &Deployment) -> fmt::Result {
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
    for (title, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
        row(html, title, format_args!("<bdi>{}</bdi>", Escaped(text)))?;
    }
    for (title, time) in [("Created", deployment.created), ("Modified", deployment.modified)] {
        let ago = time.and_then(|time| Duration::try_from_secs_f64(time).ok());
        let ago = ago.map(|time| format!("{} ago", HumanDuration(now.saturating_sub(time))));
        row(html, title, OrDash(ago))?;
    }
    let pending = deployment.changes_pending.map(|pending| if pending { "yes" } else { "no" });
    row(html, "Changed since its last start", OrDash(pending))?;
    let requested = Requested::of(deployment);
    row(html, "Requested slots", OrDash(requested.slots))?;
    row(html, "Requested CPU cores", OrDash(requested.cpu_cores.map(rounded)))?;
    row(html, "Requested memory, GiB", OrDash(requested.memory_bytes.map(gibibytes)))?;
    row(html, "Requested compute units", OrDash(requested.compute_units.map(rounded)))
}

fn row(html: &mut String, title: &str, value: impl Display) -> fmt::Result {
    writeln!(html, "<tr><th scope=\"row\">{title}</th><td>{value}</td></tr>")
}
