//! The report as a table.

use std::fmt::Write as _;

use super::{Check, CollectorReport, DiscoveryReport, Report, SeriesReport, Status, TargetReport};

impl Report {
    /// The report as a table for a terminal.
    pub fn to_table(&self) -> String {
        let mut text = String::new();
        for entry in self.discovery() {
            write_entry(&mut text, entry);
        }
        for target in self.targets() {
            write_target(&mut text, target);
        }
        write_collectors(&mut text, self.collectors());
        write_series(&mut text, self.series());
        let total = self.targets().len();
        let bad = self.targets().iter().filter(|target| target.checks.iter().any(is_failed)).count();
        let series: usize = self.targets().iter().filter_map(|target| target.series).sum();
        let calls = self.api_calls_per_day();
        let bad = bad
            + self.discovery().iter().filter(|entry| entry.checks.iter().any(is_failed)).count()
            + self.collectors().iter().filter(|collector| collector.failed()).count();
        let verdict = match bad {
            0 => "all checks passed".to_owned(),
            bad => format!("{bad} failed"),
        };
        // Writing to a String cannot fail.
        let noun = if total == 1 { "target" } else { "targets" };
        let _ = writeln!(text, "{total} {noun}, {series} series, {calls:.0} API calls per day: {verdict}");
        text
    }
}

fn is_failed(check: &Check) -> bool {
    check.status == Status::Failed
}

fn write_entry(text: &mut String, entry: &DiscoveryReport) {
    let DiscoveryReport { name, region, endpoint, .. } = entry;
    let _ = writeln!(text, "discovery {name} in {region} at {endpoint}");
    write_checks(text, &entry.checks);
    if let Some(calls) = entry.api_calls_per_day {
        row(text, "", "calls/day", &format!("{calls:.0}"));
    }
    text.push('\n');
}

/// Writes the series of deployments, and what limits drop.
fn write_series(text: &mut String, series: &SeriesReport) {
    let rows = series.rows();
    if rows.is_empty() {
        return;
    }
    text.push_str("series of deployments\n");
    for (name, detail) in rows {
        row(text, "", name, &detail);
    }
    text.push('\n');
}

/// Writes the collectors of each workspace.
fn write_collectors(text: &mut String, collectors: &[CollectorReport]) {
    for collectors in collectors.chunk_by(|a, b| a.workspace == b.workspace) {
        let Some(first) = collectors.first() else { continue };
        let _ = writeln!(text, "collectors of workspace {}", first.workspace);
        for collector in collectors {
            write_collector(text, collector);
        }
        text.push('\n');
    }
}

fn write_collector(text: &mut String, collector: &CollectorReport) {
    let state = match (collector.enabled, collector.by_default) {
        (true, true) => "enabled by default",
        (true, false) => "enabled",
        (false, _) => "disabled",
    };
    let (mark, permission) = match (&collector.permitted, &collector.missing_permission) {
        (Some(true), _) => ("ok", "permitted".to_owned()),
        (_, Some(action)) => {
            let mark = if collector.failed() { "FAILED" } else { "-" };
            (mark, format!("not permitted: the RAM action {action} is denied"))
        }
        _ => ("-", collector.error.clone().unwrap_or_else(|| "permission unknown".to_owned())),
    };
    row(text, mark, collector.collector, &format!("{state}, {permission}"));
}

fn write_target(text: &mut String, target: &TargetReport) {
    let TargetReport { workspace, namespace, selection, endpoint, .. } = target;
    let selection = if selection.is_empty() { String::new() } else { format!("[{selection}]") };
    let _ = writeln!(text, "{workspace}/{namespace}{selection} at {endpoint}");
    write_checks(text, &target.checks);
    let permission = target.missing_permission.as_deref();
    let numbers = [
        ("missing", permission.map(|action| format!("the RAM action {action}"))),
        ("series", target.series.map(|count| count.to_string())),
        ("calls/day", target.api_calls_per_day.map(|calls| format!("{calls:.0}"))),
        ("request id", target.request_id.clone()),
    ];
    for (name, value) in numbers {
        if let Some(value) = value {
            row(text, "", name, &value);
        }
    }
    text.push('\n');
}

fn write_checks(text: &mut String, checks: &[Check]) {
    for check in checks {
        row(text, mark(check.status), check.name, &check.detail);
        if let Some(hint) = &check.hint {
            row(text, "", "", &format!("→ {hint}"));
        }
    }
}

fn row(text: &mut String, mark: &str, name: &str, detail: &str) {
    for (index, line) in detail.lines().enumerate() {
        let (mark, name) = if index == 0 { (mark, name) } else { ("", "") };
        let _ = writeln!(text, "{}", format!("  {mark:<6}  {name:<11}  {line}").trim_end());
    }
}

fn mark(status: Status) -> &'static str {
    match status {
        Status::Ok => "ok",
        Status::Warning => "warn",
        Status::Skipped => "-",
        Status::Failed => "FAILED",
    }
}
