//! Credentials that the service rejects, or that are late.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::BoxFuture;
use hyper::{Request, body::Incoming};

use super::stub::{ListThings, Stub, json_reply, page_of, reply, settings, soon};
use crate::{
    api::{Retry, Settings},
    credentials::{Credentials, CredentialsError, ProvideCredentials},
    exposition::PublishedSeries,
    model::ErrorClass,
};

/// A key that is another after each renewal, up to the third.
#[derive(Debug, Default)]
struct Rotating {
    current: AtomicUsize,
    renewals: AtomicUsize,
}

impl ProvideCredentials for Rotating {
    fn credentials(&self) -> BoxFuture<'_, Result<Arc<Credentials>, CredentialsError>> {
        let credentials = Credentials {
            access_key_id: format!("key-{}", self.current.load(Ordering::Relaxed)),
            access_key_secret: "secret".into(),
            security_token: None,
        };
        Box::pin(std::future::ready(Ok(Arc::new(credentials))))
    }

    fn renewed<'a>(&'a self, _: &'a Credentials) -> BoxFuture<'a, bool> {
        self.renewals.fetch_add(1, Ordering::Relaxed);
        let renewed = self.current.load(Ordering::Relaxed) < 2;
        self.current.fetch_add(usize::from(renewed), Ordering::Relaxed);
        Box::pin(std::future::ready(renewed))
    }
}

/// Refuses every key but `good` with `code`.
async fn picky(good: &'static str, code: &'static str) -> Stub {
    Stub::start(move |_, request: Request<Incoming>| async move {
        let authorization = request.headers()["authorization"].to_str().unwrap().to_owned();
        if authorization.contains(good) {
            return json_reply(&page_of(1, 1));
        }
        reply(404, &[], format!(r#"{{"Code":"{code}","Message":"m"}}"#))
    })
    .await
}

#[tokio::test]
async fn a_refused_credential_is_renewed_and_the_call_made_once_more() {
    let stub = picky("key-1", "InvalidAccessKeyId.NotFound").await;
    let keys = Arc::new(Rotating::default());
    let client = stub.client_of(Settings { max_retries: 0, ..settings() }, keys.clone());
    assert_eq!(client.list(ListThings, soon()).await.unwrap().items.len(), 1);
    assert_eq!((stub.count(), keys.renewals.load(Ordering::Relaxed)), (2, 1));
}

#[tokio::test]
async fn a_credential_that_is_refused_again_is_left_at_that() {
    let stub = picky("no-such-key", "InvalidSecurityToken.Expired").await;
    let keys = Arc::new(Rotating::default());
    let client = stub.client_of(settings(), keys.clone());
    assert_eq!(client.list(ListThings, soon()).await.unwrap_err().class(), ErrorClass::Auth);
    assert_eq!((stub.count(), keys.renewals.load(Ordering::Relaxed)), (2, 1));
}

#[tokio::test]
async fn a_wrong_clock_is_not_the_credential_s_fault() {
    let stub = picky("no-such-key", "InvalidTimeStamp.Expired").await;
    let keys = Arc::new(Rotating::default());
    let error = stub.client_of(settings(), keys.clone()).list(ListThings, soon()).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Auth);
    assert_eq!((stub.count(), keys.renewals.load(Ordering::Relaxed)), (1, 0));
}

/// Credentials that are not available the first `hangs` times they are asked for.
#[derive(Debug)]
struct Hanging {
    hangs: usize,
    asked: AtomicUsize,
}

impl ProvideCredentials for Hanging {
    fn credentials(&self) -> BoxFuture<'_, Result<Arc<Credentials>, CredentialsError>> {
        if self.asked.fetch_add(1, Ordering::Relaxed) < self.hangs {
            return Box::pin(std::future::pending());
        }
        let credentials = Credentials {
            access_key_id: "key".into(),
            access_key_secret: "secret".into(),
            security_token: None,
        };
        Box::pin(std::future::ready(Ok(Arc::new(credentials))))
    }

    fn renewed<'a>(&'a self, _: &'a Credentials) -> BoxFuture<'a, bool> {
        Box::pin(std::future::ready(false))
    }
}

#[tokio::test]
async fn a_timeout_while_waiting_for_credentials_is_a_timeout_and_retried() {
    let stub = Stub::start(|_, _| async { json_reply(&page_of(1, 1)) }).await;
    let limits = Settings { request_timeout: Duration::from_millis(200), max_retries: 1, ..settings() };
    let slow = Arc::new(Hanging { hangs: 1, asked: AtomicUsize::new(0) });
    let listing = stub.client_of(limits.clone(), slow).list(ListThings, soon()).await;
    assert_eq!(listing.unwrap().items.len(), 1);
    let text = stub.telemetry.render(&PublishedSeries::default()).unwrap();
    assert!(text.contains(r#"api_retries_total{reason="timeout",workspace="w"} 1"#), "{text}");
    let dead = Arc::new(Hanging { hangs: usize::MAX, asked: AtomicUsize::new(0) });
    let error = stub.client_of(limits, dead.clone()).list(ListThings, soon()).await.unwrap_err();
    assert_eq!((error.class(), error.retry()), (ErrorClass::Timeout, Retry::Backoff));
    assert_eq!(dead.asked.load(Ordering::Relaxed), 2);
}
