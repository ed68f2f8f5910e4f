//! A target's key figures.

use maud::{Markup, html};

use super::{
    PageData,
    document::poll_sparkline,
    html_text::{HumanDuration, OrDash, isolated},
};
use crate::{
    collectors,
    model::{JOBS, TargetId},
    store::TargetStatus,
};

/// A target's key figures, as all pages show them.
pub(super) fn facts(data: &PageData<'_>, id: &TargetId, status: &TargetStatus) -> Markup {
    let now = data.now;
    let objects = match id.collector {
        JOBS => "deployments with job data".to_owned(),
        collector => collector.replace('_', " "),
    };
    html! {
        ul.facts {
            li { b { (OrDash(status.object_count())) } " " (objects) }
            @if id.collector == collectors::DEPLOYMENTS {
                li { b { (OrDash(data.failures.of_target(id, status))) } " failures in the last hour" }
            }
            li { "pages read: " b { (status.pages) } }
            @match status.last_poll() {
                None => li { "no poll yet" },
                Some(poll) => li {
                    "last poll " (HumanDuration(now.saturating_sub(poll.ended))) " ago, took "
                    (HumanDuration(poll.took))
                },
            }
            @match status.next_poll {
                Some(next) if next <= now => li { "next poll now" },
                Some(next) => li { "next poll in " (HumanDuration(next.saturating_sub(now))) },
                None => {},
            }
            li { (poll_sparkline(status)) }
        }
    }
}

/// Why the last poll failed, if it did.
pub(super) fn poll_error(status: &TargetStatus) -> Markup {
    let error = status.last_poll().and_then(|poll| poll.error.as_deref());
    html! {
        @if let Some(error) = error { p.error { (isolated(error)) } }
    }
}
