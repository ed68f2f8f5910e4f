//! A target's page: its deployments, sorted and searched by the server.

use std::{cmp::Ordering, time::Duration};

use maud::{Markup, html};

use super::{
    PageData,
    deployment::labels,
    document::{badge, document},
    html_text::{HumanDuration, OrDash, Untrusted, gibibytes, isolated, rounded},
    jobs,
    key_figures::{facts, poll_error},
    links::{PageQuery, deployment_link, page_link},
};
use crate::{
    model::{
        Deployment, DeploymentStatus, GroupId, JobState, LastFailure, ObservedStatus, RequestedResources,
        TargetId,
    },
    store::{JobDetails, TargetStatus},
    web::route_prefix::Paths,
};

/// Deployments on one page.
const ROWS: usize = 200;

/// A column: its name in a query, its title, and whether it contains numbers.
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
    /// The jobs that failed in the last hour.
    failures: u64,
    /// None if jobs are not collected.
    jobs: Option<JobDetails>,
}

/// The page of one target.
pub(in crate::web) fn target(
    data: &PageData<'_>,
    id: &TargetId,
    status: &TargetStatus,
    query: &PageQuery,
) -> String {
    let mut found = rows(data, id, status);
    found.retain(|row| matches(row, &query.search));
    sort(&mut found, query);
    let main = html! {
        p { a href=(data.paths.link("/")) { "All targets" } }
        h1 { (isolated(&id.to_string())) " " (badge(status)) }
        (facts(data, id, status))
        (search(id, query))
        p { (found.len()) " of " (status.object_count().unwrap_or_default()) " deployments" }
        (table(data, id, query, &found))
        (neighbours(data.paths, id, query, found.len()))
        (history(status, data.now))
        (other_collectors(data, id))
    };
    document(&format!("{id} · aliyun-flink-exporter"), data.paths, &main)
}

/// The targets of the other collectors of the namespace.
fn other_collectors(data: &PageData<'_>, id: &TargetId) -> Markup {
    let is_other = |other: &TargetId| {
        (&other.workspace, &other.namespace) == (&id.workspace, &id.namespace)
            && other.collector != id.collector
    };
    html! {
        @for (other, status) in data.snapshot.targets().iter().filter(|(other, _)| is_other(other)) {
            section.target {
                h2 { (other.collector) " " (badge(status)) }
                (facts(data, other, status))
                (poll_error(status))
            }
        }
    }
}

fn search(id: &TargetId, query: &PageQuery) -> Markup {
    let kept = [("selection", id.selection.as_str()), ("sort", &query.sort)];
    html! {
        form action="" method="get" {
            input type="search" name="q" value=(Untrusted(&query.search))
                placeholder="Name, id, label, creator, state" aria-label="Search";
            @for (name, value) in kept.into_iter().filter(|(_, value)| !value.is_empty()) {
                input type="hidden" name=(name) value=(Untrusted(value));
            }
            @if query.descending { input type="hidden" name="desc" value="1"; }
            button { "Search" }
        }
    }
}

/// The deployments of a target, with their observed status and jobs.
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

/// Whether `search` is part of what identifies or describes the deployment.
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

/// The live jobs by state, in words.
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

