//! Each fault of the API, the network or the operator: which data is served, how it is reported, and that polls
//! recover.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};

use crate::support::{Exposition, Program, Raw, RawApi, Start, http, page_of, until};

/// Maximum resident memory of the program during any fault, in bytes.
const MEMORY: f64 = 250e6;

/// A fault in the responses of one namespace.
struct Fault {
    name: &'static str,
    reply: Box<dyn Fn(&str) -> Raw + Send + Sync>,
    /// `polls_total{outcome}`.
    outcome: &'static str,
    /// `api_requests_total{code}`.
    code: &'static str,
    /// A part of the error in the log and the status.
    says: &'static str,
}

fn row(
    name: &'static str,
    outcome: &'static str,
    code: &'static str,
    says: &'static str,
    reply: impl Fn(&str) -> Raw + Send + Sync + 'static,
) -> Fault {
    Fault { name, reply: Box::new(reply), outcome, code, says }
}

fn bytes(status: u16, headers: &'static str, body: impl Into<Vec<u8>>) -> impl Fn(&str) -> Raw {
    let reply = http(status, headers, &body.into());
    move |_| Raw::Bytes(reply.clone())
}

fn gateway(code: &str) -> String {
    json!({"Code": code, "Message": "no", "RequestId": "REQ-7", "HostId": "h"}).to_string()
}

fn deployments(ids: impl IntoIterator<Item = u32>) -> Vec<Value> {
    ids.into_iter().map(|id| json!({"deploymentId": format!("d{id}"), "name": format!("n{id}")})).collect()
}

/// A response whose `Content-Length` is greater than its body.
fn announced(length: usize, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 X\r\nContent-Length: {length}\r\n\r\n{body}").into_bytes()
}

