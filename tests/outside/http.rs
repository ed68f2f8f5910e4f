//! The HTTP interface.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use reqwest::Method;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::Semaphore,
};

use crate::support::{Program, Reply, Start, StubApi, empty_page, sample, until};

async fn serving() -> StubApi {
    StubApi::start(|_| Reply::ok(sample("list_deployments"))).await
}

/// The response to `request`, which must close the connection.
async fn raw(program: &Program, request: &str) -> String {
    let mut stream = TcpStream::connect(program.address()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// The `Content-Length` and the body of a response.
async fn length_and_body(program: &Program, method: &str, path: &str) -> (usize, String) {
    let answer =
        raw(program, &format!("{method} {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let lengths = head
        .lines()
        .filter_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let [length] = lengths.collect::<Vec<usize>>()[..] else { panic!("one Content-Length in {head}") };
    (length, body.to_owned())
}

#[tokio::test]
async fn head_returns_the_content_length_of_get_and_no_body() {
    let api = serving().await;
    let program = Start::daemon().polling(&api, "[n1]", "poll: {interval: 1h}\n");
    let program = program.env("ALIYUN_FLINK_EXPORTER_POLL__INTERVAL", "1h").ready().await;
    for path in ["/metrics", "/", "/api/v1/status", "/-/healthy", "/-/ready"] {
        let mut same = false;
        // The length may change between two requests, because metrics and ages change.
        for _ in 0..20 {
            let (announced, nothing) = length_and_body(&program, "HEAD", path).await;
            let (length, body) = length_and_body(&program, "GET", path).await;
            assert_eq!((nothing.as_str(), length), ("", body.len()), "{path}");
            assert!(announced > 0);
            same |= announced == length;
        }
        assert!(same, "{path}: the lengths differ");
    }
}

#[tokio::test]
async fn metrics_are_served_in_the_text_format_uncompressed() {
    let api = serving().await;
    let program = Start::daemon().polling(&api, "[n1]", "").ready().await;
    let response = program.get("/metrics").await;
    assert_eq!(response.status, 200);
    assert!(response.header("content-type").starts_with("text/plain; version=0.0.4"));
    assert_eq!(response.header("content-encoding"), "");
    program.metrics().await.find("aliyun_flink_deployment_jobs").label("state", "failed").value(6.0);
}

#[tokio::test]
async fn unknown_paths_are_404_and_other_methods_405_with_allow() {
    let api = serving().await;
    let program = Start::daemon().polling(&api, "[n1]", "").ready().await;
    for path in ["/nothing", "/metrics/", "/-/nothing", "/api/v1/", "//metrics"] {
        assert_eq!(program.get(path).await.status, 404, "{path}");
    }
    for path in ["/metrics", "/", "/api/v1/status", "/-/healthy", "/-/ready"] {
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
            let response = program.request(method.clone(), path).await;
            assert_eq!((response.status, response.header("allow")), (405, "GET, HEAD"), "{method} {path}");
        }
    }
    assert_eq!(program.get("/metrics?name=x").await.status, 200, "a query changes nothing");
}

#[tokio::test]
async fn health_is_immediate_and_readiness_follows_the_first_poll() {
    let gate = Arc::new(Semaphore::new(0));
    let holding = gate.clone();
    let api = StubApi::start(move |_| Reply::Held(holding.clone(), empty_page().to_string().into())).await;
    let start = Start::daemon().env("ALIYUN_FLINK_EXPORTER_API__REQUEST_TIMEOUT", "10m");
    let start = start.env("ALIYUN_FLINK_EXPORTER_POLL__TIMEOUT", "10m");
    let program = start.polling(&api, "[n1, n2]", "").listening().await;
    assert_eq!(program.get("/-/healthy").await.status, 200);
    assert_eq!(program.get("/-/ready").await.status, 503);
    let metrics = program.metrics().await;
    metrics.find("aliyun_flink_target_up").absent();
    metrics.find("aliyun_flink_target_objects").absent();
    metrics.find("aliyun_flink_target_poll_interval_seconds").label("namespace", "n1").value(0.2);
    until("both polls", async || (api.requests().len() >= 2).then_some(())).await;
    assert_eq!(program.get("/-/ready").await.status, 503);
    gate.add_permits(1);
    until("readiness", async || (program.get("/-/ready").await.status == 200).then_some(())).await;
}

#[tokio::test]
async fn a_failed_first_poll_makes_the_exporter_ready() {
    let api = StubApi::start(|_| Reply::new(403, "")).await;
    let program = Start::daemon().polling(&api, "[n1]", "").ready().await;
    program.metrics().await.find("aliyun_flink_target_up").value(0.0);
}

#[tokio::test]
async fn the_status_page_escapes_what_it_shows() {
    let message = r#"{"Code":"NoPermission","Message":"<img src=x onerror=alert(1)> & \"more\""}"#;
    let api = StubApi::start(move |_| Reply::new(403, message)).await;
    let namespaces = "[{name: n1, select: {name: '<script>alert(1)</script>'}}]";
    let program = Start::daemon().polling(&api, namespaces, "").ready().await;
    let page = program.get("/").await;
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(page.header("content-security-policy").contains("default-src 'none'"));
    assert!(page.body.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{}", page.body);
    assert!(page.body.contains("&lt;img src=x onerror=alert(1)&gt; &amp;"), "{}", page.body);
    assert!(!page.body.contains("<script") && !page.body.contains("<img"), "{}", page.body);
}

#[tokio::test]
async fn the_status_is_served_as_json() {
    let api = StubApi::start(|request| {
        if request.is_of("bad") {
            Reply::new(403, r#"{"Code":"NoPermission","Message":"no","RequestId":"4A-5B"}"#)
        } else {
            Reply::ok(sample("list_deployments"))
        }
    })
    .await;
    let program = Start::daemon().polling(&api, "[good, bad]", "").ready().await;
    let response = program.get("/api/v1/status").await;
    assert!(response.header("content-type").starts_with("application/json"));
    let status: Value = serde_json::from_str(&response.body).unwrap();
    let target = |namespace: &str| {
        let targets = status["targets"].as_array().unwrap();
        targets.iter().find(|target| target["namespace"] == namespace).unwrap().clone()
    };
    let (good, bad) = (target("good"), target("bad"));
    assert_eq!((good["deployments"].as_u64(), good["failed_jobs"].as_u64()), (Some(1), Some(6)));
    assert_eq!((&good["freshness"], &good["last_poll"]["outcome"]), (&"fresh".into(), &"success".into()));
    assert_eq!((&bad["deployments"], &bad["last_poll"]["outcome"]), (&Value::Null, &"permission".into()));
    let error = bad["last_poll"]["error"].as_str().unwrap();
    assert!(error.contains("NoPermission") && error.contains("4A-5B"), "{error}");
}

#[tokio::test]
async fn the_api_lists_deployments_with_their_status() {
    let failed = Arc::new(AtomicBool::new(false));
    let api = StubApi::start({
        let failed = failed.clone();
        move |_| {
            let running = String::from_utf8(sample("list_deployments")).unwrap();
            if !failed.load(Ordering::Relaxed) {
                return Reply::ok(running);
            }
            let ended = running.replace(r#""starting": 1"#, r#""starting": 0"#);
            Reply::ok(
                ended
                    .replace(r#""running": 2"#, r#""running": 0"#)
                    .replace(r#""failed": 6"#, r#""failed": 8"#),
            )
        }
    })
    .await;
    let program = Start::daemon().polling(&api, "[n1]", "").ready().await;
    let path = "/api/v1/targets/edcef0000b4f/n1/deployments";
    let deployment = async || {
        let reply: Value = serde_json::from_str(&program.get(path).await.body).unwrap();
        reply["deployments"][0].clone()
    };
    let running = deployment().await;
    assert_eq!(
        (&running["status"], &running["status_since"]),
        (&"RUNNING".into(), &Value::Null),
        "{running}"
    );
    assert!(running.as_object().unwrap()["last_failure"].is_null());
    failed.store(true, Ordering::Relaxed);
    let deployment = until("the failure", async || {
        Some(deployment().await).filter(|deployment| deployment["status"] == "FAILED")
    })
    .await;
    assert!(deployment["status_since"].as_f64().is_some_and(|since| since > 1.7e9), "{deployment}");
    let page = program.get("/").await.body;
    assert!(page.contains("<h3>Failed streaming deployments</h3>"), "{page}");
    let status: Value = serde_json::from_str(&program.get("/api/v1/status").await.body).unwrap();
    let target = &status["targets"][0];
    assert_eq!((&target["failed_jobs"], &target["failed_jobs_last_hour"]), (&8.into(), &2.into()));
    assert!(status["state"].is_null(), "{status}");
}

#[tokio::test]
async fn the_telemetry_path_can_be_changed() {
    let api = serving().await;
    let start = Start::daemon().args(&["--web.telemetry-path", "/flink/metrics"]);
    let program = start.polling(&api, "[n1]", "").ready().await;
    assert_eq!(program.get("/flink/metrics").await.status, 200);
    assert_eq!(program.get("/metrics").await.status, 404);
    assert!(program.get("/").await.body.contains("href=\"/flink/metrics\""));
}

#[tokio::test]
async fn invalid_requests_are_rejected_and_the_server_continues() {
    let api = serving().await;
    let program = Start::daemon().polling(&api, "[n1]", "").ready().await;
    for request in ["\0\u{1}\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET\r\n\r\n"] {
        let answer = raw(&program, request).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    let long = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(64 * 1024));
    let mut stream = TcpStream::connect(program.address()).await.unwrap();
    // The server may close the connection before it has read the request.
    let _ = stream.write_all(long.as_bytes()).await;
    drop(stream);
    assert_eq!(program.get("/-/healthy").await.status, 200);
}

#[tokio::test]
async fn scrapes_send_no_api_requests() {
    let api = serving().await;
    let start = Start::daemon().polling(&api, "[n1]", "");
    let program = start.env("ALIYUN_FLINK_EXPORTER_POLL__INTERVAL", "1h").ready().await;
    for _ in 0..10 {
        program.metrics().await;
        program.get("/").await;
    }
    assert_eq!(api.requests().len(), 1);
}

#[tokio::test]
async fn all_listen_addresses_are_served() {
    let api = serving().await;
    let start = Start::daemon().args(&["--web.listen-address", "[::1]:0"]);
    let program = start.polling(&api, "[n1]", "").ready().await;
    let addresses = until("both addresses", async || {
        let log = program.stderr();
        let lines = log.lines().filter(|line| line.contains("message=listening"));
        let addresses: Vec<SocketAddr> = lines
            .filter_map(|line| {
                let (_, rest) = line.split_once("address=")?;
                rest.split(' ').next()?.trim_matches('"').parse().ok()
            })
            .collect();
        (addresses.len() == 2).then_some(addresses)
    })
    .await;
    assert!(addresses.iter().any(SocketAddr::is_ipv4) && addresses.iter().any(SocketAddr::is_ipv6));
    for address in addresses {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET /-/healthy HTTP/1.0\r\n\r\n").await.unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).await.unwrap();
        assert!(response.starts_with("HTTP/1.0 200"), "{address}: {response}");
    }
}