fn sort(rows: &mut [Row<'_>], query: &PageQuery) {
    let number = |row: &Row<'_>| {
        let deployment = row.deployment;
        let requested = RequestedResources::of(deployment);
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
            // Most deployments have none: those are sorted by their failures in total.
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

fn table(data: &PageData<'_>, id: &TargetId, query: &PageQuery, found: &[Row<'_>]) -> Markup {
    let (group, first) = (id.group(), query.page.saturating_mul(ROWS));
    html! {
        div.wide {
            table {
                thead { tr { @for column in COLUMNS { (header(data.paths, id, query, column)) } } }
                tbody { @for row in found.iter().skip(first).take(ROWS) { (table_row(data, &group, row)) } }
            }
        }
    }
}

fn header(paths: &Paths, id: &TargetId, query: &PageQuery, (key, title, number): Column) -> Markup {
    let current = query.sort == key || query.sort.is_empty() && key == "name";
    // People look for the largest numbers first.
    let descending = if current { !query.descending } else { number };
    let next = PageQuery { sort: key.to_owned(), descending, page: 0, ..query.clone() };
    let (sorted, arrow) = match (current, query.descending) {
        (false, _) => ("none", ""),
        (true, false) => ("ascending", " ▲"),
        (true, true) => ("descending", " ▼"),
    };
    html! {
        th.number[number] aria-sort=(sorted) { a href=(page_link(paths, id, &next)) { (title) } (arrow) }
    }
}

fn table_row(data: &PageData<'_>, group: &GroupId, row: &Row<'_>) -> Markup {
    let (deployment, now) = (row.deployment, data.now);
    let requested = RequestedResources::of(deployment);
    let modified = deployment.modified.and_then(|time| Duration::try_from_secs_f64(time).ok());
    let modified = modified.map(|time| format!("{} ago", HumanDuration(now.saturating_sub(time))));
    html! {
        tr {
            td.name {
                a href=(deployment_link(data.paths, group, &deployment.id)) { (isolated(&deployment.name)) }
                (description(deployment))
                (labels(deployment))
            }
            (status_cell(row.observed, now))
            td { (live_jobs(deployment)) }
            td.number.bad[row.failures > 0] { (row.failures) }
            (jobs::cell(row.jobs.as_ref(), now))
            td.number { (OrDash(requested.slots)) }
            td.number { (OrDash(requested.cpu_cores.map(rounded))) }
            td.number { (OrDash(requested.memory_bytes.map(gibibytes))) }
            td.number { (OrDash(requested.compute_units.map(rounded))) }
            td.number { (OrDash(modified)) }
        }
    }
}

/// A deployment's id and kind.
fn description(deployment: &Deployment) -> Markup {
    let info = &deployment.info;
    html! {
        div.small {
            (isolated(&deployment.id)) " · " (Untrusted(&info.execution_mode)) " · "
            (Untrusted(&info.engine_version)) " " (Untrusted(&info.resource_mode))
        }
    }
}

fn status_cell(observed: Option<ObservedStatus>, now: Duration) -> Markup {
    let Some(ObservedStatus { status, since }) = observed else { return html! { td { "–" } } };
    let class = match status {
        DeploymentStatus::Running => "good",
        DeploymentStatus::Failed => "bad",
        _ => "",
    };
    html! {
        td class=(class) {
            (status.as_str())
            @if let Some(since) = since { div.small { (HumanDuration(now.saturating_sub(since))) } }
        }
    }
}

/// Links to the pages before and after this one.
fn neighbours(paths: &Paths, id: &TargetId, query: &PageQuery, found: usize) -> Markup {
    let next = query.page.saturating_add(1);
    let link = |page: usize, title: &str| {
        let href = page_link(paths, id, &PageQuery { page, ..query.clone() });
        html! { p { a href=(href) { (title) } } }
    };
    html! {
        @if let Some(before) = query.page.checked_sub(1) { (link(before, "Previous page")) }
        @if next.saturating_mul(ROWS) < found { (link(next, "Next page")) }
    }
}

fn history(status: &TargetStatus, now: Duration) -> Markup {
    html! {
        h2 { "Last polls" }
        div.wide {
            table {
                thead {
                    tr {
                        th { "Ended" } th { "Outcome" } th.number { "Took" } th.number { "Deployments" }
                        th { "Error" }
                    }
                }
                tbody {
                    @for poll in status.history.iter() {
                        @let class = if poll.error.is_none() { "good" } else { "bad" };
                        tr {
                            td { (HumanDuration(now.saturating_sub(poll.ended))) " ago" }
                            td class=(class) { (poll.outcome.as_str()) }
                            td.number { (HumanDuration(poll.took)) }
                            td.number { (OrDash(poll.objects)) }
                            td { (isolated(poll.error.as_deref().unwrap_or_default())) }
                        }
                    }
                }
            }
        }
    }
}
