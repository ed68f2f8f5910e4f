//! `healthcheck` says how an exporter is, whatever that one listens with.

use std::{fs, net::TcpListener, time::Duration};

use rcgen::{CertificateParams, KeyPair};
use tempfile::TempDir;
use tokio::time::Instant;

use crate::support::{Finished, Program, Start};

async fn check(program: &Program, arguments: &[&str]) -> Finished {
    let address = program.address().to_string();
    Start::bare(&["healthcheck", "--web.listen-address", &address]).args(arguments).finish().await
}

/// A daemon whose only target is never polled to an end.
fn unready() -> (TcpListener, Start) {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = silent.local_addr().unwrap();
    let yaml = format!("workspaces: [{{id: w1, endpoint: 'http://{endpoint}', namespaces: [n1]}}]\n");
    (silent, Start::daemon().config(&yaml))
}

/// A web configuration with a certificate that nobody signed.
fn tls(directory: &TempDir, more: &str) -> String {
    let key = KeyPair::generate().unwrap();
    let own = CertificateParams::new(vec!["exporter.example".to_owned()]).unwrap().self_signed(&key).unwrap();
    let path = |name: &str| directory.path().join(name);
    fs::write(path("server.pem"), own.pem()).unwrap();
    fs::write(path("server.key"), key.serialize_pem()).unwrap();
    let yaml = format!("tls_server_config: {{cert_file: server.pem, key_file: server.key{more}}}\n");
    fs::write(path("web.yml"), yaml).unwrap();
    path("web.yml").to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_serving_process_is_healthy_and_ready_once_its_targets_are_polled() {
    let program = Start::demo().ready().await;
    let finished = check(&program, &[]).await.with_code(0);
    assert_eq!(finished.stdout, format!("http://{}/-/healthy answers 200 OK\n", program.address()));
    check(&program, &["--ready"]).await.with_code(0);

    let (_silent, start) = unready();
    let program = start.listening().await;
    check(&program, &[]).await.with_code(0);
    let finished = check(&program, &["--ready"]).await.with_code(1);
    assert!(finished.stderr.contains("/-/ready answers 503"), "{finished:?}");
}

#[tokio::test]
async fn a_port_that_is_closed_or_silent_is_not_healthy() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let arguments = ["healthcheck", "--web.listen-address", &address];
    let finished = Start::bare(&arguments).finish().await.with_code(1);
    assert!(finished.stderr.contains("doesn't answer within 3 s"), "{finished:?}");
    drop(listener);
    let finished = Start::bare(&arguments).finish().await.with_code(1);
    assert!(finished.stderr.contains("Connection refused"), "{finished:?}");
    assert_eq!(finished.stdout, "");
}

#[tokio::test]
async fn both_ways_of_asking_share_one_limit() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let _slow = std::thread::spawn(move || {
        let first = listener.accept().unwrap();
        std::thread::sleep(Duration::from_secs(2));
        drop(first);
        // The second is accepted by the kernel, and never answered.
        std::thread::sleep(Duration::from_secs(10));
    });
    let begun = Instant::now();
    let finished =
        Start::bare(&["healthcheck", "--web.listen-address", &address]).finish().await.with_code(1);
    assert!(finished.stderr.contains("https://") && finished.stderr.contains("within 3 s"), "{finished:?}");
    assert!(begun.elapsed() < Duration::from_millis(4500), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn tls_is_found_out_and_a_proxy_is_not_asked() {
    let directory = TempDir::new().unwrap();
    let web = tls(&directory, "");
    let program = Start::demo().args(&["--web.config.file", &web]).listening().await;
    let address = program.address().to_string();
    let start = Start::bare(&["healthcheck", "--web.listen-address", &address]);
    let start = start.env("HTTP_PROXY", "http://127.0.0.1:1").env("HTTPS_PROXY", "http://127.0.0.1:1");
    let finished = start.finish().await.with_code(0);
    assert_eq!(finished.stdout, format!("https://{address}/-/healthy answers 200 OK\n"));
}

#[tokio::test]
async fn where_client_certificates_are_required_the_probe_address_is_asked() {
    let directory = TempDir::new().unwrap();
    let web = tls(&directory, ", client_ca_file: server.pem, client_auth_type: RequireAndVerifyClientCert");
    // The kernel gives a free port, which another may take until the program does: unlikely, and a clear failure.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let arguments = ["--web.config.file", &web, "--web.probe-address", &free];
    let program = Start::demo().args(&arguments).listening().await;
    let finished = check(&program, &[]).await.with_code(1);
    assert!(finished.stderr.contains("--web.probe-address"), "{finished:?}");
    check(&program, &["--web.probe-address", &free]).await.with_code(0);
}
