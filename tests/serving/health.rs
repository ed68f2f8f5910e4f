//! Health: whether polls finish or time out.

use std::time::Duration;

use tokio::time::Instant;

use crate::server::{Server, exchange};

async fn health(server: &Server) -> String {
    let request = "GET /-/healthy HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    let replies = [exchange(server.address, request).await, exchange(server.probes, request).await];
    let [reply, probe] = replies.map(|reply| {
        let (head, body) = reply.split_once("\r\n\r\n").unwrap();
        format!("{} {body}", head.lines().next().unwrap())
    });
    assert_eq!(reply, probe);
    reply
}

#[tokio::test]
async fn a_poll_that_neither_finishes_nor_times_out_is_unhealthy() {
    let server = Server::start(1, None).await;
    assert_eq!(health(&server).await, "HTTP/1.1 200 OK Healthy\n");
    let (store, now) = (server.publisher.store(), Instant::now());
    let (target, _) = store.targets().remove(0);
    store.schedule(&target, now, now);
    let unhealthy = "HTTP/1.1 503 Service Unavailable Stuck polls, which neither finish nor time out: 1\n";
    assert_eq!(health(&server).await, unhealthy);
    store.schedule(&target, now, now + Duration::from_secs(600));
    assert_eq!(health(&server).await, "HTTP/1.1 200 OK Healthy\n");
}
