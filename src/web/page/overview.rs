//! The first page: an overview of all targets.

use std::{
    collections::HashSet,
    fmt::{self, Write as _},
    time::Duration,
};

use super::{
    document::{badge, document},
    facts::write_facts,
    links::target_link,
    text::{Escaped, rounded},
};
use crate::{
    model::{Deployment, JobState, Requested, TargetId},
    snapshot::Snapshot,
    store::TargetStatus,
    web::paths::Paths,
};

/// The page for `snapshot` at the time `now`.
pub(in crate::web) fn overview(snapshot: &Snapshot, now: Duration, paths: &Paths) -> String {
    let mut html = String::from("<h1>aliyun-flink-exporter</h1>\n");
    // Writing to a String can't fail.
    let _ = write_summary(&mut html, snapshot);
    for (id, status) in snapshot.targets() {
        let _ = write_target(&mut html, paths, id, status, now);
    }
    html.push_str(
        "<p class=\"small\">Values are as of each target's last good poll. Failed jobs count over each deployment's \
         history, as long as the service keeps it; compute units are what one running job of each deployment asks \
         for.</p>",
    );
    document("aliyun-flink-exporter", paths, html)
}

/// Each deployment that is served, once.
fn distinct(snapshot: &Snapshot) -> impl Iterator<Item = &Deployment> {
    let mut seen = HashSet::new();
    let targets = snapshot.targets().iter();
    let all = targets.flat_map(|(id, status)| {
        status.objects::<Deployment>().unwrap_or_default().iter().map(move |deployment| (&**id, deployment))
    });
    all.filter(move |(id, deployment)| seen.insert((&id.workspace, &id.namespace, &deployment.id)))
        .map(|(_, deployment)| deployment)
}

fn write_summary(html: &mut String, snapshot: &Snapshot) -> fmt::Result {
    let up = snapshot.targets().iter().filter(|(_, status)| status.is_up() == Some(true)).count();
    let (mut deployments, mut failed, mut units) = (0_u64, 0_u64, 0.0);
    for deployment in distinct(snapshot) {
        deployments += 1;
        failed = failed.saturating_add(deployment.jobs.get(JobState::Failed).unwrap_or(0));
        units += Requested::of(deployment).compute_units.unwrap_or(0.0);
    }
    let all = snapshot.targets().len();
    let class = |good: bool| if good { "good" } else { "bad" };
    html.push_str("<dl class=\"cards\">");
    let mut card = |title: &str, class: &str, value: fmt::Arguments<'_>| {
        write!(html, "<div class=\"card\"><dt>{title}</dt><dd class=\"{class}\">{value}</dd></div>")
    };
    card("Targets up", class(up == all), format_args!("{up} of {all}"))?;
    card("Deployments", "", format_args!("{deployments}"))?;
    card("Failed jobs", class(failed == 0), format_args!("{failed}"))?;
    card("Compute units", "", format_args!("{}", rounded(units)))?;
    html.push_str("</dl>\n");
    Ok(())
}

fn write_target(
    html: &mut String,
    paths: &Paths,
    id: &TargetId,
    status: &TargetStatus,
    now: Duration,
) -> fmt::Result {
    write!(
        html,
        "<section class=\"target\"><h2><a href=\"{}\"><bdi>{}</bdi> / <bdi>{}</bdi></a> ",
        Escaped(&target_link(paths, id)),
        Escaped(&id.workspace),
        Escaped(&id.namespace),
    )?;
    if !id.selection.is_empty() {
        write!(html, "<span class=\"small\"><bdi>{}</bdi></span> ", Escaped(&id.selection))?;
    }
    writeln!(html, "{}</h2>", badge(status))?;
    write_facts(html, status, now)?;
    if let Some(error) = status.last_poll().and_then(|poll| poll.error.as_deref()) {
        writeln!(html, "<p class=\"error\"><bdi>{}</bdi></p>", Escaped(error))?;
    }
    html.push_str("</section>\n");
    Ok(())
}
