//! The client of a product in a region: pages by their number, and waits that no deadline includes.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use hyper::{Request, body::Incoming};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::stub::{DescribeThings, ListThings, Stub, json_reply, reply, settings, soon};
use crate::{
    api::{ApiError, Client, RateLimiter, Settings},
    model::ErrorClass,
};

fn page_index(request: &Request<Incoming>) -> u64 {
    let parameters = acs3::verify::query_parameters(request.uri().query().unwrap_or_default());
    parameters.iter().find(|(key, _)| key == "PageIndex").unwrap().1.parse().unwrap()
}

/// The page `index` of `total` things, 10 a page.
fn page_of(index: u64, total: u64) -> Value {
    let things: Vec<_> =
        ((index - 1) * 10..(index * 10).min(total)).map(|id| json!({"id": format!("d{id}")})).collect();
    json!({"Success": true, "RequestId": "R-1", "PageIndex": index, "TotalCount": total,
        "TotalPage": total.div_ceil(10), "Things": things})
}

fn rate(per_second: f64) -> Arc<RateLimiter> {
    Arc::new(RateLimiter::new(per_second))
}

async fn list(client: &Client) -> Result<Vec<String>, ApiError> {
    Ok(client.list(DescribeThings, soon()).await?.items)
}

#[tokio::test]
async fn pages_are_read_by_their_number_one_after_the_other() {
    for total in [0_u64, 1, 10, 11, 95] {
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let seen = most.clone();
        let stub = Stub::start(move |_, request| {
            let (now, most) = (now.clone(), seen.clone());
            async move {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                sleep(Duration::from_millis(5)).await;
                now.fetch_sub(1, Ordering::SeqCst);
                json_reply(&page_of(page_index(&request), total))
            }
        })
        .await;
        let items = list(&stub.region_client(settings(), rate(10_000.0))).await.unwrap();
        assert_eq!(items.len() as u64, total);
        assert_eq!(stub.count() as u64, total.div_ceil(10).max(1));
        assert_eq!(most.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn a_request_names_no_workspace_and_has_its_action_in_the_header() {
    let headers = Arc::new(Mutex::new(None));
    let seen = headers.clone();
    let stub = Stub::start(move |_, request| {
        *seen.lock().unwrap() = Some(request.headers().clone());
        async { json_reply(&page_of(1, 1)) }
    })
    .await;
    list(&stub.region_client(settings(), rate(10_000.0))).await.unwrap();
    let headers = headers.lock().unwrap().take().unwrap();
    assert_eq!(headers["x-acs-action"], "DescribeThings");
    assert_eq!(headers["x-acs-version"], "2021-10-28");
    assert!(!headers.contains_key("workspace"));
    assert_eq!(*stub.requests.lock().unwrap(), ["/?PageIndex=1&PageSize=10&Region=cn-hangzhou"]);
}

#[tokio::test]
async fn the_wait_for_the_rate_is_not_part_of_a_deadline() {
    const LISTINGS: u64 = 20;
    let stub = Stub::start(|_, request| async move { json_reply(&page_of(page_index(&request), 15)) }).await;
    let client = stub.region_client(settings(), rate(10.0));
    let begin = Instant::now();
    let deadline = begin + Duration::from_secs(2);
    let listings = join_all((0..LISTINGS).map(|_| client.list(DescribeThings, deadline))).await;
    assert!(begin.elapsed() > Duration::from_millis(3800), "two requests each, 10 a second");
    assert!(listings.iter().all(Result::is_ok), "{listings:?}");
}

#[tokio::test]
async fn a_missing_response_times_out_at_the_deadline() {
    let stub = Stub::start(|_, _| async {
        sleep(Duration::from_secs(3600)).await;
        reply(200, &[], "")
    })
    .await;
    let client = stub.region_client(settings(), rate(10_000.0));
    let error = client.list(DescribeThings, Instant::now() + Duration::from_millis(200)).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Timeout);
}

#[tokio::test]
async fn clients_with_the_same_rate_share_it() {
    let stub = Stub::start(|_, request| async move { json_reply(&page_of(page_index(&request), 1)) }).await;
    let shared = rate(20.0);
    let clients = [(); 3].map(|()| stub.region_client(settings(), shared.clone()));
    let begin = Instant::now();
    for listed in join_all(clients.iter().flat_map(|client| [list(client), list(client)])).await {
        listed.unwrap();
    }
    assert!(begin.elapsed() >= Duration::from_millis(249), "six requests, 50 milliseconds apart");
}

#[tokio::test]
async fn workspaces_of_one_account_share_its_rate() {
    let stub = Stub::start(|_, _| async { json_reply(&super::stub::page_of(1, 1)) }).await;
    let account = rate(20.0);
    let settings = Settings { requests_per_second: 10_000.0, ..settings() };
    let clients = [(); 3].map(|()| stub.client_at(settings.clone(), account.clone()));
    let begin = Instant::now();
    for listed in join_all(clients.iter().map(|client| client.list(ListThings, soon()))).await {
        listed.unwrap();
    }
    assert!(begin.elapsed() >= Duration::from_millis(99), "three requests, 50 milliseconds apart");
}

#[tokio::test]
async fn an_unsuccessful_reply_without_a_reason_is_retried() {
    let stub = Stub::start(|number, _| async move {
        if number == 1 { reply(200, &[], r#"{"Success":false}"#) } else { json_reply(&page_of(1, 3)) }
    })
    .await;
    let items = list(&stub.region_client(settings(), rate(10_000.0))).await.unwrap();
    assert_eq!((items.len(), stub.count()), (3, 2));
}

#[tokio::test]
async fn a_reply_without_the_number_of_pages_is_invalid() {
    let stub = Stub::start(|_, _| async { reply(200, &[], r#"{"Success":true,"Things":[]}"#) }).await;
    let error = list(&stub.region_client(settings(), rate(10_000.0))).await.unwrap_err();
    assert_eq!(error.to_string(), "the reply does not say `TotalPage`");
}
