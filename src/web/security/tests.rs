//! A table of good and bad files, each with its message.

use std::{fmt::Write as _, path::Path, sync::Arc};

use super::{security_settings::Security, web_config_file};

/// A directory with a certificate, its key, and another key.
fn directory() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let other = rcgen::KeyPair::generate().unwrap();
    let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
    write("cert.pem", &made.cert.pem());
    write("key.pem", &made.signing_key.serialize_pem());
    write("other.pem", &other.serialize_pem());
    write("empty.pem", "");
    directory
}

fn load(directory: &Path, text: &str) -> Result<Security, String> {
    let path = directory.join("web.yml");
    std::fs::write(&path, text).unwrap();
    let loaded = web_config_file::load(&path, &Arc::default()).security;
    loaded.map_err(|error| error.to_string().replace(&format!("{}: ", path.display()), ""))
}

const PAIR: &str = "cert_file: cert.pem, key_file: key.pem";
const HASH: &str = "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi";

#[test]
fn good_files_are_taken() {
    let directory = directory();
    let tls = |more: &str| format!("tls_server_config: {{{PAIR}{more}}}");
    for text in [
        String::new(),
        "# nothing\n".into(),
        "{}".into(),
        "tls_server_config: {}\n".into(),
        "tls_server_config:\n".into(),
        tls(""),
        tls(", client_auth_type: NoClientCert"),
        tls(", client_auth_type: RequestClientCert"),
        tls(", client_auth_type: RequireAnyClientCert"),
        tls(", client_auth_type: RequireClientCert"),
        tls(", client_auth_type: VerifyClientCertIfGiven, client_ca_file: cert.pem"),
        tls(", client_auth_type: RequireAndVerifyClientCert, client_ca_file: cert.pem, client_allowed_sans: [a]"),
        tls(", client_auth_type: RequireAnyClientCert, client_allowed_sans: []"),
        tls(", min_version: TLS13, max_version: TLS13"),
        tls(", min_version: TLS12, max_version: TLS12"),
        tls(", cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305, \
             TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, TLS_AES_128_GCM_SHA256]"),
        tls(", curve_preferences: [CurveP256, CurveP384, X25519], prefer_server_cipher_suites: false"),
        "http_server_config: {http2: false, headers: {X-Frame-Options: DENY, Strict-Transport-Security: max-age=1}}"
            .into(),
        format!("basic_auth_users: {{alice: '{HASH}'}}"),
        "rate_limit: {interval: 1s, burst: 20}".into(),
        "rate_limit: {interval: 0}".replace('0', "'0'"),
    ] {
        let loaded = load(directory.path(), &text);
        assert!(loaded.is_ok(), "{text}: {loaded:?}");
        assert_eq!(loaded.unwrap().tls.is_some(), text.contains("cert_file"), "{text}");
    }
}

#[test]
fn inline_material_is_taken_and_a_path_wins_over_it() {
    let directory = directory();
    let read = |name: &str| std::fs::read_to_string(directory.path().join(name)).unwrap();
    let indented = |name: &str| read(name).replace('\n', "\n    ");
    let inline = format!(
        "tls_server_config:\n  cert: |\n    {}\n  key: |\n    {}\n",
        indented("cert.pem"),
        indented("key.pem")
    );
    assert!(load(directory.path(), &inline).unwrap().tls.is_some());
    let both = format!("{inline}  key_file: other.pem\n");
    assert!(load(directory.path(), &both).unwrap_err().contains("does not match the certificate"));
}

#[test]
fn bad_files_are_refused_by_name() {
    let directory = directory();
    let tls = |more: &str| format!("tls_server_config: {{{PAIR}{more}}}");
    let mut told = String::new();
    for text in [
        "tls_server_confg: {}".to_owned(),
        "tls_server_config: {cert_fil: a}".into(),
        "http_server_config: {http3: true}".into(),
        "rate_limit: {bursts: 1}".into(),
        "- a".into(),
        "tls_server_config: [".into(),
        "tls_server_config: {cert_file: cert.pem}".into(),
        "tls_server_config: {key_file: key.pem}".into(),
        "tls_server_config: {client_auth_type: RequireAnyClientCert}".into(),
        "tls_server_config: {cert_file: missing.pem, key_file: key.pem}".into(),
        "tls_server_config: {cert_file: empty.pem, key_file: empty.pem}".into(),
        "tls_server_config: {cert_file: key.pem, key_file: cert.pem}".into(),
        "tls_server_config: {cert_file: cert.pem, key_file: other.pem}".into(),
        "tls_server_config: {cert_file: '', key_file: ''}".into(),
        "tls_server_config: {cert_file: cert.pem, key_file: ' '}".into(),
        "tls_server_config: {cert: '', key: '', client_auth_type: ''}".into(),
        "tls_server_config: {cert_file: }".into(),
        "tls_server_config: {min_version: TLS13}".into(),
        "tls_server_config: {prefer_server_cipher_suites: true}".into(),
        "tls_server_config: ''".into(),
        tls(", client_ca_file: cert.pem"),
        tls(", client_ca_file: cert.pem, client_auth_type: ''"),
        tls(", client_ca_file: '', client_auth_type: RequireAndVerifyClientCert"),
        tls(", client_allowed_sans: []"),
        tls(", client_allowed_sans: ''"),
        tls(", client_auth_type: RequireAndVerifyClientCert"),
        tls(", client_auth_type: RequireAndVerifyClientCert, client_ca_file: empty.pem"),
        tls(", client_auth_type: Sometimes"),
        tls(", client_auth_type: RequestClientCert, client_allowed_sans: [a]"),
        tls(", client_allowed_sans: [a]"),
        tls(", min_version: TLS10"),
        tls(", max_version: TLS11"),
        tls(", min_version: SSL3"),
        tls(", min_version: TLS13, max_version: TLS12"),
        tls(", cipher_suites: [TLS_RSA_WITH_AES_128_CBC_SHA]"),
        tls(", cipher_suites: [TLS_NONSENSE]"),
        tls(", curve_preferences: [CurveP521]"),
        tls(", curve_preferences: [P256]"),
        "http_server_config: {headers: {Server: a}}".into(),
        "http_server_config: {headers: {X-Frame-Options: allow}}".into(),
        "http_server_config: {headers: {X-XSS-Protection: \"a\\nb\"}}".into(),
        "basic_auth_users: {alice: hunter2}".into(),
        "basic_auth_users: {alice: 12345}".into(),
        "basic_auth_users: hunter2".into(),
        "basic_auth_users: {1: a}".into(),
        "basic_auth_users: ''".into(),
        "basic_auth_users: {alice: ''}".into(),
        format!("basic_auth_users: {{alice: '{}'}}", HASH.replace("$10$", "$31$")),
        "rate_limit: {interval: soon}".into(),
        "rate_limit: {interval: 1s, burst: -1}".into(),
    ] {
        let error = load(directory.path(), &text).expect_err(&text);
        let _ = writeln!(told, "{text}\n    {}", error.replace('\n', "\n    "));
    }
    assert!(!told.contains("hunter2:") && !told.contains("`12345`"));
    insta::assert_snapshot!(told);
}