fn table() -> Vec<Fault> {
    // One chunk whose size is beyond every limit.
    let chunked = b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\nffffffffff\r\n".to_vec();
    let endless = announced(1 << 40, "");
    let mut nested = b"{\"success\":true,\"totalSize\":1,\"data\":".to_vec();
    nested.extend(b"[".repeat(200_000));
    vec![
        row(
            "throttled 400",
            "throttled",
            "400",
            "Throttling.User",
            bytes(400, "", gateway("Throttling.User")),
        ),
        row(
            "throttled 429",
            "throttled",
            "429",
            "REQ-7",
            bytes(429, "x-acs-retry-after: 20\r\n", gateway("Throttling")),
        ),
        row("throttled 429, Retry-After", "throttled", "429", "429", bytes(429, "Retry-After: 0\r\n", "")),
        row("throttled 503", "throttled", "503", "Throttling.Api", bytes(503, "", gateway("Throttling.Api"))),
        row("500 JSON", "api", "500", "InternalError", bytes(500, "", gateway("InternalError"))),
        row("502 HTML", "api", "502", "HTTP 502", bytes(502, "", "<html>bad gateway</html>")),
        row("503 empty", "api", "503", "an empty body", bytes(503, "", "")),
        row("unsuccessful", "api", "200", "990001", {
            bytes(200, "", json!({"success": false, "errorCode": "990001", "requestId": "R"}).to_string())
        }),
        row("reset amid the body", "network", "network", "broke", |_| Raw::Reset(announced(5000, "{\"succ"))),
        row("closed amid the body", "network", "network", "broke", |_| {
            Raw::Bytes(announced(5000, "{\"succ"))
        }),
        row("closed without a word", "network", "network", "broke", |_| Raw::Bytes(Vec::new())),
        row("not HTTP", "network", "network", "broke", |_| Raw::Bytes(b"SSH-2.0-OpenSSH\r\n\r\n".to_vec())),
        row(
            "truncated JSON",
            "invalid_response",
            "200",
            "ends too early",
            bytes(200, "", "{\"success\":true,"),
        ),
        row("a body without end", "invalid_response", "200", "larger than", move |_| {
            Raw::Endless(chunked.clone(), b'x')
        }),
        row("a larger body announced", "invalid_response", "200", "larger than", move |_| {
            Raw::Hold(endless.clone())
        }),
        row(
            "a larger body sent",
            "invalid_response",
            "200",
            "larger than",
            bytes(200, "", vec![b' '; 2_000_000]),
        ),
        row(
            "damaged gzip",
            "invalid_response",
            "200",
            "compression",
            bytes(200, "Content-Encoding: gzip\r\n", "x"),
        ),
        row("302", "api", "302", "redirects are not followed", bytes(302, "Location: /elsewhere\r\n", "")),
        row("never answers", "timeout", "timeout", "no time left", |_| Raw::Hold(Vec::new())),
        row("a head without end", "timeout", "timeout", "no time left", |_| {
            Raw::Hold(b"HTTP/1.1 200 X\r\nA: ".to_vec())
        }),
        row("drips", "timeout", "timeout", "no time left", |_| {
            Raw::Drip(announced(500, ""), vec![b' '; 500])
        }),
        row("wrong clock", "auth", "400", "this machine's clock is off", {
            bytes(400, "", gateway("InvalidTimeStamp.Expired"))
        }),
        row("revoked key", "auth", "404", "InvalidAccessKeyId.Inactive", {
            bytes(404, "", gateway("InvalidAccessKeyId.Inactive"))
        }),
        row("denied", "permission", "403", "the RAM action stream:ListDeployments is not allowed", {
            let detail = json!({"code": "NoPermission", "message": "no", "requestId": "REQ-7",
                "accessDeniedDetail": {"AuthAction": "stream:ListDeployments"}});
            bytes(403, "", detail.to_string())
        }),
        row("a list for an object", "invalid_response", "200", "no object", bytes(200, "", "[]")),
        row("no success", "invalid_response", "200", "`success`", bytes(200, "", "{}")),
        row("an object for a list", "invalid_response", "200", "`data` is not a list", {
            bytes(200, "", json!({"success": true, "totalSize": 1, "data": {}}).to_string())
        }),
        row("no totalSize", "invalid_response", "200", "`totalSize`", {
            bytes(200, "", json!({"success": true, "data": []}).to_string())
        }),
        row("a negative totalSize", "invalid_response", "200", "`totalSize`", {
            bytes(200, "", json!({"success": true, "totalSize": -5, "data": []}).to_string())
        }),
        row("a huge totalSize", "invalid_response", "200", "`totalSize`", {
            bytes(200, "", json!({"success": true, "totalSize": 1_u64 << 52, "data": []}).to_string())
        }),
        row("totalSize and nothing else", "invalid_response", "200", "the pages have 0", {
            bytes(200, "", json!({"success": true, "totalSize": 5}).to_string())
        }),
        row("deep nesting", "invalid_response", "200", "reply", bytes(200, "", nested)),
        row("binary", "invalid_response", "200", "is not JSON", bytes(200, "", vec![0xff_u8; 3000])),
    ]
}

fn of<'e>(metrics: &'e Exposition, name: &str, namespace: &str) -> crate::support::Query<'e> {
    metrics.find(name).label("namespace", namespace)
}

/// A program that polls a good namespace, and one that has the fault while `broken`.
async fn stage(fault: &Arc<Fault>, broken: Arc<AtomicBool>) -> (Program, RawApi) {
    let good = http(200, "", page_of(&deployments(0..3)).to_string().as_bytes());
    let fault = fault.clone();
    let api = RawApi::start(move |target| {
        let fails = broken.load(Ordering::SeqCst) && target.contains("/namespaces/bad/");
        if fails { (fault.reply)(target) } else { Raw::Bytes(good.clone()) }
    })
    .await;
    let yaml = format!(
        "poll: {{interval: 300ms, timeout: 6s}}\n\
         api: {{max_retries: 1, request_timeout: 1200ms, requests_per_second: 500, max_response_size: 1MiB}}\n\
         workspaces: [{{id: w, endpoint: '{}', namespaces: [bad, good]}}]\n",
        api.endpoint()
    );
    (Start::daemon().config(&yaml).ready().await, api)
}

