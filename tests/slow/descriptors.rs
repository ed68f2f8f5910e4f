//! Low limits on file descriptors.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::{LOAD, support::Start};

#[tokio::test]
async fn scrapes_are_served_while_other_clients_hold_more_connections_than_there_are_descriptors() {
    let _load = LOAD.lock().await;
    for limit in ["64", "256"] {
        let launcher = ["prlimit", &format!("--nofile={limit}:{limit}"), "--"];
        let program = Start::run_by(&launcher, &["demo", "--namespaces=1", "--deployments=10"]);
        let program = program.args(&["--web.listen-address=127.0.0.1:0"]).ready().await;
        let mut others = Vec::new();
        for _ in 0..400 {
            // The kernel may refuse some of them.
            if let Ok(Ok(client)) =
                timeout(Duration::from_secs(5), TcpStream::connect(program.address())).await
            {
                others.push(client);
            }
        }
        for _ in 0..3 {
            let mut scraper = TcpStream::connect(program.address()).await.unwrap();
            scraper.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").await.unwrap();
            let mut reply = String::new();
            timeout(Duration::from_secs(60), scraper.read_to_string(&mut reply)).await.unwrap().unwrap();
            assert!(reply.starts_with("HTTP/1.0 200"), "{limit}: {reply:.100}");
        }
        let lines = program.stderr().matches("cannot accept a connection").count();
        assert!(lines <= 1, "{limit}: {}", program.stderr());
    }
}
