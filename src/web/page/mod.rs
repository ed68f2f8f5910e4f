//! The pages for people: rendered here, no script, nothing loaded, readable on a phone and in the dark.

mod overview;
mod target;
mod text;

#[cfg(test)]
mod tests;

use std::fmt::{Display, Write as _};

pub(super) use overview::overview;
pub(super) use target::{Query, target};

use text::Escaped;

use crate::snapshot::{Freshness, TargetStatus};

/// The pages load nothing, run nothing, can't be framed, and send their form to the exporter alone.
pub(super) const SECURITY_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

const STYLE: &str = include_str!("style.css");

/// A whole page around `main`.
fn document(title: &str, telemetry_path: &str, main: impl Display) -> String {
    let mut html = String::new();
    // Writing to a String can't fail.
    let _ = write!(
        html,
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\">\
         <title>{}</title><style>{STYLE}</style></head><body>\n{main}\n\
         <footer><a href=\"{}\">Metrics</a> · <a href=\"/api/v1/status\">Status as JSON</a> · \
         <a href=\"/-/healthy\">Health</a> · <a href=\"/-/ready\">Readiness</a> · aliyun-flink-exporter {} \
         (revision {})</footer>\n</body></html>\n",
        Escaped(title),
        Escaped(telemetry_path),
        env!("CARGO_PKG_VERSION"),
        env!("BUILD_REVISION"),
    );
    html
}

/// A target's state in a word that says more than its colour.
fn badge(status: &TargetStatus) -> String {
    let freshness = status.freshness();
    let meaning = match freshness {
        Freshness::Pending => "not polled yet",
        Freshness::Fresh => "up",
        Freshness::Stale => "failing, older data served",
        Freshness::Expired => "down, no data served",
    };
    format!("<span class=\"badge {}\">{meaning}</span>", freshness.as_str())
}

/// The last polls as a row of marks, the oldest first.
fn marks(status: &TargetStatus) -> String {
    let mut polls: Vec<_> = status.history.recent().collect();
    polls.reverse();
    let mut html = String::from("<span class=\"marks\">");
    for poll in polls {
        let (class, mark) = if poll.error.is_none() { ("good", "▪") } else { ("bad", "✕") };
        let _ = write!(
            html,
            "<span class=\"{class}\" title=\"{}, {}\">{mark}</span>",
            poll.outcome.as_str(),
            text::Span(poll.took)
        );
    }
    html.push_str("</span>");
    html
}
