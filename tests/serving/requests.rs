//! Requests that are rejected before routing, and the paths that are served.

use std::time::Duration;

use aliyun_flink_exporter::web::{Paths, ReloadHandle};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::mpsc,
    time::timeout,
};

use url::Url;

use crate::server::{Server, exchange, get};

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
async fn cross_site_reloads_are_rejected() {
    let (requests, mut received) = mpsc::channel(8);
    let server = Server::start_with(1, None, Some(ReloadHandle::new(requests)), Paths::default()).await;
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

#[tokio::test]
async fn paths_have_the_route_prefix_and_links_the_external_path() {
    let external = Url::parse("https://h.example/a/flink/").unwrap();
    for (external, prefix, served, linked) in [
        (None, Some("/flink"), "/flink", "/flink"),
        (Some(&external), None, "/a/flink", "/a/flink"),
        (Some(&external), Some("/"), "", "/a/flink"),
    ] {
        let paths = Paths::new("/metrics", external, prefix);
        let server = Server::start_with(1, None, None, paths).await;
        for path in
            ["/metrics", "/", "/targets/w/n", "/api/v1/status", "/api/v1/targets/w/n/deployments", "/-/ready"]
        {
            let reply = get(server.address, &format!("{served}{path}"), "").await;
            assert!(reply.starts_with("HTTP/1.1 200"), "{served}{path}: {reply:.100}");
            if !served.is_empty() && path != "/" {
                assert!(get(server.address, path, "").await.starts_with("HTTP/1.1 404"), "{path}");
            }
            let links: Vec<_> = reply.split("href=\"").skip(1).collect();
            for link in &links {
                assert!(link.starts_with(&format!("{linked}/")), "{path}: {link:.60}");
            }
            assert_eq!(links.is_empty(), !(path == "/" || path.starts_with("/targets")), "{path}");
        }
        if !served.is_empty() {
            for path in ["/", served] {
                let reply = get(server.address, path, "").await.to_ascii_lowercase();
                assert!(
                    reply.starts_with("http/1.1 302") && reply.contains(&format!("location: {linked}/\r\n"))
                );
            }
        }
        assert!(
            get(server.probes, "/-/healthy", "").await.starts_with("HTTP/1.1 200"),
            "probes have no prefix"
        );
    }
}

#[tokio::test]
async fn a_request_followed_by_a_half_close_is_answered() {
    let server = Server::start(20, None).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").await.unwrap();
    stream.shutdown().await.unwrap();
    let mut reply = String::new();
    timeout(Duration::from_secs(30), stream.read_to_string(&mut reply)).await.unwrap().unwrap();
    assert!(
        reply.starts_with("HTTP/1.0 200") && reply.contains("aliyun_flink_deployment_info"),
        "{reply:.200}"
    );
}
