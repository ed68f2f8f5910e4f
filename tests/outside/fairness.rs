//! Many targets in one workspace, one of them slow and one throttled.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::time::sleep;

use crate::support::{Reply, Start, StubApi, page_of};

const TARGETS: usize = 100;
const RATE: usize = 100;

#[tokio::test]
async fn a_slow_and_a_throttled_target_hold_up_no_other() {
    #[expect(clippy::disallowed_methods, reason = "measured at the server, in real time")]
    let now = Instant::now;
    let arrivals: Arc<Mutex<Vec<(Instant, String)>>> = Arc::default();
    let seen_at = arrivals.clone();
    let api = StubApi::start(move |seen| {
        let namespace = seen.path.split('/').nth(4).unwrap().to_owned();
        seen_at.lock().unwrap().push((now(), namespace.clone()));
        match namespace.as_str() {
            // Its first page has many to follow, none of which comes.
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
    let yaml = format!(
        "poll: {{interval: 2s, timeout: 20s}}\n\
         api: {{page_size: 10, requests_per_second: {RATE}, max_concurrent_requests: 4, request_timeout: 15s}}\n\
         workspaces: [{{id: w, endpoint: '{}', namespaces: [slow, throttled, {}]}}]\n",
        api.endpoint(),
        names.join(", ")
    );
    let program = Start::daemon().config(&yaml).listening().await;
    sleep(Duration::from_secs(10)).await;
    let arrivals = arrivals.lock().unwrap().clone();

    // The most requests in any second, by the server's clock; what waits in a socket may bunch a little.
    let times: Vec<Instant> = arrivals.iter().map(|(time, _)| *time).collect();
    let most = (0..times.len())
        .map(|first| {
            times[first..].iter().take_while(|time| **time - times[first] < Duration::from_secs(1)).count()
        })
        .max();
    assert!(most.unwrap() <= RATE + RATE / 10, "{most:?} requests in a second");

    // Each sound target was polled about every two seconds, the hanging pages and the throttling notwithstanding.
    let mut polls: HashMap<&str, Vec<Instant>> = HashMap::new();
    for (time, namespace) in &arrivals {
        polls.entry(namespace).or_default().push(*time);
    }
    for name in &names {
        let times = &polls[name.as_str()];
        assert!(times.len() >= 4, "{name} was polled {} times in ten seconds", times.len());
        let longest = times.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
        assert!(longest < Duration::from_secs(4), "{name} was not polled for {longest:?}");
    }
    let metrics = program.metrics().await;
    let up = metrics.find("aliyun_flink_target_up").sum();
    assert!((up - (TARGETS - 2) as f64).abs() < 0.5, "{up} are up");
}
