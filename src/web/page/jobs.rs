//! The last failure of a deployment's jobs, and the statuses that it had.

use std::{
    fmt::{self, Write as _},
    time::Duration,
};

use jiff::Timestamp;

use super::text::{Escaped, HumanDuration};
use crate::{
    model::{LastFailure, ObservedStatus},
    store::JobDetails,
};

/// What a failure without a reason is called.
const NO_REASON: &str = "no reason given";

/// A time and how long ago it was; a dash if it is not known.
pub(super) struct Ago {
    pub(super) time: Option<Duration>,
    pub(super) now: Duration,
}

impl fmt::Display for Ago {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(time) = self.time else { return formatter.write_str("–") };
        let seconds = i64::try_from(time.as_secs()).ok();
        if let Some(timestamp) = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok()) {
            write!(formatter, "{timestamp}, ")?;
        }
        write!(formatter, "{} ago", HumanDuration(self.now.saturating_sub(time)))
    }
}

/// When a failure happened, since the Unix epoch.
pub(super) fn failure_time(failure: &LastFailure) -> Option<Duration> {
    failure.time.and_then(|time| Duration::try_from_secs_f64(time).ok())
}

/// The reason of a failure, for people.
pub(super) fn reason(failure: &LastFailure) -> &str {
    if failure.reason.is_empty() { NO_REASON } else { &failure.reason }
}

/// Writes the cell of a table of deployments.
pub(super) fn write_cell(html: &mut String, details: Option<&JobDetails>, now: Duration) -> fmt::Result {
    let Some(details) = details else {
        html.push_str("<td>–</td>");
        return Ok(());
    };
    html.push_str("<td>");
    match &details.last_failure {
        Some(failure) => {
            write!(html, "<details><summary><bdi>{}</bdi></summary>", Escaped(reason(failure)))?;
            write_failure(html, details, failure)?;
            html.push_str("</details>");
            if let Some(time) = failure_time(failure) {
                write!(html, "<div class=\"small\">{} ago</div>", HumanDuration(now.saturating_sub(time)))?;
            }
        }
        None => html.push('–'),
    }
    if let Some(restarts) = details.restarts {
        write!(html, "<div class=\"small\">Restarts: {restarts}</div>")?;
    }
    html.push_str("</td>");
    Ok(())
}

fn write_failure(html: &mut String, details: &JobDetails, failure: &LastFailure) -> fmt::Result {
    write!(html, "<div class=\"small\">Job <bdi>{}</bdi></div>", Escaped(&failure.job_id))?;
    if let Some(message) = &details.message {
        write!(html, "<div class=\"message\"><bdi>{}</bdi></div>", Escaped(message.as_str()))?;
    }
    Ok(())
}

/// Writes the section of a deployment's page.
pub(super) fn write_section(html: &mut String, details: &JobDetails, now: Duration) -> fmt::Result {
    html.push_str("<h2>Last failure</h2>\n");
    match &details.last_failure {
        Some(failure) => {
            let time = Ago { time: failure_time(failure), now };
            write!(html, "<p class=\"bad\"><bdi>{}</bdi></p>\n<p>{time}</p>\n", Escaped(reason(failure)))?;
            write_failure(html, details, failure)?;
            if details.message.is_none() {
                html.push_str("<p class=\"small\">The message is shown once the API has returned it.</p>");
            }
        }
        None => html.push_str("<p>None is known.</p>"),
    }
    if let Some(restarts) = details.restarts {
        write!(html, "\n<p>Restarts observed within jobs: {restarts}</p>")?;
    }
    html.push('\n');
    Ok(())
}

/// Writes the statuses of a deployment, the most recent first.
pub(super) fn write_statuses(html: &mut String, statuses: &[ObservedStatus], now: Duration) -> fmt::Result {
    html.push_str(
        "<h2>Recent statuses</h2>\n<div class=\"wide\"><table><thead><tr><th>Status</th><th>Observed since</th>\
         </tr></thead>\n<tbody>\n",
    );
    for ObservedStatus { status, since } in statuses {
        let since = Ago { time: *since, now };
        writeln!(html, "<tr><td>{}</td><td>{since}</td></tr>", status.as_str())?;
    }
    html.push_str("</tbody></table></div>\n");
    Ok(())
}
