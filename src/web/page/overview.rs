//! The first page: an overview of all targets.

use std::{
    collections::HashSet,
    fmt::{self, Write as _},
};

use super::{
    PageData,
    attention::write_attention,
    discovery::write_discovery,
    document::{badge, document},
    facts::{write_error, write_facts},
    links::target_link,
    series::write_series,
    shard::write_shard,
    text::{Escaped, HumanDuration, rounded},
};
use crate::{
    collectors,
    model::{Deployment, Requested, TargetId},
    snapshot::Snapshot,
    store::TargetStatus,
};

/// The status page.
pub(in crate::web) fn overview(data: &PageData<'_>) -> String {
    let mut html = String::from("<h1>aliyun-flink-exporter</h1>\n");
    // Writing to a String can't fail.
    let _ = write_shard(&mut html, data);
    let _ = write_attention(&mut html, data);
    let _ = write_summary(&mut html, data);
    let _ = write_series(&mut html, data);
    let _ = write_discovery(&mut html, data);
    for (id, status) in data.snapshot.targets() {
        let _ = write_target(&mut html, data, id, status);
    }
    html.push_str(
        "<p class=\"small\">Values are as of each target's last successful poll. Failures are the jobs that the \
         exporter observed to fail within the last hour. Jobs are stuck if they have been starting or being cancelled \
         for 20 minutes. Compute units are what one running job of each deployment requests.</p>",
    );
    document("aliyun-flink-exporter", data.paths, html)
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

fn write_summary(html: &mut String, data: &PageData<'_>) -> fmt::Result {
    let snapshot = data.snapshot;
    let up = snapshot.targets().iter().filter(|(_, status)| status.is_up() == Some(true)).count();
    let (mut deployments, mut units) = (0_u64, 0.0);
    for deployment in distinct(snapshot) {
        deployments += 1;
        units += Requested::of(deployment).compute_units.unwrap_or(0.0);
    }
    let (all, failures) = (snapshot.targets().len(), data.failures.total());
    let class = |good: bool| if good { "good" } else { "bad" };
    html.push_str("<dl class=\"cards\">");
    let mut card = |title: &str, class: &str, value: fmt::Arguments<'_>| {
        write!(html, "<div class=\"card\"><dt>{title}</dt><dd class=\"{class}\">{value}</dd></div>")
    };
    card("Targets up", class(up == all), format_args!("{up} of {all}"))?;
    card("Deployments", "", format_args!("{deployments}"))?;
    card("Failures in the last hour", class(failures == 0), format_args!("{failures}"))?;
    card("Compute units", "", format_args!("{}", rounded(units)))?;
    match data.state.as_ref().map(|state| (state.healthy, state.last_save)) {
        None => {}
        Some((true, Some(last))) => {
            let ago = HumanDuration(data.now.saturating_sub(last));
            card("State saved", "good", format_args!("{ago} ago"))?;
        }
        Some((healthy, _)) => {
            let text = if healthy { "ready" } else { "not saved" };
            card("State", class(healthy), format_args!("{text}"))?;
        }
    }
    html.push_str("</dl>\n");
    Ok(())
}

fn write_target(html: &mut String, data: &PageData<'_>, id: &TargetId, status: &TargetStatus) -> fmt::Result {
    html.push_str("<section class=\"target\"><h2>");
    write_title(html, data, id)?;
    if !id.selection.is_empty() {
        write!(html, "<span class=\"small\"><bdi>{}</bdi></span> ", Escaped(&id.selection))?;
    }
    writeln!(html, "{}</h2>", badge(status))?;
    write_facts(html, data, id, status)?;
    write_error(html, status)?;
    html.push_str("</section>\n");
    Ok(())
}

/// Writes a target's workspace and namespace, with a link where it has a page, and its collector unless that is usual.
fn write_title(html: &mut String, data: &PageData<'_>, id: &TargetId) -> fmt::Result {
    if id.namespace.is_empty() {
        write!(html, "<bdi>{}</bdi> ", Escaped(&id.workspace))?;
    } else {
        let href = target_link(data.paths, id);
        let (workspace, namespace) = (Escaped(&id.workspace), Escaped(&id.namespace));
        write!(html, "<a href=\"{}\"><bdi>{workspace}</bdi> / <bdi>{namespace}</bdi></a> ", Escaped(&href))?;
    }
    if id.collector != collectors::DEPLOYMENTS {
        write!(html, "<span class=\"small\">{}</span> ", id.collector)?;
    }
    Ok(())
}
