//! Single calls: faults, retries, limits, counting.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::BoxFuture;
use hyper::{Request, body::Incoming};
use tokio::time::{Instant, sleep};

use super::stub::{ListThings, Reply, Stub, broken_reply, json_reply, page_of, reply, settings, soon};
use crate::{
    api::{ApiError, Retry, Settings},
    credentials::{Credentials, CredentialsError, ProvideCredentials},
    exposition::PublishedSeries,
    model::ErrorClass,
};

const THROTTLED: &str = r#"{"Code":"Throttling.User","Message":"slow down","RequestId":"R-1"}"#;

async fn never() -> Reply {
    sleep(Duration::from_secs(3600)).await;
    reply(200, &[], "")
}

/// A fault, and what becomes of a poll that meets it every time.
struct Fault {
    name: &'static str,
    reply: fn() -> Reply,
    kind: ErrorClass,
    code: &'static str,
    retried: bool,
    says: &'static str,
}

const fn fault(
    name: &'static str,
    reply: fn() -> Reply,
    kind: ErrorClass,
    code: &'static str,
    retried: bool,
    says: &'static str,
) -> Fault {
    Fault { name, reply, kind, code, retried, says }
}

#[expect(clippy::too_many_lines, reason = "a table: a fault is a row")]
fn faults() -> Vec<Fault> {
    use ErrorClass::{Api, Auth, InvalidResponse, Network, NotFound, Permission, Throttled};
    vec![
        fault(
            "429",
            || reply(429, &[], THROTTLED),
            Throttled,
            "429",
            true,
            "HTTP 429 Throttling.User: slow down",
        ),
        fault(
            "throttled under 400",
            || reply(400, &[], THROTTLED),
            Throttled,
            "400",
            true,
            "HTTP 400 Throttling",
        ),
        fault(
            "429 without a body",
            || reply(429, &[], ""),
            Throttled,
            "429",
            true,
            "HTTP 429: an empty body, without an error code of Alibaba Cloud",
        ),
        fault("500 in HTML", || reply(500, &[], "<html>"), Api, "500", true, "HTTP 500"),
        fault(
            "500 in XML",
            || reply(500, &[], "<Error><Code>InternalError</Code><RequestId>R-8</RequestId></Error>"),
            Api,
            "500",
            true,
            "HTTP 500 InternalError",
        ),
        fault(
            "unsuccessful",
            || reply(200, &[], r#"{"success":false,"errorCode":"990001","errorMessage":"a\nb"}"#),
            Api,
            "200",
            true,
            "990001: a b",
        ),
        fault(
            "no permission",
            || {
                let detail = r#"{"code":"NoPermission","message":"no","requestId":"R9",
                    "accessDeniedDetail":{"AuthAction":"stream:ListDeployments"}}"#;
                reply(403, &[], detail)
            },
            Permission,
            "403",
            false,
            "HTTP 403 NoPermission: no (the RAM action stream:ListDeployments is not allowed)",
        ),
        fault(
            "unknown key",
            || reply(404, &[], r#"{"Code":"InvalidAccessKeyId.NotFound","Message":"m"}"#),
            Auth,
            "404",
            false,
            "HTTP 404 InvalidAccessKeyId.NotFound",
        ),
        fault(
            "wrong clock",
            || reply(400, &[], r#"{"Code":"InvalidTimeStamp.Expired","Message":"m"}"#),
            Auth,
            "400",
            false,
            "this machine's clock is off",
        ),
        fault(
            "a proxy's page under 403",
            || reply(403, &[], "<html>SECRET</html>"),
            Api,
            "403",
            false,
            "HTTP 403: an HTML page, without an error code of Alibaba Cloud",
        ),
        fault(
            "a proxy's JSON under 401",
            || reply(401, &[], r#"{"code":"401","message":"SECRET"}"#),
            Api,
            "401",
            false,
            "HTTP 401: a JSON document, without an error code of Alibaba Cloud",
        ),
        fault(
            "an unknown error code under 403",
            || reply(403, &[], r#"{"Code":"Account.Overdue","Message":"m"}"#),
            Permission,
            "403",
            false,
            "HTTP 403 Account.Overdue: m",
        ),
        fault("not found", || reply(404, &[], "{}"), Api, "404", false, "HTTP 404"),
        fault(
            "unknown namespace",
            || reply(200, &[], r#"{"success":false,"errorCode":"990301","errorMessage":"m"}"#),
            NotFound,
            "200",
            false,
            "990301: m",
        ),
        fault(
            "unknown namespace, as the gateway reports it",
            || reply(404, &[], r#"{"code":"990301","message":"m"}"#),
            NotFound,
            "404",
            false,
            "HTTP 404 990301: m",
        ),
        fault(
            "redirect",
            || reply(302, &[("location", "/x")], ""),
            Api,
            "302",
            false,
            "redirects are not followed",
        ),
        fault("204", || reply(204, &[], ""), InvalidResponse, "204", true, "HTTP 204"),
        fault("HTML under 200", || reply(200, &[], "<html>"), InvalidResponse, "200", true, "is not JSON"),
        fault(
            "a proxy's words under 200",
            || reply(200, &[], "503 Service Unavailable"),
            InvalidResponse,
            "200",
            true,
            "is not JSON",
        ),
        fault(
            "cut off",
            || reply(200, &[], "{\"success\":tr"),
            InvalidResponse,
            "200",
            true,
            "ends too early",
        ),
        fault(
            "broken within the body",
            || broken_reply("{"),
            Network,
            "network",
            true,
            "the connection broke",
        ),
        fault(
            "damaged gzip",
            || reply(200, &[("content-encoding", "gzip")], "no gzip"),
            InvalidResponse,
            "200",
            true,
            "compression is damaged",
        ),
        fault(
            "too large",
            || reply(200, &[], vec![b' '; 70_000]),
            InvalidResponse,
            "200",
            false,
            "larger than api.max_response_size (65536 bytes)",
        ),
    ]
}

#[tokio::test]
async fn each_fault_has_its_class_its_retries_and_its_count() {
    for fault in faults() {
        let stub = Stub::start(move |_, _| async move { (fault.reply)() }).await;
        let client = stub.client(Settings { max_retries: 1, max_response_size: 65_536, ..settings() });
        let error = client.list(ListThings, soon()).await.unwrap_err();
        let tries = if fault.retried { 2 } else { 1 };
        assert_eq!(error.class(), fault.kind, "{}: {error}", fault.name);
        assert!(error.to_string().contains(fault.says), "{}: {error}", fault.name);
        assert!(!error.to_string().contains("SECRET"), "{}: {error}", fault.name);
        assert_eq!(stub.counted(), [(fault.code.to_owned(), tries)], "{}", fault.name);
        assert_eq!(stub.count() as u64, tries, "{}", fault.name);
    }
}

#[tokio::test]
async fn a_fault_that_passes_is_not_noticed() {
    for fault in faults().into_iter().filter(|fault| fault.retried) {
        let stub = Stub::start(move |number, _| async move {
            if number == 1 { (fault.reply)() } else { json_reply(&page_of(1, 3)) }
        })
        .await;
        let listing = stub.client(settings()).list(ListThings, soon()).await;
        assert_eq!(listing.unwrap().items.len(), 3, "{}", fault.name);
    }
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
async fn the_pause_that_the_cloud_asks_for_is_kept() {
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
async fn secrets_that_the_cloud_echoes_are_not_told() {
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
async fn nobody_there_is_a_network_error() {
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
