//! A target's page: its deployments, sorted and searched by the server.

use std::{
    cmp::Ordering,
    fmt::{self, Write as _},
    time::Duration,
};

use super::{
    PageData,
    document::{badge, document},
    facts::{write_error, write_facts},
    jobs,
    links::{Query, deployment_link, page_link},
    text::{Escaped, HumanDuration, OrDash, gibibytes, rounded},
};
use crate::{
    model::{
        Deployment, DeploymentStatus, GroupId, JobState, LastFailure, ObservedStatus, Requested, TargetId,
    },
    store::{JobDetails, TargetStatus},
    web::paths::Paths,
};

/// Deployments on one page.
const ROWS: usize = 200;

/// A column, what it is called in a query, and whether it holds numbers.
type Column = (&'static str, &'static str, bool);

const COLUMNS: [Column; 10] = [
    ("name", "Deployment", false),
    ("status", "Status", false),
    ("jobs", "Jobs", false),
    ("failed", "Failures, last hour", true),
    ("last_failure", "Last failure", false),
    ("slots", "Slots", true),
    ("cpu", "CPU", true),
    ("memory", "Memory, GiB", true),
    ("units", "Compute units", true),
    ("modified", "Modified", true),
];

/// A row of the table.
struct Row<'d> {
    deployment: &'d Deployment,
    /// None if it is not known.
    observed: Option<ObservedStatus>,
    /// The jobs that failed lately.
    failures: u64,
    /// None if jobs are not collected.
    jobs: Option<JobDetails>,
}

/// The page of one target.
pub(in crate::web) fn target(
    data: &PageData<'_>,
    id: &TargetId,
    status: &TargetStatus,
    query: &Query,
) -> String {
    let mut html = String::new();
    // Writing to a String can't fail.
    let _ = write_page(&mut html, data, id, status, query);
    document(&format!("{id} · aliyun-flink-exporter"), data.paths, html)
}

fn write_page(
    html: &mut String,
    data: &PageData<'_>,
    id: &TargetId,
    status: &TargetStatus,
    query: &Query,
) -> fmt::Result {
    let paths = data.paths;
    writeln!(
        html,
        "<p><a href=\"{}\">All targets</a></p>\n<h1><bdi>{}</bdi> {}</h1>",
        Escaped(&paths.link("/")),
        Escaped(&id.to_string()),
        badge(status)
    )?;
    write_facts(html, data, id, status)?;
    write_search(html, id, query)?;
    let mut found = rows(data, id, status);
    found.retain(|row| matches(row, &query.search));
    sort(&mut found, query);
    writeln!(html, "<p>{} of {} deployments</p>", found.len(), status.object_count().unwrap_or_default())?;
    html.push_str("<div class=\"wide\"><table><thead><tr>");
    for column in COLUMNS {
        write_header(html, paths, id, query, column)?;
    }
    html.push_str("</tr></thead>\n<tbody>\n");
    let first = query.page.saturating_mul(ROWS);
    for row in found.iter().skip(first).take(ROWS) {
        write_row(html, data, &id.group(), row)?;
    }
    html.push_str("</tbody></table></div>\n");
    write_pages(html, paths, id, query, found.len())?;
    write_history(html, status, data.now)?;
    write_other_collectors(html, data, id)
}

/// Writes the targets of the other collectors of the namespace.
fn write_other_collectors(html: &mut String, data: &PageData<'_>, id: &TargetId) -> fmt::Result {
    let is_other = |other: &TargetId| {
        (&other.workspace, &other.namespace) == (&id.workspace, &id.namespace)
            && other.collector != id.collector
    };
    for (other, status) in data.snapshot.targets().iter().filter(|(other, _)| is_other(other)) {
        writeln!(html, "<section class=\"target\"><h2>{} {}</h2>", other.collector, badge(status))?;
        write_facts(html, data, other, status)?;
        write_error(html, status)?;
        html.push_str("</section>\n");
    }
    Ok(())
}

fn write_search(html: &mut String, id: &TargetId, query: &Query) -> fmt::Result {
    let search = Escaped(&query.search);
    write!(
        html,
        "<form action=\"\" method=\"get\"><input type=\"search\" name=\"q\" value=\"{search}\" placeholder=\"Name, id, label, creator, state\" aria-label=\"Search\">"
    )?;
    for (name, value) in [("selection", id.selection.as_str()), ("sort", &query.sort)] {
        if !value.is_empty() {
            write!(html, "<input type=\"hidden\" name=\"{name}\" value=\"{}\">", Escaped(value))?;
        }
    }
    if query.descending {
        html.push_str("<input type=\"hidden\" name=\"desc\" value=\"1\">");
    }
    html.push_str("<button>Search</button></form>\n");
    Ok(())
}

