//! The status page: one table, no script.

use std::{
    fmt::{self, Write as _},
    time::Duration,
};

use crate::snapshot::{Freshness, Snapshot, TargetId, TargetStatus};

/// The page loads nothing and can't be framed.
pub(super) const SECURITY_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const STYLE: &str = "\
:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}\
body{margin:2rem auto;max-width:75rem;padding:0 1rem}\
.wide{overflow-x:auto}\
table{border-collapse:collapse;width:100%}\
th,td{padding:.4rem .7rem;text-align:left;border-bottom:1px solid #8886;vertical-align:top}\
td.number,th.number{text-align:right;font-variant-numeric:tabular-nums}\
.fresh{color:light-dark(#17692f,#6fd48b)}\
.stale{color:light-dark(#8a5300,#f0b44c)}\
.expired{color:light-dark(#b3161b,#ff8b86);font-weight:600}\
.error{overflow-wrap:anywhere;font-size:.9em}\
.id{white-space:nowrap}\
footer{margin-top:2rem;font-size:.9em}";

/// Text made safe for HTML.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => formatter.write_str("&amp;")?,
                '<' => formatter.write_str("&lt;")?,
                '>' => formatter.write_str("&gt;")?,
                '"' => formatter.write_str("&quot;")?,
                '\'' => formatter.write_str("&#39;")?,
                // Marks that turn the direction of what follows would rearrange the page.
                '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => formatter.write_char('\u{fffd}')?,
                _ => formatter.write_char(character)?,
            }
        }
        Ok(())
    }
}

/// The page for `snapshot` at the time `now`.
pub(super) fn render(snapshot: &Snapshot, now: Duration, telemetry_path: &str) -> String {
    let targets = snapshot.targets();
    let fresh = targets.iter().filter(|(_, status)| status.freshness() == Freshness::Fresh).count();
    let deployments: usize =
        targets.iter().filter_map(|(_, status)| status.deployments()).map(<[_]>::len).sum();
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <title>aliyun-flink-exporter</title><style>{STYLE}</style></head><body>\n\
         <h1>aliyun-flink-exporter</h1>\n\
         <p>{fresh} of {} targets fresh, {deployments} deployments.</p>\n<div class=\"wide\"><table>\n\
         <thead><tr><th>Workspace</th><th>Namespace</th><th>Selection</th><th>State</th>\
         <th class=\"number\">Deployments</th><th class=\"number\">Failed jobs</th><th>Last poll</th>\
         <th>Next poll</th><th>Last error</th></tr></thead>\n<tbody>\n",
        targets.len()
    );
    for (id, status) in targets {
        // Writing to a String can't fail.
        let _ = write_row(&mut html, id, status, now);
    }
    let _ = write!(
        html,
        "</tbody></table></div>\n<p>Failed jobs count over each deployment's history. Values are as of the last \
         poll.</p>\n<footer><a href=\"{}\">Metrics</a> · <a href=\"/api/v1/status\">Status as JSON</a> · \
         <a href=\"/-/healthy\">Health</a> · <a href=\"/-/ready\">Readiness</a> · version {}</footer>\n\
         </body></html>\n",
        Escaped(telemetry_path),
        env!("CARGO_PKG_VERSION"),
    );
    html
}

fn write_row(html: &mut String, id: &TargetId, status: &TargetStatus, now: Duration) -> fmt::Result {
    let freshness = status.freshness().as_str();
    let selection = if id.selection.is_empty() { "all" } else { &id.selection };
    write!(
        html,
        "<tr><td class=\"id\">{}</td><td class=\"id\">{}</td><td>{}</td><td class=\"{freshness}\">{freshness}</td>",
        Escaped(&id.workspace),
        Escaped(&id.namespace),
        Escaped(selection),
    )?;
    let deployments = status.deployments().map(|deployments| deployments.len() as u64);
    write!(html, "<td class=\"number\">{}</td>", Known(deployments))?;
    write!(html, "<td class=\"number\">{}</td>", Known(status.failed_jobs()))?;
    match status.last_poll() {
        None => html.push_str("<td>none yet</td>"),
        Some(poll) => {
            write!(html, "<td>{} ago, took {}</td>", Span(now.saturating_sub(poll.ended)), Span(poll.took))?;
        }
    }
    match status.next_poll {
        Some(next) if next <= now => html.push_str("<td>now</td>"),
        Some(next) => write!(html, "<td>in {}</td>", Span(next.saturating_sub(now)))?,
        None => html.push_str("<td></td>"),
    }
    let error = status.last_poll().and_then(|poll| poll.error.as_deref()).unwrap_or_default();
    writeln!(html, "<td class=\"error\">{}</td></tr>", Escaped(error))
}

/// A number, or a dash where there is none.
struct Known(Option<u64>);

impl fmt::Display for Known {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(number) => number.fmt(formatter),
            None => formatter.write_str("–"),
        }
    }
}

/// A duration in its two largest units.
struct Span(Duration);

impl fmt::Display for Span {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        match seconds {
            0 => write!(formatter, "{} ms", self.0.as_millis()),
            1..60 => write!(formatter, "{seconds} s"),
            60..3600 => write!(formatter, "{} min {} s", seconds / 60, seconds % 60),
            _ => write!(formatter, "{} h {} min", seconds / 3600, seconds / 60 % 60),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_errors_cannot_write_html() {
        let text = Escaped("<script>\"&'\u{202e}").to_string();
        assert_eq!(text, "&lt;script&gt;&quot;&amp;&#39;\u{fffd}");
    }

    #[test]
    fn durations_read_in_two_units() {
        let spans = [(0.25, "250 ms"), (59.0, "59 s"), (61.0, "1 min 1 s"), (7260.0, "2 h 1 min")];
        for (seconds, text) in spans {
            assert_eq!(Span(Duration::from_secs_f64(seconds)).to_string(), text);
        }
    }
}
