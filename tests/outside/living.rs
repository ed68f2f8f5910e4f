//! A fleet that changes with every request.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::{Arc, Mutex},
};

use acs3::verify::query_parameters;
use serde_json::json;

use crate::support::{Reply, Start, StubApi};

/// Deployments that are always there, among others that come and go.
const LASTING: usize = 60;

const PAGE: usize = 10;

/// A namespace's deployments in the order of the listing. At each request one is deleted or created, anywhere.
struct Fleet {
    ids: Vec<String>,
    /// What was deleted, the longest ago first.
    deleted: VecDeque<String>,
    requests: usize,
    random: u64,
}

impl Fleet {
    fn new() -> Self {
        let ids = (0..LASTING).flat_map(|index| [format!("lasting-{index}"), format!("passing-{index}")]);
        Self { ids: ids.collect(), deleted: VecDeque::new(), requests: 0, random: 1 }
    }

    /// A number below `limit`, of xorshift: the same each time.
    fn random(&mut self, limit: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        usize::try_from(self.random % limit as u64).unwrap()
    }

    fn change(&mut self) {
        self.requests += 1;
        if self.requests.is_multiple_of(2) {
            let passing: Vec<_> =
                (0..self.ids.len()).filter(|&index| self.ids[index].starts_with('p')).collect();
            let index = passing[self.random(passing.len())];
            let id = self.ids.remove(index);
            self.deleted.push_back(id);
        } else {
            let index = self.random(self.ids.len() + 1);
            self.ids.insert(index, format!("passing-new-{}", self.requests));
        }
    }

    fn page(&mut self, index: usize) -> Reply {
        self.change();
        let ids = self.ids.iter().skip((index - 1) * PAGE).take(PAGE);
        let data: Vec<_> = ids.map(|id| json!({"deploymentId": id})).collect();
        let total = self.ids.len();
        Reply::json(200, &json!({"success": true, "pageSize": PAGE, "totalSize": total, "data": data}))
    }
}

#[tokio::test]
async fn what_lasts_is_in_every_scrape_and_what_was_deleted_goes() {
    let fleet = Arc::new(Mutex::new(Fleet::new()));
    let living = fleet.clone();
    let api = StubApi::start(move |seen| {
        let parameters = query_parameters(&seen.query);
        let (_, index) = parameters.iter().find(|(key, _)| key == "pageIndex").unwrap();
        living.lock().unwrap().page(index.parse().unwrap())
    })
    .await;
    let yaml = format!(
        "poll: {{interval: 100ms}}\n\
         api: {{page_size: {PAGE}, requests_per_second: 5000}}\n\
         workspaces: [{{id: w, endpoint: '{}', namespaces: [n]}}]\n",
        api.endpoint()
    );
    let program = Start::daemon().config(&yaml).ready().await;
    let lasting: BTreeSet<String> = (0..LASTING).map(|index| format!("lasting-{index}")).collect();
    let served = async || {
        let metrics = program.metrics().await;
        let infos = metrics.find("aliyun_flink_deployment_info");
        infos.all().iter().map(|series| series.labels["deployment_id"].clone()).collect::<BTreeSet<_>>()
    };
    let (mut scrapes, mut first_deleted) = (0, None);
    while scrapes < 800 {
        // Reading refuses a series that is there twice.
        let ids = served().await;
        scrapes += 1;
        let missing: Vec<_> = lasting.difference(&ids).collect();
        assert!(missing.is_empty(), "scrape {scrapes} lacks {missing:?}");
        if first_deleted.is_none() && scrapes > 100 {
            first_deleted = fleet.lock().unwrap().deleted.front().cloned();
        }
    }
    let gone = first_deleted.expect("something was deleted");
    assert!(!served().await.contains(&gone), "{gone} was deleted long ago");
    assert!(program.metrics().await.find("aliyun_flink_exporter_inconsistent_listings_total").sum() > 10.0);
}
