//! The frame of every page, and the parts that pages share.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::html_text::{HumanDuration, Untrusted};
use crate::{
    store::{Freshness, TargetStatus},
    web::route_prefix::Paths,
};

/// Pages load nothing, run no script, cannot be framed, and send their form to the exporter only.
pub(in crate::web) const SECURITY_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

const STYLE: PreEscaped<&str> = PreEscaped(include_str!("style.css"));

/// A whole page around `main`.
pub(super) fn document(title: &str, paths: &Paths, main: &Markup) -> String {
    let html = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width,initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (Untrusted(title)) }
                style { (STYLE) }
            }
            body {
                (main)
                (footer(paths))
            }
        }
    };
    html.into_string()
}

fn footer(paths: &Paths) -> Markup {
    let links = [
        (paths.telemetry(), "Metrics"),
        ("/api/v1/status", "Status as JSON"),
        ("/-/healthy", "Health"),
        ("/-/ready", "Readiness"),
    ];
    html! {
        footer {
            @for (path, title) in links {
                a href=(paths.link(path)) { (title) } " · "
            }
            "aliyun-flink-exporter " (env!("CARGO_PKG_VERSION")) " (revision " (env!("BUILD_REVISION")) ")"
        }
    }
}

/// A target's state in words, not only as a colour.
pub(super) fn badge(status: &TargetStatus) -> Markup {
    let freshness = status.freshness();
    let meaning = match freshness {
        Freshness::Pending => "not polled yet",
        Freshness::Fresh => "up",
        Freshness::Stale => "failing, older data served",
        Freshness::Expired => "down, no data served",
    };
    html! { span class={ "badge " (freshness.as_str()) } { (meaning) } }
}

/// The last polls as a row of symbols, oldest first.
pub(super) fn poll_sparkline(status: &TargetStatus) -> Markup {
    let mut polls: Vec<_> = status.history.recent().collect();
    polls.reverse();
    html! {
        span.marks {
            @for poll in polls {
                @let (class, mark) = if poll.error.is_none() { ("good", "▪") } else { ("bad", "✕") };
                span class=(class) title={ (poll.outcome.as_str()) ", " (HumanDuration(poll.took)) } { (mark) }
            }
        }
    }
}
