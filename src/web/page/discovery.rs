//! How discovery fares.

use std::fmt::{self, Write as _};

use super::{
    PageData,
    text::{Escaped, HumanDuration},
};
use crate::telemetry::{DISCOVERY_STATES, DiscoveryHealth};

/// Writes each discovery entry: what it found, how, and when.
pub(super) fn write_discovery(html: &mut String, data: &PageData<'_>) -> fmt::Result {
    for entry in &data.discovery {
        write_entry(html, data, entry)?;
    }
    Ok(())
}

/// Writes the entries that fail.
pub(super) fn write_problems(html: &mut String, data: &PageData<'_>) -> fmt::Result {
    for entry in data.discovery.iter().filter(|entry| entry.up == Some(false)) {
        writeln!(
            html,
            "<p class=\"error\">Discovery of <bdi>{}</bdi> fails: <bdi>{}</bdi></p>",
            Escaped(&entry.name),
            Escaped(entry.problem.as_deref().unwrap_or("the reason is in the log")),
        )?;
    }
    Ok(())
}

fn write_entry(html: &mut String, data: &PageData<'_>, entry: &DiscoveryHealth) -> fmt::Result {
    let (class, meaning) = match entry.up {
        None => ("pending", "not finished yet"),
        Some(true) => ("fresh", "up"),
        Some(false) => ("stale", "failing, targets stay"),
    };
    writeln!(
        html,
        "<section class=\"target\"><h2>Discovery <bdi>{}</bdi> <span class=\"small\"><bdi>{}</bdi></span> \
         <span class=\"badge {class}\">{meaning}</span></h2>",
        Escaped(&entry.name),
        Escaped(&entry.region),
    )?;
    html.push_str("<ul class=\"facts\">");
    for (title, counts) in [("workspaces", entry.workspaces), ("namespaces", entry.namespaces)] {
        write_counts(html, title, counts)?;
    }
    if let Some(source) = &entry.source {
        write!(html, "<li>by {}</li>", Escaped(source))?;
    }
    if let Some(last) = entry.last_success {
        write!(html, "<li>last success {} ago</li>", HumanDuration(data.now.saturating_sub(last)))?;
    }
    html.push_str("</ul></section>\n");
    Ok(())
}

/// Writes what is polled, and of the others what there is.
fn write_counts(html: &mut String, title: &str, counts: [usize; 4]) -> fmt::Result {
    write!(html, "<li>{title}:")?;
    let mut separator = " ";
    for (index, (state, count)) in DISCOVERY_STATES.into_iter().zip(counts).enumerate() {
        if index == 0 || count > 0 {
            write!(html, "{separator}<b>{count}</b> {}", state.replace('_', " "))?;
            separator = ", ";
        }
    }
    html.push_str("</li>");
    Ok(())
}