/// The deployments of a target, with what was observed of them.
fn rows<'d>(data: &PageData<'_>, id: &TargetId, status: &'d TargetStatus) -> Vec<Row<'d>> {
    let group = id.group();
    let deployments: Vec<_> = status.objects::<Deployment>().unwrap_or_default().iter().collect();
    let transitions = data.store.group_objects(&group).1.transitions(&deployments);
    let row = |(deployment, observed)| Row {
        deployment,
        observed,
        failures: data.failures.of_deployment(&group, deployment),
        jobs: data.store.job_details(&group, &deployment.id),
    };
    let observed = transitions.into_iter().map(|transitions| transitions.status);
    deployments.into_iter().zip(observed).map(row).collect()
}

/// Whether `search` stands in what a person may look for.
fn matches(row: &Row<'_>, search: &str) -> bool {
    let deployment = row.deployment;
    let search = search.trim().to_lowercase();
    let has = |text: &str| text.to_lowercase().contains(&search);
    let info = &deployment.info;
    search.is_empty()
        || [&*deployment.id, &*deployment.name].into_iter().any(has)
        || [&info.creator, &info.queue, &info.session_cluster].into_iter().any(|text| has(text))
        || has(&live_jobs(deployment))
        || has(row.status())
        || row.last_failure().is_some_and(|failure| has(jobs::reason(failure)))
        || deployment.labels.iter().any(|(key, value)| has(&format!("{key}={value}")))
}

impl Row<'_> {
    /// The status as metrics have it; empty if it is not known.
    fn status(&self) -> &'static str {
        self.observed.map_or("", |observed| observed.status.as_str())
    }

    fn last_failure(&self) -> Option<&LastFailure> {
        self.jobs.as_ref()?.last_failure.as_ref()
    }

    fn failed_in_total(&self) -> Option<u64> {
        self.deployment.jobs.get(JobState::Failed)
    }
}

/// The jobs there are now, in words.
fn live_jobs(deployment: &Deployment) -> String {
    let states = [JobState::Running, JobState::Starting, JobState::Cancelling];
    let count = |state: JobState| {
        deployment
            .jobs
            .get(state)
            .filter(|&count| count > 0)
            .map(|count| format!("{count} {}", state.as_str()))
    };
    let counts: Vec<_> = states.into_iter().filter_map(count).collect();
    if counts.is_empty() { "none".to_owned() } else { counts.join(", ") }
}

fn sort(rows: &mut [Row<'_>], query: &Query) {
    let number = |row: &Row<'_>| {
        let deployment = row.deployment;
        let requested = Requested::of(deployment);
        match query.sort.as_str() {
            "slots" => requested.slots.map(|slots| slots as f64),
            "cpu" => requested.cpu_cores,
            "memory" => requested.memory_bytes,
            "units" => requested.compute_units,
            "modified" => deployment.modified,
            _ => None,
        }
    };
    let last_failed = |row: &Row<'_>| row.last_failure().and_then(jobs::failure_time);
    rows.sort_by(|a, b| {
        let order = match query.sort.as_str() {
            "status" => a.status().cmp(b.status()),
            "jobs" => live_jobs(a.deployment).cmp(&live_jobs(b.deployment)),
            // Most have none: of those, the ones that failed most in total come first.
            "failed" => (a.failures, a.failed_in_total()).cmp(&(b.failures, b.failed_in_total())),
            "last_failure" => last_failed(a).cmp(&last_failed(b)),
            "" | "name" => Ordering::Equal,
            _ => number(a).partial_cmp(&number(b)).unwrap_or(Ordering::Equal),
        };
        let (one, other) = (a.deployment, b.deployment);
        let order = order.then_with(|| (&one.name, &one.id).cmp(&(&other.name, &other.id)));
        if query.descending { order.reverse() } else { order }
    });
}

fn write_header(
    html: &mut String,
    paths: &Paths,
    id: &TargetId,
    query: &Query,
    (key, title, number): Column,
) -> fmt::Result {
    let current = query.sort == key || query.sort.is_empty() && key == "name";
    // Of numbers the largest are what one looks for.
    let descending = if current { !query.descending } else { number };
    let next = Query { sort: key.to_owned(), descending, page: 0, ..query.clone() };
    let (class, arrow) = (
        if number { "number" } else { "" },
        match (current, query.descending) {
            (false, _) => "",
            (true, false) => " ▲",
            (true, true) => " ▼",
        },
    );
    let sorted = match (current, query.descending) {
        (false, _) => "none",
        (true, false) => "ascending",
        (true, true) => "descending",
    };
    write!(
        html,
        "<th class=\"{class}\" aria-sort=\"{sorted}\"><a href=\"{}\">{title}</a>{arrow}</th>",
        Escaped(&page_link(paths, id, &next))
    )
}

