//! What needs the attention of a person.

use std::{
    fmt::{self, Write as _},
    time::Duration,
};

use super::{
    PageData, discovery,
    links::deployment_link,
    text::{Escaped, HumanDuration},
};
use crate::{
    collectors,
    model::{Deployment, DeploymentStatus, GroupId, ObservedStatus},
    store::{GroupObjects, TargetEntry},
    web::recent_failures::deployment_groups,
};

/// How long a job may be starting or being cancelled: as long as the alerts on stuck jobs wait.
const STUCK_AFTER: Duration = Duration::from_secs(20 * 60);

/// Deployments in one list. The others are counted.
const MAX_ROWS: usize = 20;

const STREAMING: &str = "STREAMING";

/// A deployment in a list, and why it is there.
struct Finding {
    group: GroupId,
    id: Box<str>,
    name: Box<str>,
    /// When its status began, since the Unix epoch.
    since: Option<Duration>,
    failures: u64,
}

/// The deployments that need attention.
#[derive(Default)]
struct Findings {
    failed: Vec<Finding>,
    failing: Vec<Finding>,
    stuck: Vec<Finding>,
}

/// Writes what needs attention, or that nothing does.
pub(super) fn write_attention(html: &mut String, data: &PageData<'_>) -> fmt::Result {
    let findings = Findings::new(data);
    html.push_str("<section class=\"attention\"><h2>Needs attention</h2>\n");
    let before = html.len();
    write_problems(html, data)?;
    let lists = [
        ("Failed streaming deployments", &findings.failed),
        ("Failures in the last hour", &findings.failing),
        ("Stuck jobs", &findings.stuck),
    ];
    for (title, found) in lists {
        write_list(html, data, title, found)?;
    }
    if html.len() == before {
        html.push_str("<p class=\"good\">Nothing needs attention.</p>\n");
    }
    html.push_str("</section>\n");
    Ok(())
}

impl Findings {
    fn new(data: &PageData<'_>) -> Self {
        let mut findings = Self::default();
        for group in deployment_groups(data.snapshot) {
            let (_, objects) = data.store.group_objects(&group);
            findings.add(data, &objects);
        }
        // What is longest in its state is first. What was so already when it was first seen is even older.
        findings.failed.sort_by_key(|finding| finding.since);
        findings.stuck.sort_by_key(|finding| finding.since);
        findings.failing.sort_by_key(|finding| std::cmp::Reverse(finding.failures));
        findings
    }

    fn add(&mut self, data: &PageData<'_>, objects: &GroupObjects) {
        let deployments = objects.merged::<Deployment>();
        for (deployment, transitions) in deployments.iter().zip(objects.transitions(&deployments)) {
            let failures = data.failures.of_deployment(&objects.id, deployment);
            let observed = transitions.status;
            let finding = || Finding {
                group: objects.id.clone(),
                id: deployment.id.clone(),
                name: deployment.name.clone(),
                since: observed.and_then(|observed| observed.since),
                failures,
            };
            if is_failed_stream(deployment, observed) {
                self.failed.push(finding());
            }
            if observed.is_some_and(|observed| is_stuck(observed, data.now)) {
                self.stuck.push(finding());
            }
            if failures > 0 {
                self.failing.push(finding());
            }
        }
    }
}

fn is_failed_stream(deployment: &Deployment, observed: Option<ObservedStatus>) -> bool {
    let failed = observed.is_some_and(|observed| observed.status == DeploymentStatus::Failed);
    failed && *deployment.info.execution_mode == *STREAMING
}

fn is_stuck(observed: ObservedStatus, now: Duration) -> bool {
    let long = observed.since.is_some_and(|since| now.saturating_sub(since) >= STUCK_AFTER);
    observed.status == DeploymentStatus::Transitioning && long
}

/// Writes what keeps the exporter from knowing what needs attention.
fn write_problems(html: &mut String, data: &PageData<'_>) -> fmt::Result {
    if let Some(problem) = data.state.as_ref().and_then(|state| state.problem.as_deref()) {
        writeln!(html, "<p class=\"error\"><bdi>{}</bdi></p>", Escaped(problem))?;
    }
    discovery::write_problems(html, data)?;
    let targets = data.snapshot.targets().iter();
    let (deployments, others): (Vec<_>, Vec<_>) =
        targets.partition(|(id, _)| id.collector == collectors::DEPLOYMENTS);
    write_targets(html, &deployments, "Targets", "Deployments may be missing here.")?;
    write_targets(html, &others, "Targets of other collectors", "")
}

fn write_targets(html: &mut String, targets: &[&TargetEntry], title: &str, effect: &str) -> fmt::Result {
    let count = |up: Option<bool>| targets.iter().filter(|(_, status)| status.is_up() == up).count();
    for (count, what) in [(count(Some(false)), "failing"), (count(None), "not polled yet")] {
        if count > 0 {
            let all = targets.len();
            writeln!(html, "<p class=\"error\">{title} {what}: {count} of {all}. {effect}</p>")?;
        }
    }
    Ok(())
}

fn write_list(html: &mut String, data: &PageData<'_>, title: &str, found: &[Finding]) -> fmt::Result {
    if found.is_empty() {
        return Ok(());
    }
    let is_failures = title.starts_with("Failures");
    writeln!(html, "<h3>{title}</h3>\n<ul>")?;
    for finding in found.iter().take(MAX_ROWS) {
        write!(html, "<li>{} ", Link(data, finding))?;
        if is_failures {
            writeln!(html, "<b>{}</b></li>", finding.failures)?;
            continue;
        }
        match finding.since {
            Some(since) => writeln!(html, "for {}</li>", HumanDuration(data.now.saturating_sub(since)))?,
            None => html.push_str("since before it was first polled</li>\n"),
        }
    }
    html.push_str("</ul>\n");
    match found.len().saturating_sub(MAX_ROWS) {
        0 => Ok(()),
        more => writeln!(html, "<p class=\"small\">and {more} more deployments</p>"),
    }
}

/// A link to a deployment, and where it is.
struct Link<'l>(&'l PageData<'l>, &'l Finding);

impl fmt::Display for Link<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(data, Finding { group, id, name, .. }) = self;
        write!(
            formatter,
            "<a href=\"{}\"><bdi>{}</bdi></a> <span class=\"small\"><bdi>{}</bdi> / <bdi>{}</bdi></span>",
            Escaped(&deployment_link(data.paths, group, id)),
            Escaped(name),
            Escaped(&group.workspace),
            Escaped(&group.namespace),
        )
    }
}
