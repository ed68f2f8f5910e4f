//! The sections `poll`, `api`, `metrics`, `shard` and `state`.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Duration;

use super::decode::Node;
use crate::model::{LabelKeys, Shard};
use crate::{api, model, poll};

pub(super) const POLL_KEYS: [&str; 3] = ["interval", "timeout", "stale_after"];
pub(super) const API_KEYS: [&str; 9] = [
    "page_size",
    "max_concurrent_requests",
    "requests_per_second",
    "account_requests_per_second",
    "console_requests_per_second",
    "request_timeout",
    "max_retries",
    "max_response_size",
    "max_listing_size",
];
pub(super) const METRICS_KEYS: [&str; 6] =
    ["jobs", "resources", "deployment_labels", "workspace_tags", "max_series", "first_value_hold"];
pub(super) const SHARD_KEYS: [&str; 2] = ["index", "total"];
pub(super) const STATE_KEYS: [&str; 1] = ["path"];

/// Twice the longest scrape interval that is usual, so that Prometheus has scraped the first value of a counter.
pub(super) const FIRST_VALUE_HOLD: Duration = Duration::from_secs(120);

/// More than one Prometheus holds.
pub(super) const MAX_SERIES: u32 = 1_000_000_000;

/// More would poll less than a namespace each.
pub(super) const MAX_SHARDS: u32 = 1000;

/// Shorter intervals would only reach the API's limits.
pub(super) const SHORTEST_INTERVAL: Duration = Duration::from_millis(100);
const SHORTEST_LIMIT: Duration = Duration::from_millis(1);
pub(super) const RESPONSE_SIZES: std::ops::RangeInclusive<u64> = 1 << 10..=4 << 30;
pub(super) const LISTING_SIZES: std::ops::RangeInclusive<u64> = 1 << 10..=64 << 30;

/// The section's settings; what it doesn't give, or gives wrongly, is `base`'s.
pub(super) fn poll(section: Option<Node<'_>>, base: poll::Settings) -> poll::Settings {
    let Some(table) = section.and_then(|section| section.table(&POLL_KEYS)) else { return base };
    let duration = |key, least, base| table.get(key).and_then(|node| node.duration(least)).unwrap_or(base);
    poll::Settings {
        interval: duration("interval", SHORTEST_INTERVAL, base.interval),
        timeout: duration("timeout", SHORTEST_LIMIT, base.timeout),
        stale_after: duration("stale_after", SHORTEST_LIMIT, base.stale_after),
    }
}

/// One request in a quarter of an hour: with less, no poll would ever come to its end.
pub(super) const LOWEST_RATE: f64 = 0.001;

pub(super) fn api(section: Option<Node<'_>>) -> api::Settings {
    let base = api::Settings::default();
    let Some(table) = section.and_then(|section| section.table(&API_KEYS)) else { return base };
    let number = |key, range| table.get(key).and_then(|node| node.whole_number(range));
    let page_size = number("page_size", 1..=100);
    let concurrency = number("max_concurrent_requests", 1..=1000);
    let rate = |key| table.get(key).and_then(|node| node.number_between(LOWEST_RATE, 1_000_000));
    let timeout = table.get("request_timeout").and_then(|node| node.duration(SHORTEST_LIMIT));
    let retries = number("max_retries", 0..=100);
    let size = |key, sizes| table.get(key).and_then(|node| node.size(sizes));
    let requests_per_second = rate("requests_per_second").unwrap_or(base.requests_per_second);
    api::Settings {
        page_size: page_size.unwrap_or(base.page_size),
        max_concurrent_requests: concurrency.map_or(base.max_concurrent_requests, |most| most as usize),
        requests_per_second,
        account_requests_per_second: rate("account_requests_per_second")
            .unwrap_or_else(|| base.account_requests_per_second.max(requests_per_second)),
        console_requests_per_second: rate("console_requests_per_second")
            .unwrap_or(base.console_requests_per_second),
        request_timeout: timeout.unwrap_or(base.request_timeout),
        max_retries: retries.unwrap_or(base.max_retries),
        max_response_size: size("max_response_size", RESPONSE_SIZES).unwrap_or(base.max_response_size),
        max_listing_size: size("max_listing_size", LISTING_SIZES).unwrap_or(base.max_listing_size),
    }
}

/// The section `metrics`.
pub(super) struct Metrics {
    pub(super) fields: model::FieldSelection,
    pub(super) workspace_tags: LabelKeys,
    pub(super) max_series: usize,
    pub(super) first_value_hold: Duration,
}

pub(super) fn metrics(section: Option<Node<'_>>) -> Metrics {
    let base = model::FieldSelection::default();
    let table = section.and_then(|section| section.table(&METRICS_KEYS));
    let get = |key| table.as_ref().and_then(|table| table.get(key));
    let switch = |key, base| get(key).and_then(|node| node.boolean()).unwrap_or(base);
    let keys = |key, what| get(key).and_then(|node| label_keys(&node, what)).unwrap_or_default();
    Metrics {
        fields: model::FieldSelection {
            jobs: switch("jobs", base.jobs),
            resources: switch("resources", base.resources),
            labels: keys("deployment_labels", "label"),
        },
        workspace_tags: keys("workspace_tags", "tag"),
        max_series: get("max_series").and_then(|node| node.whole_number(0..=MAX_SERIES)).unwrap_or(0)
            as usize,
        first_value_hold: get("first_value_hold")
            .and_then(|node| node.duration(Duration::ZERO))
            .unwrap_or(FIRST_VALUE_HOLD),
    }
}

/// Which part of the targets is polled.
pub(super) fn shard(section: Option<Node<'_>>) -> Shard {
    let Some(section) = section else { return Shard::SINGLE };
    let Some(table) = section.table(&SHARD_KEYS) else { return Shard::SINGLE };
    let number = |key, range, default| match table.get(key) {
        Some(node) => node.whole_number(range),
        None => Some(default),
    };
    let (index, total) = (number("index", 0..=MAX_SHARDS - 1, 0), number("total", 1..=MAX_SHARDS, 1));
    let (Some(index), Some(total)) = (index, total) else { return Shard::SINGLE };
    let given = table.get("index").unwrap_or(section);
    Shard::try_new(index, total).unwrap_or_else(|| {
        given.reject::<()>(format!(
            "there is no shard {index} of {total}: shard.index starts at 0, so it must be less than shard.total"
        ));
        Shard::SINGLE
    })
}

/// The state file.
pub(super) fn state(section: Option<Node<'_>>) -> Option<PathBuf> {
    let table = section?.table(&STATE_KEYS)?;
    let path =
        table.get("path")?.text("the path of a file, such as /var/lib/aliyun-flink-exporter/state.redb")?;
    Some(path.into())
}

/// The keys of labels or tags.
fn label_keys(node: &Node<'_>, what: &str) -> Option<LabelKeys> {
    let items = node.list(&format!("a list of {what} keys, or [\"*\"] for all"))?;
    let keys: Vec<String> =
        items.iter().filter_map(|item| item.text(&format!("the key of a {what}"))).collect();
    if keys.len() < items.len() {
        return None;
    }
    if keys == ["*"] {
        return Some(LabelKeys::All);
    }
    let mut seen = HashSet::new();
    for (key, item) in keys.iter().zip(&items) {
        if key == "*" {
            item.reject::<()>(format!("`*` stands for all {what}s: expected it alone, or the keys alone"));
        } else if !seen.insert(key) {
            item.reject::<()>(format!("{} is listed twice", item.found()));
        }
    }
    Some(LabelKeys::Listed(keys))
}
