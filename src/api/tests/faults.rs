//! Every fault of a reply: its class, its retries and its count.

use super::stub::{
    ListThings, Reply, Stub, THROTTLED, broken_reply, json_reply, page_of, reply, settings, soon,
};
use crate::{api::Settings, model::ErrorClass};

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
