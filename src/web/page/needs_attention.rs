//! What needs an operator's attention.

use std::{cmp::Reverse, time::Duration};

use maud::{Markup, html};

use super::{
    PageData, discovery,
    html_text::{HumanDuration, isolated},
    links::deployment_link,
};
use crate::{
    collectors,
    model::{Deployment, DeploymentStatus, GroupId, ObservedStatus},
    store::{GroupObjects, TargetEntry},
    web::recent_job_failures::deployment_groups,
};

/// How long a job may be starting or being cancelled before it counts as stuck. The alerts on stuck jobs wait as long.
const STUCK_AFTER: Duration = Duration::from_secs(20 * 60);

/// Maximum number of deployments in one list. The others are counted.
const MAX_ROWS: usize = 20;

const STREAMING: &str = "STREAMING";

/// A deployment in a list.
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

/// What needs attention, or that nothing does.
pub(super) fn attention(data: &PageData<'_>) -> Markup {
    let Findings { failed, failing, stuck } = Findings::new(data);
    let duration = |finding: &Finding| {
        html! {
            @if let Some(since) = finding.since {
                "for " (HumanDuration(data.now.saturating_sub(since)))
            } @else {
                "since before it was first polled"
            }
        }
    };
    let failures = |finding: &Finding| html! { b { (finding.failures) } };
    let found = html! {
        (problems(data))
        (list(data, "Failed streaming deployments", &failed, duration))
        (list(data, "Failures in the last hour", &failing, failures))
        (list(data, "Stuck jobs", &stuck, duration))
    };
    html! {
        section.attention {
            h2 { "Needs attention" }
            @if found.0.is_empty() { p.good { "Nothing needs attention." } } @else { (found) }
        }
    }
}

impl Findings {
    fn new(data: &PageData<'_>) -> Self {
        let mut findings = Self::default();
        for group in deployment_groups(data.snapshot) {
            let (_, objects) = data.store.group_objects(&group);
            findings.add(data, &objects);
        }
        // The longest in their state come first. A status without a known beginning is older than all others.
        findings.failed.sort_by_key(|finding| finding.since);
        findings.stuck.sort_by_key(|finding| finding.since);
        findings.failing.sort_by_key(|finding| Reverse(finding.failures));
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

/// What keeps the exporter from knowing what needs attention.
fn problems(data: &PageData<'_>) -> Markup {
    let targets = data.snapshot.targets().iter();
    let (deployments, others): (Vec<_>, Vec<_>) =
        targets.partition(|(id, _)| id.collector == collectors::DEPLOYMENTS);
    html! {
        @if let Some(problem) = data.state.as_ref().and_then(|state| state.problem.as_deref()) {
            p.error { (isolated(problem)) }
        }
        (discovery::problems(data))
        (targets_without_data("Targets", &deployments, "Deployments may be missing here."))
        (targets_without_data("Targets of other collectors", &others, ""))
    }
}

fn targets_without_data(title: &str, targets: &[&TargetEntry], effect: &str) -> Markup {
    let count = |up: Option<bool>| targets.iter().filter(|(_, status)| status.is_up() == up).count();
    html! {
        @for (count, what) in [(count(Some(false)), "failing"), (count(None), "not polled yet")] {
            @if count > 0 {
                p.error { (title) " " (what) ": " (count) " of " (targets.len()) ". " (effect) }
            }
        }
    }
}

/// A list of deployments with `detail` of each; nothing if there are none.
fn list(data: &PageData<'_>, title: &str, found: &[Finding], detail: impl Fn(&Finding) -> Markup) -> Markup {
    if found.is_empty() {
        return Markup::default();
    }
    html! {
        h3 { (title) }
        ul {
            @for finding in found.iter().take(MAX_ROWS) {
                li { (link(data, finding)) " " (detail(finding)) }
            }
        }
        @if found.len() > MAX_ROWS {
            p.small { "and " (found.len() - MAX_ROWS) " more deployments" }
        }
    }
}

/// A link to a deployment, and where it is.
fn link(data: &PageData<'_>, finding: &Finding) -> Markup {
    let Finding { group, id, name, .. } = finding;
    html! {
        a href=(deployment_link(data.paths, group, id)) { (isolated(name)) } " "
        span.small { (isolated(&group.workspace)) " / " (isolated(&group.namespace)) }
    }
}
