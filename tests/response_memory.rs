//! The memory of responses that clients do not read, in a process of its own: its size is measured.

#![expect(clippy::unwrap_used, reason = "a test fails by it")]

#[path = "serving/server.rs"]
#[allow(dead_code, reason = "tests/serving uses the rest")]
mod server;

use std::{fs, time::Duration};

use tokio::{io::AsyncWriteExt as _, net::TcpSocket, time::sleep};

use server::{Server, get};

/// Clients that ask and do not read.
const CLIENTS: usize = 300;

/// The resident memory of this process, in MiB.
fn resident() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() / 1024
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_do_not_read_share_one_copy_of_a_json_body() {
    let server = Server::start(5_000, None).await;
    let path = "/api/v1/targets/w/n/deployments";
    let length = get(server.address, path, "").await.len();
    let before = resident();
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        // A small buffer, so that the response stays in the server.
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let mut client = socket.connect(server.address).await.unwrap();
        client.write_all(format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n").as_bytes()).await.unwrap();
        clients.push(client);
    }
    for client in &clients {
        client.readable().await.unwrap();
    }
    sleep(Duration::from_millis(500)).await;
    let own_copies = CLIENTS * length / (1024 * 1024);
    let grown = resident().saturating_sub(before);
    assert!(own_copies > 400, "the test needs larger bodies: {own_copies} MiB");
    // One copy, the buffers of 300 connections, and what the allocator keeps.
    assert!(grown < 100, "{grown} MiB more, where copies would take {own_copies} MiB");
    assert!(get(server.address, "/metrics", "").await.starts_with("HTTP/1.1 200"), "scrapes go on");
}
