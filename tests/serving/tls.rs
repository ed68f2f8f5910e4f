use std::{fs, path::Path, sync::Arc, time::Duration};

use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, date_time_ymd,
};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use crate::server::{Server, get};

/// Writes a CA, certificates of it for a server and a client, and self-signed certificates for clients.
fn certificates(directory: &Path) {
    let write = |name: &str, text: String| fs::write(directory.join(name), text).unwrap();
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    write("ca.pem", authority.self_signed(&key).unwrap().pem());
    let issuer = Issuer::new(authority, key);
    for (name, san) in [("server", "localhost"), ("client", "scraper.example")] {
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(vec![san.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
        write(&format!("{name}.pem"), certificate.pem());
        write(&format!("{name}.key"), key.serialize_pem());
    }
    let key = KeyPair::generate().unwrap();
    let own = CertificateParams::new(vec!["scraper.example".to_owned()]).unwrap().self_signed(&key).unwrap();
    write("stranger.pem", own.pem());
    write("stranger.key", key.serialize_pem());
    // As created by `openssl req -x509`: self-signed, and a CA.
    for (name, usage) in [("selfsigned", None), ("serveronly", Some(ExtendedKeyUsagePurpose::ServerAuth))] {
        let mut params = CertificateParams::new(vec!["scraper.example".to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.extended_key_usages.extend(usage);
        let key = KeyPair::generate().unwrap();
        write(&format!("{name}.pem"), params.self_signed(&key).unwrap().pem());
        write(&format!("{name}.key"), key.serialize_pem());
    }
    let mut expired = CertificateParams::new(Vec::new()).unwrap();
    expired.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    expired.not_after = date_time_ymd(2020, 1, 1);
    let key = KeyPair::generate().unwrap();
    write("expired.pem", expired.self_signed(&key).unwrap().pem());
    write("expired.key", key.serialize_pem());
}

fn read(directory: &Path, name: &str) -> Vec<u8> {
    fs::read(directory.join(name)).unwrap()
}

/// The status of a request over TLS with the named client certificate and ALPN, and what ALPN chose.
async fn ask(
    server: &Server,
    directory: &Path,
    client: Option<&str>,
    alpn: &[&str],
) -> Result<(String, Option<Vec<u8>>), std::io::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&read(directory, "ca.pem")).unwrap()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match client {
        None => builder.with_no_client_auth(),
        Some(name) => {
            let certificate =
                CertificateDer::from_pem_slice(&read(directory, &format!("{name}.pem"))).unwrap();
            let key = PrivateKeyDer::from_pem_slice(&read(directory, &format!("{name}.key"))).unwrap();
            builder.with_client_auth_cert(vec![certificate], key).unwrap()
        }
    };
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    let exchange = async {
        let stream = TcpStream::connect(server.address).await?;
        let name = ServerName::try_from("localhost").unwrap();
        let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
        let chosen = stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").await?;
        let mut reply = Vec::new();
        // The server closes an HTTP/2 connection that sends HTTP/1.1.
        let read = stream.read_to_end(&mut reply).await;
        if chosen.as_deref() != Some(b"h2") {
            read?;
        }
        Ok((String::from_utf8_lossy(&reply).lines().next().unwrap_or_default().to_owned(), chosen))
    };
    timeout(Duration::from_secs(10), exchange).await.unwrap()
}

/// The metrics, over TLS.
async fn body(server: &Server, directory: &Path) -> String {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&read(directory, "ca.pem")).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(server.address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
    stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").await.unwrap();
    let mut reply = String::new();
    timeout(Duration::from_secs(30), stream.read_to_string(&mut reply)).await.unwrap().unwrap();
    reply
}

async fn start(directory: &Path, more: &str) -> Server {
    let path = directory.join("web.yml");
    fs::write(&path, format!("tls_server_config: {{cert_file: server.pem, key_file: server.key{more}}}\n"))
        .unwrap();
    Server::start(1, Some(&path)).await
}

#[tokio::test]
async fn each_client_auth_type_accepts_and_rejects_the_right_clients() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    certificates(directory);
    let verify = "client_ca_file: ca.pem, client_auth_type";
    for (more, nobody, stranger, client) in [
        (String::new(), true, true, true),
        (", client_auth_type: RequestClientCert".into(), true, true, true),
        (", client_auth_type: RequireAnyClientCert".into(), false, true, true),
        (format!(", {verify}: VerifyClientCertIfGiven"), true, false, true),
        (format!(", {verify}: RequireAndVerifyClientCert"), false, false, true),
        (format!(", {verify}: RequireAndVerifyClientCert, max_version: TLS12"), false, false, true),
        (
            format!(", {verify}: RequireAndVerifyClientCert, client_allowed_sans: [other.example]"),
            false,
            false,
            false,
        ),
        (
            format!(", {verify}: RequireAndVerifyClientCert, client_allowed_sans: [a, scraper.example]"),
            false,
            false,
            true,
        ),
        (", client_auth_type: RequireAnyClientCert, client_allowed_sans: []".into(), false, false, false),
        (format!(", {verify}: RequireAndVerifyClientCert, client_allowed_sans: []"), false, false, false),
        (
            ", client_auth_type: RequireAnyClientCert, client_allowed_sans: [other.example]".into(),
            false,
            false,
            false,
        ),
    ] {
        let server = start(directory, &more).await;
        for (name, expected) in [(None, nobody), (Some("stranger"), stranger), (Some("client"), client)] {
            let asked = ask(&server, directory, name, &[]).await;
            let let_in = asked.as_ref().is_ok_and(|(status, _)| status == "HTTP/1.1 200 OK");
            assert_eq!(let_in, expected, "{more}: {name:?}: {asked:?}");
        }
        let probe = get(server.probes, "/-/healthy", "").await;
        assert!(probe.starts_with("HTTP/1.1 200"), "{more}: a probe needs no certificate");
    }
}

#[tokio::test]
async fn a_self_signed_client_certificate_is_accepted_if_it_is_listed() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    certificates(directory);
    for (name, listed, expected) in [
        ("selfsigned", "selfsigned", true),
        ("selfsigned", "ca", false),
        ("stranger", "stranger", true),
        ("serveronly", "serveronly", false),
        ("expired", "expired", false),
    ] {
        for version in ["TLS12", "TLS13"] {
            let more = format!(
                ", client_ca_file: {listed}.pem, client_auth_type: RequireAndVerifyClientCert, max_version: {version}"
            );
            let server = start(directory, &more).await;
            let asked = ask(&server, directory, Some(name), &[]).await;
            let let_in = asked.as_ref().is_ok_and(|(status, _)| status == "HTTP/1.1 200 OK");
            assert_eq!(let_in, expected, "{name} by {listed}, {version}: {asked:?}");
        }
    }
}

