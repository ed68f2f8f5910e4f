//! The last failure of a deployment's jobs, and the deployment's recent statuses.

use std::{
    fmt::{self, Display, Formatter},
    time::Duration,
};

use jiff::Timestamp;
use maud::{Markup, html};

use super::html_text::{HumanDuration, isolated};
use crate::{
    model::{LastFailure, ObservedStatus},
    store::JobDetails,
};

/// Shown for a failure without a reason.
const NO_REASON: &str = "no reason given";

/// A time and how long ago it was; a dash if it is not known.
struct Ago {
    time: Option<Duration>,
    now: Duration,
}

impl Display for Ago {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
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

/// The cell of a table of deployments.
pub(super) fn cell(details: Option<&JobDetails>, now: Duration) -> Markup {
    let failure = details.and_then(|details| Some((details, details.last_failure.as_ref()?)));
    html! {
        td {
            @if let Some((details, failure)) = failure {
                details {
                    summary { (isolated(reason(failure))) }
                    (job_and_message(details, failure))
                }
                @if let Some(time) = failure_time(failure) {
                    div.small { (HumanDuration(now.saturating_sub(time))) " ago" }
                }
            } @else {
                "–"
            }
            @if let Some(restarts) = details.and_then(|details| details.restarts) {
                div.small { "Restarts: " (restarts) }
            }
        }
    }
}

fn job_and_message(details: &JobDetails, failure: &LastFailure) -> Markup {
    html! {
        div.small { "Job " (isolated(&failure.job_id)) }
        @if let Some(message) = &details.message {
            div.message { (isolated(message.as_str())) }
        }
    }
}

/// The section of a deployment's page.
pub(super) fn last_failure(details: &JobDetails, now: Duration) -> Markup {
    html! {
        h2 { "Last failure" }
        @if let Some(failure) = &details.last_failure {
            p.bad { (isolated(reason(failure))) }
            p { (Ago { time: failure_time(failure), now }) }
            (job_and_message(details, failure))
            @if details.message.is_none() {
                p.small { "The message is shown once the API has returned it." }
            }
        } @else {
            p { "None is known." }
        }
        @if let Some(restarts) = details.restarts {
            p { "Restarts observed within jobs: " (restarts) }
        }
    }
}

/// The statuses of a deployment, the most recent first.
pub(super) fn recent_statuses(statuses: &[ObservedStatus], now: Duration) -> Markup {
    html! {
        h2 { "Recent statuses" }
        div.wide {
            table {
                thead { tr { th { "Status" } th { "Observed since" } } }
                tbody {
                    @for &ObservedStatus { status, since } in statuses {
                        tr { td { (status.as_str()) } td { (Ago { time: since, now }) } }
                    }
                }
            }
        }
    }
}