fn write_row(html: &mut String, data: &PageData<'_>, group: &GroupId, row: &Row<'_>) -> fmt::Result {
    let (deployment, now) = (row.deployment, data.now);
    let requested = Requested::of(deployment);
    let info = &deployment.info;
    write!(
        html,
        "<tr><td class=\"name\"><a href=\"{}\"><bdi>{}</bdi></a><div class=\"small\"><bdi>{}</bdi> · {} · {} {}</div>",
        Escaped(&deployment_link(data.paths, group, &deployment.id)),
        Escaped(&deployment.name),
        Escaped(&deployment.id),
        Escaped(&info.execution_mode),
        Escaped(&info.engine_version),
        Escaped(&info.resource_mode),
    )?;
    for (key, value) in &deployment.labels {
        write!(
            html,
            "<span class=\"label\"><bdi>{}</bdi>=<bdi>{}</bdi></span> ",
            Escaped(key),
            Escaped(value)
        )?;
    }
    html.push_str("</td>");
    write_status(html, row.observed, now)?;
    let class = if row.failures > 0 { "bad" } else { "" };
    write!(html, "<td>{}</td><td class=\"number {class}\">{}</td>", live_jobs(deployment), row.failures)?;
    jobs::write_cell(html, row.jobs.as_ref(), now)?;
    write!(html, "<td class=\"number\">{}</td>", OrDash(requested.slots))?;
    let memory = requested.memory_bytes.map(gibibytes);
    for value in [requested.cpu_cores.map(rounded), memory, requested.compute_units.map(rounded)] {
        write!(html, "<td class=\"number\">{}</td>", OrDash(value))?;
    }
    let modified = deployment.modified.and_then(|time| Duration::try_from_secs_f64(time).ok());
    match modified {
        Some(time) => {
            writeln!(html, "<td class=\"number\">{} ago</td></tr>", HumanDuration(now.saturating_sub(time)))
        }
        None => writeln!(html, "<td class=\"number\">–</td></tr>"),
    }
}

fn write_status(html: &mut String, observed: Option<ObservedStatus>, now: Duration) -> fmt::Result {
    let Some(ObservedStatus { status, since }) = observed else {
        html.push_str("<td>–</td>");
        return Ok(());
    };
    let class = match status {
        DeploymentStatus::Running => "good",
        DeploymentStatus::Failed => "bad",
        _ => "",
    };
    write!(html, "<td class=\"{class}\">{}", status.as_str())?;
    if let Some(since) = since {
        write!(html, "<div class=\"small\">{}</div>", HumanDuration(now.saturating_sub(since)))?;
    }
    html.push_str("</td>");
    Ok(())
}

fn write_pages(html: &mut String, paths: &Paths, id: &TargetId, query: &Query, found: usize) -> fmt::Result {
    let mut to = |page: usize, title: &str| {
        let next = Query { page, ..query.clone() };
        write!(html, "<p><a href=\"{}\">{title}</a></p>", Escaped(&page_link(paths, id, &next)))
    };
    if let Some(before) = query.page.checked_sub(1) {
        to(before, "Previous page")?;
    }
    if query.page.saturating_add(1).saturating_mul(ROWS) < found {
        to(query.page + 1, "Next page")?;
    }
    Ok(())
}

fn write_history(html: &mut String, status: &TargetStatus, now: Duration) -> fmt::Result {
    html.push_str(
        "<h2>Last polls</h2>\n<div class=\"wide\"><table><thead><tr><th>Ended</th><th>Outcome</th>\
         <th class=\"number\">Took</th><th class=\"number\">Deployments</th><th>Error</th></tr></thead>\n<tbody>\n",
    );
    for poll in status.history.iter() {
        let class = if poll.error.is_none() { "good" } else { "bad" };
        writeln!(
            html,
            "<tr><td>{} ago</td><td class=\"{class}\">{}</td><td class=\"number\">{}</td>\
             <td class=\"number\">{}</td><td><bdi>{}</bdi></td></tr>",
            HumanDuration(now.saturating_sub(poll.ended)),
            poll.outcome.as_str(),
            HumanDuration(poll.took),
            OrDash(poll.objects),
            Escaped(poll.error.as_deref().unwrap_or_default()),
        )?;
    }
    html.push_str("</tbody></table></div>\n");
    Ok(())
}
