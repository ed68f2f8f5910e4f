//! `healthcheck`. Its timeouts are tested in `tests/slow`.

use std::net::TcpListener;

use tempfile::TempDir;

use crate::support::{Finished, Program, Start, web_config_with_certificate};

async fn check(program: &Program, arguments: &[&str]) -> Finished {
    let address = program.address().to_string();
    Start::bare(&["healthcheck", "--web.listen-address", &address]).args(arguments).finish().await
}

/// A daemon whose first poll never ends.
fn unready() -> (TcpListener, Start) {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = silent.local_addr().unwrap();
    let yaml = format!("workspaces: [{{id: w1, endpoint: 'http://{endpoint}', namespaces: [n1]}}]\n");
    (silent, Start::daemon().config(&yaml))
}

#[tokio::test]
async fn an_exporter_is_healthy_when_it_serves_and_ready_after_the_first_polls() {
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
async fn tls_is_detected_and_proxies_are_ignored() {
    let directory = TempDir::new().unwrap();
    let web = web_config_with_certificate(directory.path(), "");
    let program = Start::demo().args(&["--web.config.file", &web]).listening().await;
    let address = program.address().to_string();
    let start = Start::bare(&["healthcheck", "--web.listen-address", &address]);
    let start = start.env("HTTP_PROXY", "http://127.0.0.1:1").env("HTTPS_PROXY", "http://127.0.0.1:1");
    let finished = start.finish().await.with_code(0);
    assert_eq!(finished.stdout, format!("https://{address}/-/healthy answers 200 OK\n"));
}

#[tokio::test]
async fn the_probe_address_is_checked_if_client_certificates_are_required() {
    let directory = TempDir::new().unwrap();
    let required = ", client_ca_file: server.pem, client_auth_type: RequireAndVerifyClientCert";
    let web = web_config_with_certificate(directory.path(), required);
    // A free port, unless another program binds it first.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let arguments = ["--web.config.file", &web, "--web.probe-address", &free];
    let program = Start::demo().args(&arguments).listening().await;
    let finished = check(&program, &[]).await.with_code(1);
    assert!(finished.stderr.contains("--web.probe-address"), "{finished:?}");
    check(&program, &["--web.probe-address", &free]).await.with_code(0);
}

#[tokio::test]
async fn a_closed_port_is_unhealthy() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let arguments = ["healthcheck", "--web.listen-address", &address];
    let finished = Start::bare(&arguments).finish().await.with_code(1);
    assert!(finished.stderr.contains("Connection refused"), "{finished:?}");
    assert_eq!(finished.stdout, "");
}
