//! HTTP clients that misbehave for as long as the server lets them.

use std::{net::SocketAddr, time::Duration};

use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use crate::{
    LOAD,
    support::{PATIENCE, Program, Start, web_config_with_certificate},
};

/// Maximum time of a scrape, unless the machine is busy.
const SCRAPE_TIMEOUT: Duration = Duration::from_secs(5);

const REQUEST: &[u8] = b"GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n";

/// Holds a connection in one of five ways.
async fn misbehave(address: SocketAddr, way: usize) {
    let Ok(mut stream) = TcpStream::connect(address).await else { return };
    match way % 5 {
        // Sends nothing.
        0 => {}
        // Sends half a head.
        1 => drop(stream.write_all(b"GET /metrics HTTP/1.1\r\nHost").await),
        // Sends a head slowly.
        2 => {
            for byte in REQUEST.iter().take(20).cycle() {
                if stream.write_all(&[*byte]).await.is_err() {
                    return;
                }
                sleep(Duration::from_millis(100)).await;
            }
        }
        // Sends many requests and does not read.
        3 => {
            for _ in 0..50 {
                if stream.write_all(REQUEST).await.is_err() {
                    return;
                }
            }
        }
        // Closes its half of the connection.
        _ => drop(stream.shutdown().await),
    }
    sleep(PATIENCE).await;
}

/// Sends a HEAD request. Returns whether the server has kept the connection.
async fn scrape_again(connection: &mut TcpStream, limit: Duration) -> bool {
    let mut start = [0; 12];
    let sent = connection.write_all(b"HEAD /metrics HTTP/1.1\r\nHost: h\r\n\r\n").await;
    if sent.is_err() || !matches!(timeout(limit, connection.read_exact(&mut start)).await, Ok(Ok(_))) {
        return false;
    }
    assert_eq!(&start, b"HTTP/1.1 200");
    let _ = timeout(limit, connection.read(&mut [0; 4096])).await;
    true
}

/// How long a scrape over a new connection takes.
async fn scrape(program: &Program) -> Duration {
    let begun = Instant::now();
    assert_eq!(program.get("/metrics").await.status, 200);
    begun.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scrapes_are_served_while_a_thousand_clients_misbehave() {
    let _load = LOAD.lock().await;
    let program = Start::demo().args(&["--namespaces", "1", "--deployments", "500"]).ready().await;
    let mut limit = SCRAPE_TIMEOUT;
    for _ in 0..3 {
        // The clients load the machine in addition to what loads it already.
        limit = limit.max(100 * scrape(&program).await);
    }
    let mut clients = JoinSet::new();
    for way in 0..1000 {
        clients.spawn(misbehave(program.address(), way));
    }
    let mut kept = TcpStream::connect(program.address()).await.unwrap();
    for _ in 0..5 {
        sleep(Duration::from_secs(1)).await;
        let took = scrape(&program).await;
        assert!(took < limit, "a scrape took {took:?} of {limit:?}");
        for way in 0..100 {
            clients.spawn(misbehave(program.address(), way));
        }
        // The server may close an idle connection. Prometheus then opens another one.
        if !scrape_again(&mut kept, limit).await {
            kept = TcpStream::connect(program.address()).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_client_that_does_not_finish_its_handshake_is_disconnected() {
    let directory = TempDir::new().unwrap();
    let web_config = web_config_with_certificate(directory.path(), "");
    let program = Start::demo().args(&["--web.config.file", &web_config]).listening().await;
    let mut client = TcpStream::connect(program.address()).await.unwrap();
    // The start of a handshake record.
    client.write_all(&[0x16, 3, 1, 2, 0]).await.unwrap();
    let end = timeout(PATIENCE, client.read(&mut [0; 64])).await;
    assert!(matches!(end, Ok(Ok(0) | Err(_))), "{end:?}");
}