#[tokio::test]
async fn the_certificate_expiry_is_exported_only_with_tls() {
    let directory = tempfile::tempdir().unwrap();
    certificates(directory.path());
    let server = start(directory.path(), "").await;
    let name = "aliyun_flink_exporter_tls_certificate_expiry_timestamp_seconds";
    let metrics = body(&server, directory.path()).await;
    // rcgen's certificates are valid until the year 4096.
    assert!(metrics.contains(&format!("\n{name} 67090118400\n")), "{metrics}");
    let plain = Server::start(1, None).await;
    assert!(!get(plain.address, "/metrics", "").await.contains(name));
}

#[tokio::test]
async fn http2_is_negotiated_over_tls_unless_disabled() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    certificates(directory);
    let server = start(directory, "").await;
    let chosen = |asked: Result<(String, Option<Vec<u8>>), std::io::Error>| asked.unwrap().1;
    let (h2, h1) = (Some(b"h2".to_vec()), Some(b"http/1.1".to_vec()));
    assert_eq!(chosen(ask(&server, directory, None, &["h2", "http/1.1"]).await), h2);
    assert_eq!(chosen(ask(&server, directory, None, &["http/1.1"]).await), h1);
    let path = directory.join("off.yml");
    let text = "tls_server_config: {cert_file: server.pem, key_file: server.key}\nhttp_server_config: {http2: false}";
    fs::write(&path, text).unwrap();
    let server = Server::start(1, Some(&path)).await;
    assert_eq!(chosen(ask(&server, directory, None, &["h2", "http/1.1"]).await), h1);
}

#[tokio::test]
async fn plain_http_is_rejected_on_a_tls_port() {
    let directory = tempfile::tempdir().unwrap();
    certificates(directory.path());
    let server = start(directory.path(), "").await;
    assert!(!get(server.address, "/metrics", "").await.contains("HTTP/1.1 200"));
}

#[tokio::test]
async fn basic_auth_applies_to_all_paths_but_probes_and_headers_to_all() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("web.yml");
    let hash = bcrypt::hash("secret", 4).unwrap();
    let headers =
        "http_server_config: {headers: {X-Frame-Options: SAMEORIGIN, Strict-Transport-Security: max-age=1}}";
    fs::write(&path, format!("basic_auth_users: {{alice: '{hash}'}}\n{headers}\n")).unwrap();
    let server = Server::start(1, Some(&path)).await;
    // alice:secret and alice:wrong.
    let (right, wrong) =
        ("Authorization: Basic YWxpY2U6c2VjcmV0\r\n", "Authorization: Basic YWxpY2U6d3Jvbmc=\r\n");
    for (path, credentials, status) in [
        ("/metrics", right, 200),
        ("/metrics", wrong, 401),
        ("/metrics", "", 401),
        ("/", "", 401),
        ("/api/v1/status", "", 401),
        ("/nothing", "", 401),
        ("/-/healthy", "", 200),
        ("/-/ready", wrong, 200),
    ] {
        let reply = get(server.address, path, credentials).await;
        assert!(reply.starts_with(&format!("HTTP/1.1 {status}")), "{path} {credentials}: {reply:.200}");
        assert!(reply.contains("strict-transport-security: max-age=1"), "{reply:.400}");
        assert_eq!(reply.contains("www-authenticate: Basic"), status == 401, "{reply:.400}");
    }
    assert!(get(server.address, "/", right).await.contains("x-frame-options: SAMEORIGIN"));
}

#[tokio::test]
async fn the_rate_limit_does_not_apply_to_probes() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("web.yml");
    fs::write(&path, "rate_limit: {interval: 1h, burst: 2}\n").unwrap();
    let server = Server::start(1, Some(&path)).await;
    let mut statuses = Vec::new();
    for path in ["/metrics", "/", "/metrics", "/-/healthy"] {
        statuses.push(get(server.address, path, "").await[9..12].to_owned());
    }
    assert_eq!(statuses, ["200", "200", "429", "200"]);
}
