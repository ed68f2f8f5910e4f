//! Timeouts of `healthcheck`.

use std::{net::TcpListener, time::Duration};

use tokio::{io::AsyncReadExt as _, net, time::Instant};

use crate::support::Start;

#[tokio::test]
async fn a_port_that_does_not_answer_is_unhealthy() {
    // The kernel accepts connections that the program does not.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let finished =
        Start::bare(&["healthcheck", "--web.listen-address", &address]).finish().await.with_code(1);
    assert!(finished.stderr.contains("doesn't answer within 3 s"), "{finished:?}");
    assert_eq!(finished.stdout, "");
}

#[tokio::test]
async fn http_and_https_share_one_timeout() {
    let listener = net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let timing = tokio::spawn(async move {
        let (http, _) = listener.accept().await.unwrap();
        let begun = Instant::now();
        tokio::time::sleep(Duration::from_millis(2500)).await;
        drop(http);
        let (mut https, _) = listener.accept().await.unwrap();
        // Until the client gives up.
        let _ = https.read_to_end(&mut Vec::new()).await;
        begun.elapsed()
    });
    let finished =
        Start::bare(&["healthcheck", "--web.listen-address", &address]).finish().await.with_code(1);
    assert!(finished.stderr.contains("https://") && finished.stderr.contains("within 3 s"), "{finished:?}");
    let took = timing.await.unwrap();
    assert!(took < Duration::from_millis(5400), "two timeouts take 5.5 s, and one 3 s: {took:?}");
}