async fn check(fault: Fault) {
    let broken = Arc::new(AtomicBool::new(false));
    let fault = Arc::new(fault);
    let (program, api) = stage(&fault, broken.clone()).await;
    let name = fault.name;
    let failed = |metrics: &Exposition| {
        of(metrics, "aliyun_flink_target_polls_total", "bad").label("outcome", fault.outcome).sum()
    };
    program.metrics_with(name, |metrics| metrics.find("aliyun_flink_target_up").sum() > 1.5).await;
    let good_before = of(&program.metrics().await, "aliyun_flink_target_polls_total", "good").sum();

    broken.store(true, Ordering::SeqCst);
    // On a busy machine, a poll of the good namespace may time out, too.
    let up = |metrics: &Exposition, namespace| of(metrics, "aliyun_flink_target_up", namespace).one().value;
    let only_bad_fails = |metrics: &Exposition| {
        failed(metrics) >= 2.0 && up(metrics, "bad") < 0.5 && up(metrics, "good") > 0.5
    };
    let metrics = program.metrics_with(name, only_bad_fails).await;
    for namespace in ["bad", "good"] {
        of(&metrics, "aliyun_flink_target_objects", namespace).value(3.0);
        assert_eq!(of(&metrics, "aliyun_flink_deployment_info", namespace).all().len(), 3, "{name}");
    }
    let coded = metrics.find("aliyun_flink_exporter_api_requests_total").label("code", fault.code);
    assert!(coded.sum() >= 2.0, "{name}: requests under the code {}", fault.code);
    assert!(of(&metrics, "aliyun_flink_target_polls_total", "good").sum() > good_before, "{name}");
    assert!(metrics.find("process_resident_memory_bytes").one().value < MEMORY, "{name}");
    // On a busy machine, another poll may have timed out meanwhile.
    until(&format!("{name}: an error that says {:?}", fault.says), async || {
        let status: Value = serde_json::from_str(&program.get("/api/v1/status").await.body).unwrap();
        assert_eq!(status["targets"][0]["freshness"], "stale", "{name}");
        status["targets"][0]["last_poll"]["error"].as_str().unwrap().contains(fault.says).then_some(())
    })
    .await;

    broken.store(false, Ordering::SeqCst);
    program.metrics_with(name, |metrics| metrics.find("aliyun_flink_target_up").sum() > 1.5).await;
    counts_all_requests(&program, &api, name).await;
    logs_all_failed_polls(&program, name).await;
    program.signal("TERM").await;
    let finished = program.finish().await.with_code(0);
    assert!(!finished.stderr.contains(Start::SECRET) && !finished.stderr.contains("panicked"), "{name}");
}

/// Waits until the log has a line for each failed poll. Polls continue, so both are read until they agree.
async fn logs_all_failed_polls(program: &Program, name: &str) {
    program
        .metrics_with(&format!("{name}: a log line for each failed poll"), |metrics| {
            let polls = || metrics.find("aliyun_flink_target_polls_total");
            let failed = polls().sum() - polls().label("outcome", "success").sum();
            let lines = program.stderr().lines().filter(|line| line.contains("poll failed")).count();
            (lines as f64 - failed).abs() < 0.5
        })
        .await;
}

/// Waits until the exporter has counted the requests that the API received. Polls continue, so both are read until they agree.
async fn counts_all_requests(program: &Program, api: &RawApi, name: &str) {
    program
        .metrics_with(&format!("{name}: the count of the API"), |metrics| {
            let counted = metrics.find("aliyun_flink_exporter_api_requests_total").sum();
            (counted - api.seen() as f64).abs() < 0.5
        })
        .await;
}

#[tokio::test]
async fn during_each_fault_the_last_data_is_served_and_polls_recover() {
    // Each is a process that mostly waits.
    stream::iter(table()).for_each_concurrent(6, check).await;
}
