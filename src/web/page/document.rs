//! The frame of every page, and the parts that pages share.

use std::fmt::{Display, Write as _};

use super::text::{Escaped, HumanDuration};
use crate::{
    store::{Freshness, TargetStatus},
    web::paths::Paths,
};

/// Pages load nothing, run no script, cannot be framed, and send their form to the exporter only.
pub(in crate::web) const SECURITY_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

const STYLE: &str = include_str!("style.css");

/// A whole page around `main`.
pub(super) fn document(title: &str, paths: &Paths, main: impl Display) -> String {
    let mut html = String::new();
    // Writing to a String can't fail.
    let _ = write!(
        html,
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\">\
         <title>{}</title><style>{STYLE}</style></head><body>\n{main}\n\
         <footer><a href=\"{}\">Metrics</a> · <a href=\"{}\">Status as JSON</a> · \
         <a href=\"{}\">Health</a> · <a href=\"{}\">Readiness</a> · aliyun-flink-exporter {} \
         (revision {})</footer>\n</body></html>\n",
        Escaped(title),
        Escaped(&paths.link(paths.telemetry())),
        Escaped(&paths.link("/api/v1/status")),
        Escaped(&paths.link("/-/healthy")),
        Escaped(&paths.link("/-/ready")),
        env!("CARGO_PKG_VERSION"),
        env!("BUILD_REVISION"),
    );
    html
}

/// A target's state in words, not only as a colour.
pub(super) fn badge(status: &TargetStatus) -> String {
    let freshness = status.freshness();
    let meaning = match freshness {
        Freshness::Pending => "not polled yet",
        Freshness::Fresh => "up",
        Freshness::Stale => "failing, older data served",
        Freshness::Expired => "down, no data served",
    };
    format!("<span class=\"badge {}\">{meaning}</span>", freshness.as_str())
}

/// The last polls as a row of symbols, oldest first.
pub(super) fn poll_sparkline(status: &TargetStatus) -> String {
    let mut polls: Vec<_> = status.history.recent().collect();
    polls.reverse();
    let mut html = String::from("<span class=\"marks\">");
    for poll in polls {
        let (class, mark) = if poll.error.is_none() { ("good", "▪") } else { ("bad", "✕") };
        let _ = write!(
            html,
            "<span class=\"{class}\" title=\"{}, {}\">{mark}</span>",
            poll.outcome.as_str(),
            HumanDuration(poll.took)
        );
    }
    html.push_str("</span>");
    html
}