const SECRET: &str = "hunter2";

#[test]
fn errors_never_show_a_value() {
    let directory = directory();
    let keys = [
        ("tls_server_config", "cert cert_file key key_file client_ca client_ca_file client_auth_type"),
        ("tls_server_config", "client_allowed_sans min_version max_version cipher_suites curve_preferences"),
        ("tls_server_config", "prefer_server_cipher_suites Xhunter2X"),
        ("http_server_config", "http2 headers Xhunter2X"),
        ("basic_auth_users", "alice $2y$hunter2"),
        ("rate_limit", "interval burst Xhunter2X"),
    ];
    let mut texts =
        vec![SECRET.to_owned(), format!("- {SECRET}"), format!("{SECRET} : {SECRET}\n\t- {SECRET}:")];
    texts.push(format!("'{SECRET}': 1\n'{SECRET}': 2\n"));
    for value in [SECRET, "[hunter2]", "{hunter2: hunter2}", "!hunter2 hunter2", "[{a: hunter2}]", "[hunter2"]
    {
        texts.extend(
            ["tls_server_config", "http_server_config", "basic_auth_users", "rate_limit", "Xhunter2X"]
                .map(|section| format!("{section}: {value}")),
        );
        for (section, keys) in keys {
            texts.extend(keys.split(' ').map(|key| format!("{section}: {{'{key}': {value}}}")));
        }
        texts.extend(
            ["X-Frame-Options", "hunter2"]
                .map(|name| format!("http_server_config: {{headers: {{{name}: {value}}}}}")),
        );
    }
    for text in texts {
        let Err(error) = load(directory.path(), &text) else { continue };
        // The names of users are shown.
        let error = error.replace("basic_auth_users.hunter2", "");
        assert!(!error.contains(SECRET), "{text}: {error}");
    }
}

#[test]
fn a_private_key_as_web_configuration_is_not_shown() {
    let directory = directory();
    let key = std::fs::read_to_string(directory.path().join("key.pem")).unwrap();
    let encrypted = key.replacen('\n', "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,0123\n\n", 1);
    for text in [key.clone(), encrypted, format!("tls_server_config: {key}"), format!("key: |\n{key}")] {
        let error = load(directory.path(), &text).expect_err("a key is no web configuration");
        for line in key.lines().filter(|line| !line.starts_with('-')) {
            assert!(!error.contains(&line[..16]), "{error}");
        }
        assert!(!error.contains("0123"), "{error}");
    }
}

#[test]
fn blank_settings_beside_a_certificate_count_as_missing() {
    let directory = directory();
    for blank in ["cert: ''", "key: ' '", "client_ca_file: ''", "client_auth_type: ''", "min_version: ''"] {
        let text = format!("tls_server_config: {{{PAIR}, {blank}, max_version: , cipher_suites: []}}");
        let security = load(directory.path(), &text).expect(&text);
        assert!(security.tls.is_some());
    }
}

#[test]
fn byte_order_marks_are_skipped() {
    let directory = directory();
    for name in ["cert.pem", "key.pem"] {
        let path = directory.path().join(name);
        std::fs::write(&path, format!("\u{feff}{}", std::fs::read_to_string(&path).unwrap())).unwrap();
    }
    assert!(load(directory.path(), &format!("\u{feff}tls_server_config: {{{PAIR}}}")).unwrap().tls.is_some());
}

#[test]
fn files_that_never_end_or_are_too_large_are_refused() {
    let directory = directory();
    std::fs::write(directory.path().join("large.pem"), vec![b'x'; 2 << 20]).unwrap();
    for file in ["/dev/zero", "large.pem", "."] {
        let error =
            load(directory.path(), &format!("tls_server_config: {{cert_file: {file}, key_file: key.pem}}"));
        assert!(
            error.as_ref().is_err_and(|error| error.contains("cert_file: cannot be read")),
            "{file}: {error:?}"
        );
    }
}
