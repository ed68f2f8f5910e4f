//! A target's key figures.

use std::fmt::{self, Write as _};

use super::{
    PageData,
    document::poll_sparkline,
    text::{Escaped, HumanDuration, OrDash},
};
use crate::{
    collectors,
    model::{JOBS, TargetId},
    store::TargetStatus,
};

/// Writes a target's key figures, as both pages show them.
pub(super) fn write_facts(
    html: &mut String,
    data: &PageData<'_>,
    id: &TargetId,
    status: &TargetStatus,
) -> fmt::Result {
    let now = data.now;
    let objects = match id.collector {
        JOBS => "deployments with job data".to_owned(),
        collector => collector.replace('_', " "),
    };
    write!(html, "<ul class=\"facts\"><li><b>{}</b> {objects}</li>", OrDash(status.object_count()))?;
    if id.collector == collectors::DEPLOYMENTS {
        let failures = OrDash(data.failures.of_target(id, status));
        write!(html, "<li><b>{failures}</b> failures in the last hour</li>")?;
    }
    write!(html, "<li>pages read: <b>{}</b></li>", status.pages)?;
    match status.last_poll() {
        None => html.push_str("<li>no poll yet</li>"),
        Some(poll) => {
            let ago = now.saturating_sub(poll.ended);
            write!(html, "<li>last poll {} ago, took {}</li>", HumanDuration(ago), HumanDuration(poll.took))?;
        }
    }
    match status.next_poll {
        Some(next) if next <= now => html.push_str("<li>next poll now</li>"),
        Some(next) => write!(html, "<li>next poll in {}</li>", HumanDuration(next.saturating_sub(now)))?,
        None => {}
    }
    writeln!(html, "<li>{}</li></ul>", poll_sparkline(status))
}

/// Writes why the last poll failed, if it did.
pub(super) fn write_error(html: &mut String, status: &TargetStatus) -> fmt::Result {
    match status.last_poll().and_then(|poll| poll.error.as_deref()) {
        Some(error) => writeln!(html, "<p class=\"error\"><bdi>{}</bdi></p>", Escaped(error)),
        None => Ok(()),
    }
}
