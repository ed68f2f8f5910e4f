//! A target's key figures.

use std::fmt::{self, Write as _};

use super::{
    PageData,
    document::poll_sparkline,
    text::{HumanDuration, OrDash},
};
use crate::{model::TargetId, store::TargetStatus};

/// Writes a target's key figures, as both pages show them.
pub(super) fn write_facts(
    html: &mut String,
    data: &PageData<'_>,
    id: &TargetId,
    status: &TargetStatus,
) -> fmt::Result {
    let now = data.now;
    let deployments = status.object_count();
    write!(html, "<ul class=\"facts\"><li><b>{}</b> deployments</li>", OrDash(deployments))?;
    write!(
        html,
        "<li><b>{}</b> failures in the last hour</li><li>pages read: <b>{}</b></li>",
        OrDash(data.failures.of_target(id, status)),
        status.pages
    )?;
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
