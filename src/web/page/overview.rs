//! The first page: an overview of all targets.

use std::collections::HashSet;

use maud::{Markup, html};

use super::{
    PageData,
    discovery::discovery,
    document::{badge, document},
    html_text::{HumanDuration, Untrusted, isolated, rounded},
    key_figures::{facts, poll_error},
    links::target_link,
    needs_attention::attention,
};
use crate::{
    collectors,
    model::{Deployment, RequestedResources, TargetId},
    snapshot::Snapshot,
    store::TargetStatus,
};

const LEGEND: &str = "Values are as of each target's last successful poll. Failures are the jobs that the exporter \
    observed to fail within the last hour. Jobs are stuck if they have been starting or being cancelled for 20 minutes. \
    Compute units are what one running job of each deployment requests.";

/// The status page.
pub(in crate::web) fn overview(data: &PageData<'_>) -> String {
    let main = html! {
        h1 { "aliyun-flink-exporter" }
        (shard(data))
        (attention(data))
        (summary(data))
        (series(data))
        (discovery(data))
        @for (id, status) in data.snapshot.targets() { (target(data, id, status)) }
        p.small { (LEGEND) }
    };
    document("aliyun-flink-exporter", data.paths, &main)
}

/// Which shard this is, unless it is the only one: other targets are on the pages of other exporters.
fn shard(data: &PageData<'_>) -> Markup {
    let shard = data.shard;
    html! {
        @if !shard.is_single() {
            p {
                "Shard " (shard.index()) " of " (shard.total())
                ", counted from 0. The other shards poll the other targets."
            }
        }
    }
}

/// Each deployment that is served, once.
fn distinct(snapshot: &Snapshot) -> impl Iterator<Item = &Deployment> {
    let mut seen = HashSet::new();
    let targets = snapshot.targets().iter();
    let all = targets.flat_map(|(id, status)| {
        status.objects::<Deployment>().unwrap_or_default().iter().map(move |deployment| (&**id, deployment))
    });
    all.filter(move |(id, deployment)| seen.insert((&id.workspace, &id.namespace, &deployment.id)))
        .map(|(_, deployment)| deployment)
}

fn summary(data: &PageData<'_>) -> Markup {
    let snapshot = data.snapshot;
    let up = snapshot.targets().iter().filter(|(_, status)| status.is_up() == Some(true)).count();
    let (mut deployments, mut units) = (0_u64, 0.0);
    for deployment in distinct(snapshot) {
        deployments += 1;
        units += RequestedResources::of(deployment).compute_units.unwrap_or(0.0);
    }
    let (all, failures) = (snapshot.targets().len(), data.failures.total());
    html! {
        dl.cards {
            (card("Targets up", good_if(up == all), &format!("{up} of {all}")))
            (card("Deployments", "", &deployments.to_string()))
            (card("Failures in the last hour", good_if(failures == 0), &failures.to_string()))
            (card("Compute units", "", &rounded(units).to_string()))
            (state_card(data))
        }
    }
}

fn state_card(data: &PageData<'_>) -> Markup {
    let Some(state) = &data.state else { return Markup::default() };
    match (state.healthy, state.last_save) {
        (true, Some(last)) => {
            let ago = HumanDuration(data.now.saturating_sub(last));
            card("State saved", "good", &format!("{ago} ago"))
        }
        (true, None) => card("State", "good", "ready"),
        (false, _) => card("State", "bad", "not saved"),
    }
}

fn card(title: &str, class: &str, value: &str) -> Markup {
    html! { div.card { dt { (title) } dd class=(class) { (value) } } }
}

fn good_if(good: bool) -> &'static str {
    if good { "good" } else { "bad" }
}

/// The number of series, and which metrics the series budget drops.
fn series(data: &PageData<'_>) -> Markup {
    let series = data.snapshot.series();
    // The metric that counts series has one of each of these.
    let served = series.served.total() + series.served.families() + data.own_series;
    if series.dropped.families() == 0 {
        return html! { p.small { "A scrape has about " (served) " series." } };
    }
    let dropped = series.dropped.iter().map(|(metric, series)| format!("{metric} ({series})"));
    html! {
        p.error {
            "All series would exceed " code { "metrics.max_series" } ", " (data.snapshot.budget().limit())
            ". A scrape has about " (served) " series, without those of "
            (dropped.collect::<Vec<_>>().join(", ")) "."
        }
    }
}

fn target(data: &PageData<'_>, id: &TargetId, status: &TargetStatus) -> Markup {
    html! {
        section.target {
            h2 {
                (title(data, id))
                @if !id.selection.is_empty() { span.small { (isolated(&id.selection)) } " " }
                (badge(status))
            }
            (facts(data, id, status))
            (poll_error(status))
        }
    }
}

/// A target's workspace and namespace, with a link where it has a page, and its collector unless that is the usual one.
fn title(data: &PageData<'_>, id: &TargetId) -> Markup {
    html! {
        @if id.namespace.is_empty() {
            (isolated(&id.workspace)) " "
        } @else {
            a href=(target_link(data.paths, id)) { (isolated(&id.workspace)) " / " (isolated(&id.namespace)) } " "
        }
        @if id.collector != collectors::DEPLOYMENTS { span.small { (Untrusted(id.collector)) } " " }
    }
}
