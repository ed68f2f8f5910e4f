use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use crate::server::{HOSTILE, Server, exchange, get};

/// What a scrape may take while a thousand other clients do their worst: not for ever, on a machine that is busy itself.
const BOUND: Duration = Duration::from_secs(5);

const REQUEST: &[u8] = b"GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n";

/// One way to be a bad client, held as long as the server lets it.
async fn misbehave(address: std::net::SocketAddr, way: usize) {
    let Ok(mut stream) = TcpStream::connect(address).await else { return };
    match way % 5 {
        // Silent.
        0 => {}
        // Half a head.
        1 => drop(stream.write_all(b"GET /metrics HTTP/1.1\r\nHost").await),
        // A head that drips.
        2 => {
            for byte in REQUEST.iter().take(20).cycle() {
                if stream.write_all(&[*byte]).await.is_err() {
                    return;
                }
                sleep(Duration::from_millis(100)).await;
            }
        }
        // Asks again and again, and never reads.
        3 => {
            for _ in 0..50 {
                if stream.write_all(REQUEST).await.is_err() {
                    return;
                }
            }
        }
        // Half-open: says that it will send no more.
        _ => drop(stream.shutdown().await),
    }
    sleep(Duration::from_secs(60)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scraper_is_served_while_a_thousand_clients_misbehave() {
    let server = Server::start(500, None).await;
    let mut crowd = JoinSet::new();
    for way in 0..1000 {
        crowd.spawn(misbehave(server.address, way));
    }
    let mut kept = TcpStream::connect(server.address).await.unwrap();
    for _ in 0..5 {
        sleep(Duration::from_secs(1)).await;
        let begun = Instant::now();
        let reply = get(server.address, "/metrics", "").await;
        assert!(reply.starts_with("HTTP/1.1 200"), "{reply:.100}");
        assert!(begun.elapsed() < BOUND, "a new connection took {:?}", begun.elapsed());
        // The next thousand come.
        for way in 0..100 {
            crowd.spawn(misbehave(server.address, way));
        }
        // A kept connection may have been given up, as Prometheus expects of any server; then it connects anew.
        let mut head = [0; 12];
        let asked = kept.write_all(b"HEAD /metrics HTTP/1.1\r\nHost: h\r\n\r\n").await;
        if asked.is_err() || !matches!(timeout(BOUND, kept.read_exact(&mut head)).await, Ok(Ok(_))) {
            kept = TcpStream::connect(server.address).await.unwrap();
        } else {
            assert_eq!(&head, b"HTTP/1.1 200");
            let mut rest = vec![0; 4096];
            let _ = timeout(BOUND, kept.read(&mut rest)).await;
        }
    }
}

#[tokio::test]
async fn garbage_is_answered_or_dropped_and_nothing_else_happens() {
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
async fn a_request_s_body_is_not_read_and_other_methods_are_refused() {
    let server = Server::start(1, None).await;
    let request = "POST /metrics HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000000\r\n\r\nabc";
    let reply = timeout(Duration::from_secs(5), exchange(server.address, request)).await.unwrap();
    assert!(reply.starts_with("HTTP/1.1 405"), "{reply}");
    assert!(reply.contains("allow: GET, HEAD") && reply.contains("connection: close"), "{reply}");
}

#[tokio::test]
async fn a_connection_answers_a_thousand_requests_and_no_more() {
    let server = Server::start(1, None).await;
    let reply = exchange(server.address, &"HEAD /-/healthy HTTP/1.1\r\nHost: h\r\n\r\n".repeat(1001)).await;
    assert_eq!(reply.matches("HTTP/1.1 200").count(), 1000);
    assert_eq!(reply.matches("connection: close").count(), 1);
}

#[tokio::test]
async fn a_stop_finishes_what_is_in_flight_and_does_not_wait_for_the_silent() {
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
async fn pages_and_json_carry_names_safely() {
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
async fn the_probe_address_answers_probes_alone() {
    let server = Server::start(1, None).await;
    for (path, status) in [("/-/healthy", 200), ("/-/ready", 200), ("/metrics", 404), ("/", 404)] {
        let reply = get(server.probes, path, "").await;
        assert!(reply.starts_with(&format!("HTTP/1.1 {status}")), "{path}: {reply}");
    }
}
