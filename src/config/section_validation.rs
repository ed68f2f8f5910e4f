//! The sections `poll`, `api`, `metrics`, `shard` and `state`: validated, and as they are written.

use std::collections::HashSet;
use std::path::PathBuf;

use config_reader::{Decimal, Node, Period, Size, Whole};

use super::text_rules::Rate;
use super::{Config, raw};
use crate::model::{FieldSelection, LabelKeys, Shard};
use crate::{api, poll};

impl raw::Poll {
    /// What is not given is `base`'s.
    pub(super) fn resolve(&self, base: poll::Settings) -> poll::Settings {
        poll::Settings {
            interval: self.interval.map_or(base.interval, |interval| interval.0),
            timeout: self.timeout.map_or(base.timeout, |timeout| timeout.0),
            stale_after: self.stale_after.map_or(base.stale_after, |age| age.0),
        }
    }
}

impl From<poll::Settings> for raw::Poll {
    fn from(settings: poll::Settings) -> Self {
        Self {
            interval: Some(Period(settings.interval)),
            timeout: Some(Period(settings.timeout)),
            stale_after: Some(Period(settings.stale_after)),
        }
    }
}

impl raw::Api {
    pub(super) fn resolve(&self) -> api::Settings {
        let base = api::Settings::default();
        let rate = |rate: Option<Rate>, base| rate.map_or(base, |rate| rate.0);
        let requests_per_second = rate(self.requests_per_second, base.requests_per_second);
        let account_base = api::default_account_rate(requests_per_second);
        api::Settings {
            page_size: self.page_size.map_or(base.page_size, |size| size.0),
            max_concurrent_requests: self
                .max_concurrent_requests
                .map_or(base.max_concurrent_requests, |most| most.0 as usize),
            requests_per_second,
            account_requests_per_second: rate(self.account_requests_per_second, account_base),
            console_requests_per_second: rate(
                self.console_requests_per_second,
                base.console_requests_per_second,
            ),
            request_timeout: self.request_timeout.map_or(base.request_timeout, |timeout| timeout.0),
            max_retries: self.max_retries.map_or(base.max_retries, |most| most.0),
            max_response_size: self.max_response_size.map_or(base.max_response_size, |size| size.0),
            max_listing_size: self.max_listing_size.map_or(base.max_listing_size, |size| size.0),
        }
    }
}

impl From<&api::Settings> for raw::Api {
    fn from(settings: &api::Settings) -> Self {
        Self {
            page_size: Some(Whole(settings.page_size)),
            max_concurrent_requests: u32::try_from(settings.max_concurrent_requests).ok().map(Whole),
            requests_per_second: Some(Decimal(settings.requests_per_second)),
            account_requests_per_second: Some(Decimal(settings.account_requests_per_second)),
            console_requests_per_second: Some(Decimal(settings.console_requests_per_second)),
            request_timeout: Some(Period(settings.request_timeout)),
            max_retries: Some(Whole(settings.max_retries)),
            max_response_size: Some(Size(settings.max_response_size)),
            max_listing_size: Some(Size(settings.max_listing_size)),
        }
    }
}

/// Validates the section `metrics`. What it does not give stays.
pub(super) fn metrics(raw: raw::Metrics, at: &Node<'_>, config: Config) -> Config {
    Config {
        metrics: FieldSelection {
            jobs: raw.jobs.unwrap_or(config.metrics.jobs),
            resources: raw.resources.unwrap_or(config.metrics.resources),
            labels: label_keys(raw.deployment_labels, &at.get("deployment_labels"), "labels"),
        },
        workspace_tags: label_keys(raw.workspace_tags, &at.get("workspace_tags"), "tags"),
        max_series: raw.max_series.map_or(config.max_series, |most| most.0 as usize),
        first_value_hold: raw.first_value_hold.map_or(config.first_value_hold, |hold| hold.0),
        ..config
    }
}

/// The keys of labels or tags.
fn label_keys(raw: Option<Vec<Option<String>>>, at: &Node<'_>, what: &str) -> LabelKeys {
    let keys: Vec<Option<String>> = raw.unwrap_or_default();
    if matches!(&keys[..], [Some(key)] if key == "*") {
        return LabelKeys::All;
    }
    let mut seen = HashSet::new();
    for (index, key) in keys.iter().enumerate() {
        let Some(key) = key else { continue };
        if key == "*" {
            at.item(index).reject(format!("`*` stands for all {what}: expected it alone, or the keys alone"));
        } else if !seen.insert(key) {
            let item = at.item(index);
            item.reject(format!("{} is listed twice", item.found()));
        }
    }
    LabelKeys::Listed(keys.into_iter().flatten().collect())
}

impl From<&Config> for raw::Metrics {
    fn from(config: &Config) -> Self {
        let keys = |keys: &LabelKeys| match keys {
            LabelKeys::All => vec![Some("*".to_owned())],
            LabelKeys::Listed(keys) => keys.iter().cloned().map(Some).collect(),
        };
        Self {
            jobs: Some(config.metrics.jobs),
            resources: Some(config.metrics.resources),
            deployment_labels: Some(keys(&config.metrics.labels)),
            workspace_tags: Some(keys(&config.workspace_tags)),
            max_series: u32::try_from(config.max_series).ok().map(Whole),
            first_value_hold: Some(Period(config.first_value_hold)),
        }
    }
}

/// Validates the section `shard`.
pub(super) fn shard(raw: &raw::Shard, at: &Node<'_>) -> Shard {
    let (index, total) = (raw.index.map_or(0, |index| index.0), raw.total.map_or(1, |total| total.0));
    Shard::try_new(index, total).unwrap_or_else(|| {
        if !at.is_noted() {
            at.get("index").reject(format!(
                "there is no shard {index} of {total}: shard.index starts at 0, so it must be less than shard.total"
            ));
        }
        Shard::SINGLE
    })
}

impl From<Shard> for raw::Shard {
    fn from(shard: Shard) -> Self {
        Self { index: Some(Whole(shard.index())), total: Some(Whole(shard.total())) }
    }
}

/// The state file.
pub(super) fn state(raw: Option<raw::State>) -> Option<PathBuf> {
    raw?.path.map(PathBuf::from)
}
