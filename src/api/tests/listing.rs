//! Walks over pages.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::time::{Instant, sleep};

use super::stub::{ListThings, Stub, json_reply, listing, page_index, page_of, reply, settings, soon};
use crate::api::{Listing, Settings};
use crate::exposition::PublishedSeries;
use crate::model::ErrorClass;

fn ids(listing: &Listing<String>) -> HashSet<String> {
    let ids: HashSet<_> = listing.items.iter().cloned().collect();
    assert_eq!(ids.len(), listing.items.len(), "no id twice");
    ids
}

fn inconsistent(stub: &Stub) -> u64 {
    let text = stub.telemetry.render(&PublishedSeries::default()).unwrap();
    let line =
        text.lines().find(|line| line.starts_with("aliyun_flink_exporter_inconsistent_listings_total{"));
    line.map_or(0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
}

#[tokio::test]
async fn every_page_is_read_once() {
    for total in [0_u64, 1, 9, 10, 11, 95] {
        let stub =
            Stub::start(move |_, request| async move { json_reply(&page_of(page_index(&request), total)) })
                .await;
        let listing = stub.client(settings()).list(ListThings, soon()).await.unwrap();
        assert_eq!(ids(&listing).len() as u64, total);
        assert_eq!(stub.count() as u64, total.div_ceil(10).max(1));
        assert_eq!(inconsistent(&stub), 0);
    }
}

#[tokio::test]
async fn pages_come_side_by_side_within_the_limits_over_few_connections() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let seen = most.clone();
    let stub = Stub::start(move |_, request| {
        let (now, most) = (now.clone(), seen.clone());
        async move {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            sleep(Duration::from_millis(20)).await;
            now.fetch_sub(1, Ordering::SeqCst);
            json_reply(&page_of(page_index(&request), 400))
        }
    })
    .await;
    let limits = Settings { max_concurrent_requests: 3, ..settings() };
    stub.client(limits).list(ListThings, soon()).await.unwrap();
    assert_eq!(most.load(Ordering::SeqCst), 3);
    assert!(*stub.connections.lock().unwrap() <= 4);
}

#[tokio::test]
async fn the_rate_is_kept() {
    let stub = Stub::start(|_, request| async move { json_reply(&page_of(page_index(&request), 100)) }).await;
    let limits = Settings { requests_per_second: 50.0, ..settings() };
    let begun = Instant::now();
    stub.client(limits).list(ListThings, soon()).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(180), "ten requests, twenty milliseconds apart");
}

#[tokio::test]
async fn a_smaller_page_size_of_the_service_s_is_taken() {
    let stub = Stub::start(|_, request| async move {
        let index = page_index(&request);
        let mut page = listing((index - 1) * 4..(index * 4).min(10), 10);
        page["pageSize"] = 4.into();
        json_reply(&page)
    })
    .await;
    let listing = stub.client(settings()).list(ListThings, soon()).await.unwrap();
    assert_eq!((ids(&listing).len(), stub.count()), (10, 3));
}

#[tokio::test]
async fn a_listing_that_disagrees_once_is_walked_again() {
    let stub = Stub::start(|number, request| async move {
        let index = page_index(&request);
        // In the first walk the second page repeats the end of the first, as after a creation.
        let page = if number <= 3 && index == 2 { listing(9..19, 25) } else { page_of(index, 25) };
        json_reply(&page)
    })
    .await;
    let listing = stub.client(settings()).list(ListThings, soon()).await.unwrap();
    assert_eq!((ids(&listing).len(), stub.count(), inconsistent(&stub)), (25, 6, 1));
}

#[tokio::test]
async fn a_permanently_inconsistent_listing_is_the_union_of_the_last_two_scans() {
    // Each walk misses another page's deployments.
    let stub = Stub::start(|number, request| async move {
        let (walk, index) = (number.div_ceil(3) as u64, page_index(&request));
        json_reply(&if walk == index { listing([], 30) } else { page_of(index, 30) })
    })
    .await;
    let limits = Settings { max_concurrent_requests: 1, ..settings() };
    let listing = stub.client(limits).list(ListThings, soon()).await.unwrap();
    assert_eq!((ids(&listing).len(), stub.count(), inconsistent(&stub)), (30, 9, 3));
}

#[tokio::test]
async fn a_total_that_lies_is_noticed() {
    for lie in [20, 40, 59] {
        let stub = Stub::start(move |_, request| async move {
            let index = page_index(&request);
            json_reply(&listing((index - 1) * 10..(index * 10).min(30).max((index - 1) * 10), lie))
        })
        .await;
        let listing = stub.client(settings()).list(ListThings, soon()).await.unwrap();
        let read = if lie == 20 { 20 } else { 30 };
        assert_eq!(ids(&listing).len(), read, "{lie}");
        assert_eq!(inconsistent(&stub), if lie == 20 { 0 } else { 3 }, "{lie}");
        assert!(stub.count() < 40, "the end is noticed, not walked past: {}", stub.count());
    }
}

