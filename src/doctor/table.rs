//! The report as a table.

use std::fmt::Write as _;

use super::{Check, Report, Status, TargetReport};

impl Report {
    /// The report as a table for a terminal.
    pub fn to_table(&self) -> String {
        let mut text = String::new();
        for target in self.targets() {
            write_target(&mut text, target);
        }
        let total = self.targets().len();
        let bad = self.targets().iter().filter(|target| target.checks.iter().any(is_failed)).count();
        let series: usize = self.targets().iter().filter_map(|target| target.series).sum();
        // Not a sum: that of nothing is -0.
        let calls =
            self.targets().iter().filter_map(|target| target.api_calls_per_day).fold(0.0, |a, b| a + b);
        let verdict = if bad == 0 { "all is well".to_owned() } else { format!("{bad} of them failed") };
        // Writing to a String can't fail.
        let _ = writeln!(text, "{total} targets, {series} series, {calls:.0} API calls a day: {verdict}");
        text
    }
}

fn is_failed(check: &Check) -> bool {
    check.status == Status::Failed
}

fn write_target(text: &mut String, target: &TargetReport) {
    let TargetReport { workspace, namespace, selection, endpoint, .. } = target;
    let selection = if selection.is_empty() { String::new() } else { format!("[{selection}]") };
    let _ = writeln!(text, "{workspace}/{namespace}{selection} at {endpoint}");
    for check in &target.checks {
        row(text, mark(check.status), check.name, &check.detail);
        if let Some(hint) = &check.hint {
            row(text, "", "", &format!("→ {hint}"));
        }
    }
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

fn row(text: &mut String, mark: &str, name: &str, detail: &str) {
    for (index, line) in detail.lines().enumerate() {
        let (mark, name) = if index == 0 { (mark, name) } else { ("", "") };
        let _ = writeln!(text, "{}", format!("  {mark:<6}  {name:<11}  {line}").trim_end());
    }
}

fn mark(status: Status) -> &'static str {
    match status {
        Status::Ok => "ok",
        Status::Warning => "look",
        Status::Skipped => "-",
        Status::Failed => "FAILED",
    }
}
