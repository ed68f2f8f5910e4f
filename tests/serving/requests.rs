//! Which requests are refused before they are routed.

use aliyun_flink_exporter::web::Reload;
use tokio::sync::mpsc;

use crate::server::{Server, exchange};

#[tokio::test]
async fn http_1_1_without_host_or_with_two_is_a_bad_request() {
    let server = Server::start(1, None).await;
    for (head, status) in [
        ("GET /metrics HTTP/1.1\r\n", 400),
        ("GET /metrics HTTP/1.1\r\nHost: a\r\nHost: b\r\n", 400),
        ("GET /metrics HTTP/1.1\r\nHost: a b\r\n", 400),
        ("GET /metrics HTTP/1.1\r\nHost: a\r\n", 200),
        ("GET /metrics HTTP/1.0\r\n", 200),
    ] {
        for address in [server.address, server.probes] {
            let head = if address == server.probes {
                head.replace("/metrics", "/-/healthy")
            } else {
                head.to_owned()
            };
            let reply = exchange(address, &format!("{head}Connection: close\r\n\r\n")).await;
            assert!(
                reply.starts_with(&format!("HTTP/1.{} {status}", u8::from(head.contains("1.1")))),
                "{head}: {reply:.80}"
            );
        }
    }
}

#[tokio::test]
async fn a_reload_is_not_for_pages_of_other_sites() {
    let (requests, mut received) = mpsc::channel(8);
    let server = Server::start_with(1, None, Some(Reload::new(requests))).await;
    tokio::spawn(async move {
        while let Some(answer) = received.recv().await {
            let _ = tokio::sync::oneshot::Sender::send(answer, Ok("targets: 1 unchanged".to_owned()));
        }
    });
    for (headers, status) in [
        ("Content-Length: 0\r\n", 200),
        (
            "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 0\r\nOrigin: https://evil.example\r\n",
            403,
        ),
        ("Sec-Fetch-Site: cross-site\r\n", 403),
        ("Sec-Fetch-Site: same-origin\r\nOrigin: http://h\r\n", 200),
    ] {
        let request = format!("POST /-/reload HTTP/1.1\r\nHost: h\r\nConnection: close\r\n{headers}\r\n");
        let reply = exchange(server.address, &request).await;
        assert!(reply.starts_with(&format!("HTTP/1.1 {status}")), "{headers}: {reply:.200}");
    }
}