#[tokio::test]
async fn a_listing_that_misses_most_objects_is_rejected() {
    let stub = Stub::start(|_, request| async move {
        let index = page_index(&request);
        json_reply(&listing((index - 1) * 10..(index * 10).min(30).max((index - 1) * 10), 1000))
    })
    .await;
    let error = stub.client(settings()).list(ListThings, soon()).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::InvalidResponse);
    assert!(error.to_string().contains("1000 things, and the pages have 30"), "{error}");
    assert!(stub.count() < 40, "the end is noticed, not walked past: {}", stub.count());
}

#[tokio::test]
async fn pages_in_flight_when_another_fails_are_counted_by_their_outcome() {
    let stub = Stub::start(|_, request| async move {
        match page_index(&request) {
            2 => {
                sleep(Duration::from_millis(100)).await;
                reply(403, &[], r#"{"Code":"NoPermission"}"#)
            }
            index => {
                sleep(Duration::from_millis(if index == 1 { 0 } else { 300 })).await;
                json_reply(&page_of(index, 1000))
            }
        }
    })
    .await;
    let error = stub.client(settings()).list(ListThings, soon()).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Permission);
    let counted = stub.counted();
    assert_eq!(
        counted.iter().map(|(_, count)| usize::try_from(*count).unwrap()).sum::<usize>(),
        stub.count()
    );
    assert!(counted.iter().all(|(code, _)| ["200", "403"].contains(&code.as_str())), "{counted:?}");
}

#[tokio::test]
async fn pages_shorter_than_requested_are_read_to_the_end() {
    let stub = Stub::start(|_, request| async move {
        let index = page_index(&request);
        json_reply(&listing((index - 1) * 5..(index * 5).min(23), 23))
    })
    .await;
    let listing = stub.client(settings()).list(ListThings, soon()).await.unwrap();
    assert_eq!((ids(&listing).len(), inconsistent(&stub)), (23, 0));
}

#[tokio::test]
async fn a_total_without_any_deployment_or_beyond_reason_is_an_error() {
    for total in [json_total(5), json_total(1 << 40), "null".to_owned(), "\"many\"".to_owned()] {
        let stub = Stub::start(move |_, _| {
            let body = format!(r#"{{"success":true,"totalSize":{total},"data":[]}}"#);
            async move { reply(200, &[], body) }
        })
        .await;
        let error = stub.client(settings()).list(ListThings, soon()).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::InvalidResponse, "{error}");
        assert!(stub.count() <= 3);
    }
}

fn json_total(total: u64) -> String {
    total.to_string()
}

#[tokio::test]
async fn unidentifiable_elements_do_not_make_a_listing_disagree() {
    let stub = Stub::start(|_, _| async move {
        let mut page = listing(0..2, 3);
        page["data"].as_array_mut().unwrap().push(serde_json::Value::Null);
        json_reply(&page)
    })
    .await;
    let listing = stub.client(settings()).list(ListThings, soon()).await.unwrap();
    assert_eq!((ids(&listing).len(), stub.count(), inconsistent(&stub)), (2, 1, 0));
}

#[tokio::test]
async fn a_page_with_more_objects_than_requested_is_rejected_while_it_is_read() {
    let stub = Stub::start(|_, request| async move {
        let page = page_index(&request);
        json_reply(&listing(0..if page == 2 { 11 } else { 10 }, 20))
    })
    .await;
    let error = stub.client(settings()).list(ListThings, soon()).await.unwrap_err();
    assert_eq!((error.class(), stub.count()), (ErrorClass::InvalidResponse, 2), "{error}");
    assert!(error.to_string().contains("more than 10 things"), "{error}");
    let million = Stub::start(|_, _| async {
        // The error is found before the text ends, so what follows is not read.
        let rows = r#"{"id":"a"},"#.repeat(100_000);
        reply(200, &[], format!(r#"{{"success":true,"totalSize":5,"data":[{rows}broken"#))
    })
    .await;
    let error = million.client(settings()).list(ListThings, soon()).await.unwrap_err();
    assert!(error.to_string().contains("more than 10 things"), "{error}");
}

#[tokio::test]
async fn the_bytes_of_all_pages_together_are_limited() {
    let pages = || Stub::start(|_, request| async move { json_reply(&page_of(page_index(&request), 95)) });
    let size = page_of(1, 95).to_string().len();
    let stub = pages().await;
    let limits = Settings { max_listing_size: 5 * size, ..settings() };
    let error = stub.client(limits).list(ListThings, soon()).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::InvalidResponse);
    assert!(error.to_string().contains("api.max_listing_size"), "{error}");
    assert!(stub.count() < 10, "the rest is not read: {}", stub.count());
    let stub = pages().await;
    let limits = Settings { max_listing_size: 10 * size, ..settings() };
    assert_eq!(stub.client(limits).list(ListThings, soon()).await.unwrap().items.len(), 95);
}
