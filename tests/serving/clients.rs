use std::time::Duration;

use tokio::{
    net::TcpStream,
    time::{Instant, sleep, timeout},
};

use crate::server::{HOSTILE, Server, exchange, get};

#[tokio::test]
async fn invalid_requests_get_an_error_or_no_response() {
    let server = Server::start(1, None).await;
    for garbage in [
        "\u{16}\u{3}\u{1}\0\u{5}\u{1}\0",
        "GET\r\n\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        &format!("GET /{} HTTP/1.1\r\nHost: h\r\n\r\n", "a".repeat(100_000)),
        &format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(1000)),
        "GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
    ] {
        let reply = exchange(server.address, garbage).await;
        assert!(reply.is_empty() || reply.starts_with("HTTP/1.1 4"), "{garbage:.40}: {reply:.200}");
    }
    assert!(get(server.address, "/-/healthy", "").await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn request_bodies_are_not_read_and_other_methods_are_rejected() {
    let server = Server::start(1, None).await;
    let request = "POST /metrics HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000000\r\n\r\nabc";
    let reply = timeout(Duration::from_secs(5), exchange(server.address, request)).await.unwrap();
    assert!(reply.starts_with("HTTP/1.1 405"), "{reply}");
    assert!(reply.contains("allow: GET, HEAD") && reply.contains("connection: close"), "{reply}");
}

#[tokio::test]
async fn a_connection_serves_at_most_a_thousand_requests() {
    let server = Server::start(1, None).await;
    let reply = exchange(server.address, &"HEAD /-/healthy HTTP/1.1\r\nHost: h\r\n\r\n".repeat(1001)).await;
    assert_eq!(reply.matches("HTTP/1.1 200").count(), 1000);
    assert_eq!(reply.matches("connection: close").count(), 1);
}

#[tokio::test]
async fn a_stop_does_not_wait_for_idle_connections() {
    let server = Server::start(1, None).await;
    let _silent = TcpStream::connect(server.address).await.unwrap();
    sleep(Duration::from_millis(50)).await;
    let begun = Instant::now();
    server.shutdown.cancel();
    server.serving.await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn every_format_and_encoding_has_its_headers_and_exact_length() {
    let server = Server::start(20, None).await;
    let openmetrics = "Accept: application/openmetrics-text;version=1.0.0,*/*;q=0.1\r\n";
    for (headers, content_type, encoding) in [
        ("", "text/plain; version=0.0.4; charset=utf-8", None),
        ("Accept-Encoding: gzip\r\n", "text/plain; version=0.0.4; charset=utf-8", Some("gzip")),
        ("Accept-Encoding: zstd\r\n", "text/plain; version=0.0.4; charset=utf-8", Some("zstd")),
        (openmetrics, "application/openmetrics-text; version=1.0.0; charset=utf-8", None),
    ] {
        let reply = get(server.address, "/metrics", headers).await;
        let (head, _) = reply.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("content-type: {content_type}")), "{head}");
        assert!(head.contains("vary: Accept, Accept-Encoding"), "{head}");
        assert_eq!(head.contains("content-encoding"), encoding.is_some(), "{head}");
        assert!(encoding.is_none_or(|encoding| head.contains(&format!("content-encoding: {encoding}"))));
        if encoding.is_none() {
            let (head, body) = reply.split_once("\r\n\r\n").unwrap();
            assert!(head.contains(&format!("content-length: {}", body.len())), "{head}");
            assert_eq!(body.ends_with("# EOF\n"), headers == openmetrics);
            assert!(body.contains(r#"<script>alert(1)</script>\"\n\\"#), "names are escaped, not lost");
            assert_eq!(
                body.lines().filter(|line| line.starts_with("aliyun_flink_deployment_info{")).count(),
                20
            );
        }
    }
    let head =
        exchange(server.address, "HEAD /metrics HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").await;
    assert!(head.ends_with("\r\n\r\n") && head.contains("content-length: "), "{head}");
}

#[tokio::test]
async fn pages_and_json_escape_names() {
    let server = Server::start(3, None).await;
    for path in ["/", "/targets/w/n", "/targets/w/n?q=script&sort=failed&desc=1&page=0"] {
        let reply = get(server.address, path, "").await;
        assert!(reply.starts_with("HTTP/1.1 200"), "{path}: {reply:.200}");
        assert!(!reply.contains("<script") && !reply.contains('\u{202e}'), "{path}");
        for header in ["content-security-policy: default-src 'none'", "x-frame-options: DENY", "nosniff"] {
            assert!(reply.contains(header), "{path}: {header}");
        }
    }
    let reply = get(server.address, "/api/v1/targets/w/n/deployments", "").await;
    let json: serde_json::Value = serde_json::from_str(reply.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(json["deployments"][0]["name"], format!("{HOSTILE}0"));
    assert_eq!(json["deployments"][2]["jobs"]["failed"], 4);
    let id = json["deployments"][2]["id"].as_str().unwrap();
    let reply = get(server.address, &format!("/targets/w/n/deployments/{id}"), "").await;
    assert!(reply.starts_with("HTTP/1.1 200") && reply.contains("content-security-policy"), "{reply:.200}");
    assert!(reply.contains("Jobs: failed</th><td>4</td>") && !reply.contains("<script"), "{reply}");
    for path in [
        "/targets/w/other",
        "/targets/w/n/deployments/other",
        "/targets/w/other/deployments/x",
        "/targets/w/n/deployments/%ff",
        "/targets/w/n/deployments",
        "/targets/w",
        "/targets/w/n/x",
        "/api/v1/targets/w/n",
        "/api/v1/",
        "/targets/%ff/n",
    ] {
        assert!(get(server.address, path, "").await.starts_with("HTTP/1.1 404"), "{path}");
    }
}

#[tokio::test]
async fn the_probe_address_serves_only_probes() {
    let server = Server::start(1, None).await;
    for (path, status) in [("/-/healthy", 200), ("/-/ready", 200), ("/metrics", 404), ("/", 404)] {
        let reply = get(server.probes, path, "").await;
        assert!(reply.starts_with(&format!("HTTP/1.1 {status}")), "{path}: {reply}");
    }
}
