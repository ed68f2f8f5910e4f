//! How many series a scrape has, and what the series budget drops.

use std::fmt::{self, Write as _};

use super::PageData;

/// Writes the number of series, and which metrics are dropped.
pub(super) fn write_series(html: &mut String, data: &PageData<'_>) -> fmt::Result {
    let (series, limit) = (data.snapshot.series(), data.snapshot.budget().limit());
    // The metric that counts series has one of each of these.
    let served = series.served.total() + series.served.families() + data.own_series;
    if series.dropped.families() == 0 {
        return writeln!(html, "<p class=\"small\">A scrape has about {served} series.</p>");
    }
    let dropped: Vec<_> =
        series.dropped.iter().map(|(metric, series)| format!("{metric} ({series})")).collect();
    writeln!(
        html,
        "<p class=\"error\">All series would exceed <code>metrics.max_series</code>, {limit}. A scrape has about {served} \
         series, without those of {}.</p>",
        dropped.join(", ")
    )
}
