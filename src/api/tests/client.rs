//! Single requests: deadlines, retries, counting.

use std::time::Duration;

use hyper::{Request, body::Incoming};
use tokio::time::{Instant, sleep};

use super::stub::{ListThings, Reply, Stub, THROTTLED, json_reply, page_of, reply, settings, soon};
use crate::{
    api::{ApiError, Settings},
    model::ErrorClass,
};

async fn never() -> Reply {
    sleep(Duration::from_secs(3600)).await;
    reply(200, &[], "")
}

#[tokio::test]
async fn a_server_that_never_answers_is_a_timeout() {
    let stub = Stub::start(|_, _| never()).await;
    let limits = Settings { request_timeout: Duration::from_millis(50), max_retries: 2, ..settings() };
    let error = stub.client(limits).list(ListThings, soon()).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Timeout);
    assert_eq!(stub.counted(), [("timeout".to_owned(), 3)]);
}

#[tokio::test]
async fn the_deadline_holds_over_requests_and_pauses() {
    let stub = Stub::start(|_, _| never()).await;
    let begun = Instant::now();
    let deadline = begun + Duration::from_millis(200);
    let error = stub.client(settings()).list(ListThings, deadline).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Timeout);
    assert!(begun.elapsed() >= Duration::from_millis(200));
    assert_eq!(stub.counted(), [("timeout".to_owned(), 1)]);
}

#[tokio::test]
async fn a_pause_beyond_the_deadline_is_not_waited_for() {
    let slow_down = |_, _| async { reply(429, &[("retry-after", "3600")], THROTTLED) };
    let stub = Stub::start(slow_down).await;
    let error = stub.client(settings()).list(ListThings, soon()).await.unwrap_err();
    assert_eq!((error.class(), error.request_id()), (ErrorClass::Throttled, Some("R-1")));
    assert_eq!(stub.count(), 1);
}

#[tokio::test]
async fn retries_wait_as_long_as_the_api_requests() {
    for header in [("x-acs-retry-after", "300"), ("retry-after", "1")] {
        let stub = Stub::start(move |number, _: Request<Incoming>| async move {
            if number == 1 { reply(429, &[header], "") } else { json_reply(&page_of(1, 1)) }
        })
        .await;
        let begun = Instant::now();
        stub.client(settings()).list(ListThings, soon()).await.unwrap();
        let asked = if header.1 == "300" { 300 } else { 1000 };
        assert!(begun.elapsed() >= Duration::from_millis(asked), "{header:?}");
    }
}

#[tokio::test]
async fn secrets_that_the_api_echoes_are_not_in_errors() {
    let echo = "<the-access-key-id, the-access-key-secret, x-acs-security-token:the-security-token>";
    for code in ["SignatureDoesNotMatch", "InternalError", "Throttling", "NoPermission"] {
        let body = format!(r#"{{"Code":"{code}","Message":"server string to sign is:{echo}"}}"#);
        let stub = Stub::start(move |_, _| {
            let body = body.clone();
            async move { reply(400, &[], body) }
        })
        .await;
        let limits = Settings { max_retries: 0, ..settings() };
        let error: ApiError = stub.client(limits).list(ListThings, soon()).await.unwrap_err();
        for text in [error.to_string(), format!("{error:?}")] {
            assert!(!text.contains("the-"), "{text}");
        }
    }
}

#[tokio::test]
async fn a_request_that_is_given_up_is_counted() {
    let stub = Stub::start(|_, _| never()).await;
    let client = stub.client(settings());
    let waiting = tokio::time::timeout(Duration::from_millis(200), client.list(ListThings, soon())).await;
    assert!(waiting.is_err());
    assert_eq!(stub.counted(), [("timeout".to_owned(), 1)]);
}

#[tokio::test]
async fn a_refused_connection_is_a_network_error() {
    let stub = Stub::start(|_, _| never()).await;
    let client = stub.client(Settings { max_retries: 0, ..settings() });
    drop(stub);
    // The listener is closed with its task, a moment later.
    let mut kind = ErrorClass::Timeout;
    for _ in 0..50 {
        let deadline = Instant::now() + Duration::from_millis(200);
        kind = client.list(ListThings, deadline).await.unwrap_err().class();
        if kind == ErrorClass::Network {
            break;
        }
    }
    assert_eq!(kind, ErrorClass::Network);
}
