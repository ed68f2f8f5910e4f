//! A fleet that changes with every request, so that pages of one listing do not fit together.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::{Arc, Mutex},
};

use acs3::verify::query_parameters;
use serde_json::json;

use crate::{
    LOAD,
    support::{Reply, Start, StubApi},
};

/// Deployments that always exist, among others that are created and deleted.
const PERMANENT: usize = 60;

const PAGE_SIZE: usize = 10;

/// Requests during which the metrics are scraped: about 50 polls.
const REQUESTS: usize = 700;

/// The deployments of a namespace in the order of the listing. Each request deletes or creates one at a random place.
struct Fleet {
    ids: Vec<String>,
    /// The deleted ones, the first first.
    deleted: VecDeque<String>,
    requests: usize,
    random: u64,
}

impl Fleet {
    fn new() -> Self {
        let ids =
            (0..PERMANENT).flat_map(|index| [format!("permanent-{index}"), format!("temporary-{index}")]);
        Self { ids: ids.collect(), deleted: VecDeque::new(), requests: 0, random: 1 }
    }

    /// A number below `limit` from a fixed sequence (xorshift).
    fn random(&mut self, limit: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        usize::try_from(self.random % limit as u64).unwrap()
    }

    fn change(&mut self) {
        self.requests += 1;
        if self.requests.is_multiple_of(2) {
            let temporary: Vec<_> =
                (0..self.ids.len()).filter(|&index| self.ids[index].starts_with('t')).collect();
            let index = temporary[self.random(temporary.len())];
            let id = self.ids.remove(index);
            self.deleted.push_back(id);
        } else {
            let index = self.random(self.ids.len() + 1);
            self.ids.insert(index, format!("temporary-new-{}", self.requests));
        }
    }

    fn page(&mut self, index: usize) -> Reply {
        self.change();
        let ids = self.ids.iter().skip((index - 1) * PAGE_SIZE).take(PAGE_SIZE);
        let data: Vec<_> = ids.map(|id| json!({"deploymentId": id})).collect();
        let total = self.ids.len();
        Reply::json(200, &json!({"success": true, "pageSize": PAGE_SIZE, "totalSize": total, "data": data}))
    }
}

#[tokio::test]
async fn permanent_deployments_are_in_every_scrape_and_deleted_ones_disappear() {
    let _load = LOAD.lock().await;
    let fleet = Arc::new(Mutex::new(Fleet::new()));
    let changing = fleet.clone();
    let api = StubApi::start(move |seen| {
        let parameters = query_parameters(&seen.query);
        let (_, index) = parameters.iter().find(|(key, _)| key == "pageIndex").unwrap();
        changing.lock().unwrap().page(index.parse().unwrap())
    })
    .await;
    let yaml = format!(
        "poll: {{interval: 100ms}}\n\
         api: {{page_size: {PAGE_SIZE}, requests_per_second: 5000}}\n\
         workspaces: [{{id: w, endpoint: '{}', namespaces: [n]}}]\n",
        api.endpoint()
    );
    let program = Start::daemon().config(&yaml).ready().await;
    let permanent: BTreeSet<String> = (0..PERMANENT).map(|index| format!("permanent-{index}")).collect();
    // The parser rejects a series that is served twice.
    let served = async || {
        let metrics = program.metrics().await;
        let infos = metrics.find("aliyun_flink_deployment_info");
        infos.all().iter().map(|series| series.labels["deployment_id"].clone()).collect::<BTreeSet<_>>()
    };
    let mut scrapes = 0;
    while fleet.lock().unwrap().requests < REQUESTS {
        let ids = served().await;
        scrapes += 1;
        let missing: Vec<_> = permanent.difference(&ids).collect();
        assert!(missing.is_empty(), "scrape {scrapes} lacks {missing:?}");
    }
    let deleted = fleet.lock().unwrap().deleted.front().cloned().expect("a deleted deployment");
    assert!(!served().await.contains(&deleted), "{deleted} is one of {REQUESTS} changes ago");
    let metrics = program.metrics().await;
    assert!(metrics.find("aliyun_flink_exporter_inconsistent_listings_total").sum() > 10.0);
}
