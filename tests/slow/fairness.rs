//! Many targets of one workspace, of which one is slow and one is throttled.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::json;
use tokio::time::Instant;

use crate::support::{Reply, Start, StubApi, page_of, until};

const TARGETS: usize = 100;
const RATE: usize = 100;
const CONCURRENT: usize = 4;

/// The polls of each target that the test waits for.
const POLLS: usize = 5;

/// When each request for a namespace arrived.
type Arrivals = BTreeMap<String, Vec<Instant>>;

#[tokio::test]
async fn a_slow_and_a_throttled_target_do_not_delay_the_others() {
    let arrivals: Arc<Mutex<Arrivals>> = Arc::default();
    let recorded = arrivals.clone();
    let api = StubApi::start(move |seen| {
        let namespace = seen.path.split('/').nth(4).unwrap().to_owned();
        recorded.lock().unwrap().entry(namespace.clone()).or_default().push(Instant::now());
        match namespace.as_str() {
            // Its first page announces many more, none of which is answered.
            "slow" if seen.query.contains("pageIndex=1&") => {
                let data: Vec<_> = (0..10).map(|id| json!({"deploymentId": id})).collect();
                let page = json!({"success": true, "pageSize": 10, "totalSize": 1000, "data": data});
                Reply::json(200, &page)
            }
            "slow" => Reply::Never,
            "throttled" => Reply::json(429, &json!({"Code": "Throttling.User"})),
            _ => Reply::json(200, &page_of(&[json!({"deploymentId": "d"})])),
        }
    })
    .await;
    let names: Vec<_> = (2..TARGETS).map(|index| format!("n{index}")).collect();
    // The requests of the slow target stay in flight until the end of the test.
    let yaml = format!(
        "poll: {{interval: 2s, timeout: 10m}}\n\
         api: {{page_size: 10, requests_per_second: {RATE}, max_concurrent_requests: {CONCURRENT}, request_timeout: 10m}}\n\
         workspaces: [{{id: w, endpoint: '{}', namespaces: [slow, throttled, {}]}}]\n",
        api.endpoint(),
        names.join(", ")
    );
    let program = Start::daemon().config(&yaml).listening().await;
    let polls = |arrivals: &Arrivals, name: &String| arrivals.get(name).map_or(0, Vec::len);
    until("polls of every target", async || {
        let arrivals = arrivals.lock().unwrap();
        names.iter().all(|name| polls(&arrivals, name) >= POLLS).then_some(())
    })
    .await;
    let arrivals = arrivals.lock().unwrap().clone();

    // All targets have the same interval, so none is ahead of the others by more than the spread of their first polls.
    let most = names.iter().map(|name| polls(&arrivals, name)).max().unwrap();
    assert!(most <= POLLS + 2, "a target was polled {most} times when the last one was polled {POLLS} times");
    for name in ["slow", "throttled"] {
        assert!(arrivals[name].len() > 1, "{name} was polled, and its next page or a retry was requested");
    }

    let mut times: Vec<_> = arrivals.into_values().flatten().collect();
    times.sort_unstable();
    let within_a_second = |first: usize| {
        times[first..].iter().take_while(|time| **time - times[first] < Duration::from_secs(1)).count()
    };
    let most = (0..times.len()).map(within_a_second).max().unwrap();
    // A request that started earlier may arrive within the second, if it was in flight.
    assert!(most <= RATE + 1 + CONCURRENT, "{most} requests arrived within a second");

    let metrics = program.metrics().await;
    let up = metrics.find("aliyun_flink_target_up").sum();
    assert!((up - (TARGETS - 2) as f64).abs() < 0.5, "{up} targets are up");
}
