//! The rate of one collector within that of its workspace, and listings of which not every page is read.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::stub::{ListSomeThings, ListThings, Stub, json_reply, page_index, page_of, settings, soon};
use crate::api::RateLimiter;

#[tokio::test]
async fn the_wait_for_the_collector_s_rate_is_not_part_of_the_deadline() {
    let stub = Stub::start(|_, request| async move { json_reply(&page_of(page_index(&request), 30)) }).await;
    let rate = Arc::new(RateLimiter::new(1.25));
    let (client, other) = (stub.client(settings()), stub.client(settings()));
    let (client, other) = (client.with_collector_rate(rate.clone()), other.with_collector_rate(rate));
    let begin = Instant::now();
    // Six pages, 800 ms apart. Each listing waits longer than its deadline.
    let deadline = || Instant::now() + Duration::from_millis(2500);
    let listings = tokio::join!(client.list(ListThings, deadline()), other.list(ListThings, deadline()));
    let listed = [listings.0.unwrap().items.len(), listings.1.unwrap().items.len()];
    assert_eq!((listed, stub.count()), ([30, 30], 6));
    assert!(begin.elapsed() >= Duration::from_millis(3990), "{:?}", begin.elapsed());
}

#[tokio::test]
async fn a_turn_is_used_by_the_first_request_alone() {
    let stub = Stub::start(|_, request| async move { json_reply(&page_of(page_index(&request), 20)) }).await;
    let client = stub.client(settings()).with_collector_rate(Arc::new(RateLimiter::new(0.5)));
    let begin = Instant::now();
    drop(client.turn().await.unwrap());
    let turn = client.turn().await;
    assert!(
        turn.is_some() && begin.elapsed() < Duration::from_millis(1900),
        "a turn that is dropped is not used"
    );
    client.list_with_turn(ListThings, turn, soon()).await.unwrap();
    assert!(client.turn().await.is_some());
    assert!(begin.elapsed() >= Duration::from_millis(3990), "{:?}", begin.elapsed());
    assert!(stub.client(settings()).turn().await.is_none());
}

#[tokio::test]
async fn the_first_and_the_last_pages_of_a_long_listing_are_read() {
    for (total, pages) in [(0, vec![1]), (9, vec![1]), (40, vec![1, 2, 3, 4]), (95, vec![1, 2, 9, 10])] {
        let stub =
            Stub::start(move |_, request| async move { json_reply(&page_of(page_index(&request), total)) })
                .await;
        let listing = stub.client(settings()).list(ListSomeThings, soon()).await.unwrap();
        let mut read: Vec<u64> = stub
            .requests
            .lock()
            .unwrap()
            .iter()
            .map(|request| {
                let (_, rest) = request.split_once("pageIndex=").unwrap();
                rest.split('&').next().unwrap().parse().unwrap()
            })
            .collect();
        read.sort_unstable();
        assert_eq!((read, listing.consistent), (pages, true), "{total}");
        let expected = total.min(20) + total.saturating_sub(20).min(if total > 40 { 15 } else { 20 });
        assert_eq!(listing.items.len() as u64, expected, "{total}");
    }
}
