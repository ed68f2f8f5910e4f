//! The state of discovery.

use maud::{Markup, html};

use super::{
    PageData,
    html_text::{HumanDuration, Untrusted, isolated},
};
use crate::telemetry::{DISCOVERY_STATES, DiscoveryHealth};

/// Each discovery entry: what it found, with which API, and when.
pub(super) fn discovery(data: &PageData<'_>) -> Markup {
    html! {
        @for entry in &data.discovery { (section(data, entry)) }
    }
}

/// The entries that fail.
pub(super) fn problems(data: &PageData<'_>) -> Markup {
    let failing = data.discovery.iter().filter(|entry| entry.up == Some(false));
    html! {
        @for entry in failing {
            @let problem = entry.problem.as_deref().unwrap_or("the reason is in the log");
            p.error { "Discovery of " (isolated(&entry.name)) " fails: " (isolated(problem)) }
        }
    }
}

fn section(data: &PageData<'_>, entry: &DiscoveryHealth) -> Markup {
    let (class, meaning) = match entry.up {
        None => ("pending", "not finished yet"),
        Some(true) => ("fresh", "up"),
        Some(false) => ("stale", "failing, targets stay"),
    };
    html! {
        section.target {
            h2 {
                "Discovery " (isolated(&entry.name)) " "
                span.small { (isolated(&entry.region)) } " "
                span class={ "badge " (class) } { (meaning) }
            }
            ul.facts {
                (counts("workspaces", entry.workspaces))
                (counts("namespaces", entry.namespaces))
                @if let Some(source) = &entry.source { li { "by " (Untrusted(source)) } }
                @if let Some(last) = entry.last_success {
                    li { "last success " (HumanDuration(data.now.saturating_sub(last))) " ago" }
                }
            }
        }
    }
}

/// The number of polled objects, and the numbers of those that are not polled, unless 0.
fn counts(title: &str, counts: [usize; 4]) -> Markup {
    let counts = DISCOVERY_STATES.into_iter().zip(counts).enumerate();
    html! {
        li {
            (title) ":"
            @for (index, (state, count)) in counts.filter(|&(index, (_, count))| index == 0 || count > 0) {
                (if index == 0 { " " } else { ", " }) b { (count) } " " (state.replace('_', " "))
            }
        }
    }
}
