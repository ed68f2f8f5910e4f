//! The program's start and life with credentials that are not there, come late, or end.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test, which waits for a real process"
)]

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Output, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

const BINARY: &str = env!("CARGO_BIN_EXE_aliyun-flink-exporter");
const LISTING: &str = r#"{"success":true,"requestId":"R","totalSize":0,"pageSize":100,"data":[]}"#;
const CREDENTIAL: &str = r#"{"Code":"Success","AccessKeyId":"STS.1","AccessKeySecret":"the-secret",
    "SecurityToken":"the-token","Expiration":"2999-01-01T00:00:00Z"}"#;

/// The metadata service and the API in one; the former answers once it is `up`.
struct Cloud {
    port: u16,
    up: Arc<AtomicBool>,
}

impl Cloud {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let up = Arc::new(AtomicBool::new(false));
        let seen = up.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                answer(&stream.unwrap(), seen.load(Ordering::Relaxed));
            }
        });
        Self { port, up }
    }
}

fn answer(stream: &TcpStream, up: bool) {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let first = lines.next().unwrap_or_default();
    let headers: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    let (status, body) = match first.split(' ').nth(1).unwrap_or_default() {
        path if path.starts_with("/api/") && headers.iter().any(|line| line.contains("the-token")) => {
            ("200 OK", LISTING)
        }
        path if path.starts_with("/latest/") && !up => ("503 Busy", "the-secret"),
        "/latest/api/token" => ("200 OK", "session"),
        path if path.starts_with("/latest/") => ("200 OK", CREDENTIAL),
        _ => ("404 Not Found", ""),
    };
    let length = body.len();
    let mut stream = stream;
    let _ =
        write!(stream, "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
}

fn command(arguments: &[&str], environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(BINARY);
    command.args(arguments).env_clear().envs(environment.iter().copied());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn text(output: &Output) -> String {
    [&output.stdout[..], &output.stderr[..]].map(String::from_utf8_lossy).concat()
}

#[test]
fn without_credentials_the_exit_code_is_1_and_the_error_lists_all_providers() {
    let home = tempfile::tempdir().unwrap();
    let environment =
        [("HOME", home.path().to_str().unwrap()), ("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")];
    for mode in ["run", "once"] {
        let flags = [mode, "--workspace", "w", "--region", "cn-hangzhou", "--namespace", "n"];
        let output = command(&flags, &environment).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", text(&output));
        for part in [
            "workspace w: no credentials found. Looked for:",
            "ALIBABA_CLOUD_ACCESS_KEY_ID",
            "ALIBABA_CLOUD_OIDC_TOKEN_FILE",
            ".aliyun/config.json",
            ".alibabacloud/credentials.ini",
            "ALIBABA_CLOUD_ECS_METADATA_DISABLED",
            "ALIBABA_CLOUD_CREDENTIALS_URI",
        ] {
            assert!(text(&output).contains(part), "{part} is not in {}", text(&output));
        }
    }
}

#[test]
fn a_missing_secret_file_is_reported_at_startup() {
    let key = "{type=access_key,access_key_id=a,access_key_secret_file=\"/nowhere/secret\"}";
    let environment = [("ALIYUN_FLINK_EXPORTER_CREDENTIALS", key)];
    let flags = ["once", "--workspace", "w", "--region", "cn-hangzhou", "--namespace", "n"];
    let output = command(&flags, &environment).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output).contains("/nowhere/secret can't be read: there is no such file"),
        "{}",
        text(&output)
    );
}

#[test]
fn a_profile_with_an_unsupported_mode_is_skipped_with_one_log_line() {
    let (home, cloud) = (tempfile::tempdir().unwrap(), Cloud::start());
    let write = |name: &str, text: &str| {
        let path = home.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write(
        ".aliyun/config.json",
        r#"{"current":"a","profiles":[{"name":"a","mode":"CloudSSO","access_token":"the-secret"}]}"#,
    );
    write(
        ".alibabacloud/credentials",
        "[default]\ntype=access_key\naccess_key_id=a\naccess_key_secret=the-secret\n",
    );
    let workspaces = format!("[{{id=w,endpoint=\"http://127.0.0.1:{}\",namespaces=[n]}}]", cloud.port);
    let environment =
        [("HOME", home.path().to_str().unwrap()), ("ALIYUN_FLINK_EXPORTER_WORKSPACES", workspaces.as_str())];
    let output = command(&["doctor", "--log.level", "trace"], &environment).output().unwrap();
    let text = text(&output);
    assert!(text.contains("from the profile \"default\" in"), "{text}");
    let lines = text.lines().filter(|line| line.contains("CloudSSO"));
    let [line] = lines.collect::<Vec<_>>()[..] else { panic!("one line: {text}") };
    assert!(line.contains("level=warn") && line.contains("is not supported here: AK, StsToken"), "{line}");
    assert!(!text.contains("the-secret"), "{text}");
}

/// What `doctor` logs and prints with a key in the credentials file of `home`, with `variables` beside it.
fn doctor_with(home: &tempfile::TempDir, variables: &[(&str, &str)]) -> String {
    let cloud = Cloud::start();
    std::fs::create_dir_all(home.path().join(".alibabacloud")).unwrap();
    let key = "[default]\ntype=access_key\naccess_key_id=a\naccess_key_secret=the-secret\n";
    std::fs::write(home.path().join(".alibabacloud/credentials"), key).unwrap();
    let workspaces = format!("[{{id=w,endpoint=\"http://127.0.0.1:{}\",namespaces=[n]}}]", cloud.port);
    let environment =
        [("HOME", home.path().to_str().unwrap()), ("ALIYUN_FLINK_EXPORTER_WORKSPACES", workspaces.as_str())];
    let output = command(&["doctor", "--log.level", "trace"], &[&environment, variables].concat()).output();
    text(&output.unwrap())
}

#[test]
fn a_warning_about_a_missing_token_file_names_the_fallback() {
    let home = tempfile::tempdir().unwrap();
    let text = doctor_with(
        &home,
        &[
            ("ALIBABA_CLOUD_ROLE_ARN", "acs:ram::1:role/a"),
            ("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "p"),
            ("ALIBABA_CLOUD_OIDC_TOKEN_FILE", "/nowhere/token"),
        ],
    );
    let lines = text.lines().filter(|line| line.contains("/nowhere/token") && line.contains("level=warn"));
    let [line] = lines.collect::<Vec<_>>()[..] else { panic!("one line: {text}") };
    for part in ["there is no such file", "an OIDC token (RRSA)", "fallback=\"the profile "] {
        assert!(line.contains(part), "{part} is not in {line}");
    }
}

#[test]
fn a_warning_about_a_quoted_key_does_not_show_it() {
    let variables =
        [("ALIBABA_CLOUD_ACCESS_KEY_ID", "the-id"), ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "\"the-secret\"")];
    let text = doctor_with(&tempfile::tempdir().unwrap(), &variables);
    assert!(text.contains("access key secret is in quotes") && !text.contains("id is in quotes"), "{text}");
    assert!(!text.contains("the-secret"), "{text}");
    let text = doctor_with(&tempfile::tempdir().unwrap(), &[]);
    assert!(!text.contains("in quotes"), "{text}");
}

/// A running exporter, ended when it is dropped.
struct Exporter {
    process: Child,
    port: u16,
}

impl Drop for Exporter {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Exporter {
    fn get(&self, path: &str) -> Option<String> {
        self.ask("GET", path)
    }

    fn ask(&self, method: &str, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        )
        .ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        Some(text)
    }

    /// Waits until the metrics have a line that begins and ends so.
    fn wait_for(&self, begins: &str, ends: impl Fn(f64) -> bool) -> String {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(30) {
            let metrics = self.get("/metrics").unwrap_or_default();
            let values = metrics.lines().filter_map(|line| line.strip_prefix(begins)?.trim().parse().ok());
            if values.into_iter().any(&ends) {
                return metrics;
            }
            thread::sleep(Duration::from_millis(100));
        }
        panic!("{begins} never came: {:?}", self.get("/metrics"));
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn an_unavailable_metadata_service_is_retried_without_a_proxy() {
    let cloud = Cloud::start();
    let port = free_port();
    let metadata =
        format!("{{type=ecs_ram_role,role_name=app,metadata_endpoint=\"http://127.0.0.1:{}\"}}", cloud.port);
    // The API's host is excepted from the proxy, which is not there; the metadata service's is not.
    let workspaces = format!("[{{id=w,endpoint=\"http://localhost:{}\",namespaces=[n]}}]", cloud.port);
    let environment = [
        ("ALIYUN_FLINK_EXPORTER_CREDENTIALS", metadata.as_str()),
        ("ALIYUN_FLINK_EXPORTER_WORKSPACES", workspaces.as_str()),
        ("ALIYUN_FLINK_EXPORTER_POLL__INTERVAL", "500ms"),
        ("HTTP_PROXY", "http://127.0.0.1:9"),
        ("http_proxy", "http://127.0.0.1:9"),
        ("ALL_PROXY", "http://127.0.0.1:9"),
        ("NO_PROXY", "localhost"),
    ];
    let address = format!("127.0.0.1:{port}");
    let flags = ["run", "--web.listen-address", &address, "--log.level", "trace"];
    let process = command(&flags, &environment).spawn().unwrap();
    let mut exporter = Exporter { process, port };
    let polls = "aliyun_flink_target_polls_total{collector=\"deployments\",region=\"\",workspace=\"w\",namespace=\"n\",selection=\"\",outcome=";
    exporter.wait_for(&format!("{polls}\"auth\"}}"), |polls| polls >= 1.0);
    cloud.up.store(true, Ordering::Relaxed);
    let metrics = exporter.wait_for(&format!("{polls}\"success\"}}"), |polls| polls >= 1.0);
    let expiry = "aliyun_flink_exporter_credentials_expiry_timestamp_seconds{workspace=\"w\"} 32472144000";
    assert!(metrics.contains(expiry), "{metrics}");
    let shown = ["/metrics", "/", "/api/v1/status"].map(|path| exporter.get(path).unwrap()).concat();
    exporter.process.kill().unwrap();
    let mut log = String::new();
    exporter.process.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    assert!(log.contains("HTTP 503"), "{log}");
    for secret in ["the-secret", "the-token", "STS.1"] {
        assert!(!(shown.clone() + &log).contains(secret), "{secret} is shown:\n{shown}{log}");
    }
}

/// A workspace `id` at `cloud` whose secret is in `file`.
fn workspace(id: &str, cloud: &Cloud, file: &str) -> String {
    format!(
        "  - {{id: {id}, endpoint: 'http://127.0.0.1:{}', namespaces: [n], credentials: {{type: access_key, \
         access_key_id: a, access_key_secret_file: {file}, security_token: the-token}}}}\n",
        cloud.port
    )
}

fn up(workspace: &str) -> String {
    format!(
        "aliyun_flink_target_up{{collector=\"deployments\",region=\"\",workspace=\"{workspace}\",namespace=\"n\",selection=\"\"}}"
    )
}

/// An exporter with this configuration, which polls each 500 ms.
fn exporter(home: &tempfile::TempDir, workspaces: &str) -> Exporter {
    let file = home.path().join("c.yml");
    std::fs::write(&file, format!("poll: {{interval: 500ms}}\nworkspaces:\n{workspaces}")).unwrap();
    let port = free_port();
    let (address, file) = (format!("127.0.0.1:{port}"), file.display().to_string());
    let flags = ["run", "--web.listen-address", &address, "--web.enable-lifecycle", "--config.file", &file];
    Exporter { process: command(&flags, &[]).spawn().unwrap(), port }
}

#[test]
fn a_workspace_without_credentials_does_not_affect_others_and_recovers() {
    let (cloud, home) = (Cloud::start(), tempfile::tempdir().unwrap());
    let path = |name: &str| home.path().join(name).display().to_string();
    std::fs::write(path("one"), "the-secret").unwrap();
    let workspaces = [workspace("w1", &cloud, &path("one")), workspace("w2", &cloud, &path("two"))].concat();
    let exporter = exporter(&home, &workspaces);
    exporter.wait_for(&up("w1"), |up| up > 0.0);
    let failed = "aliyun_flink_target_polls_total{collector=\"deployments\",region=\"\",workspace=\"w2\",\
                  namespace=\"n\",selection=\"\",outcome=\"auth\"}";
    exporter.wait_for(failed, |polls| polls >= 1.0);
    std::fs::write(path("two"), "the-secret").unwrap();
    exporter.wait_for(&up("w2"), |up| up > 0.0);
}

#[test]
fn a_reload_succeeds_without_credentials_and_uses_them_when_they_appear() {
    let (cloud, home) = (Cloud::start(), tempfile::tempdir().unwrap());
    let path = |name: &str| home.path().join(name).display().to_string();
    std::fs::write(path("one"), "the-secret").unwrap();
    let exporter = exporter(&home, &workspace("w", &cloud, &path("one")));
    exporter.wait_for(&up("w"), |up| up > 0.0);
    let other = workspace("w", &cloud, &path("two"));
    std::fs::write(path("c.yml"), format!("poll: {{interval: 500ms}}\nworkspaces:\n{other}")).unwrap();
    let answer = exporter.ask("POST", "/-/reload").unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    exporter.wait_for(&up("w"), |up| up < 1.0);
    std::fs::write(path("two"), "the-secret").unwrap();
    exporter.wait_for(&up("w"), |up| up > 0.0);
}

#[test]
fn the_port_is_open_while_a_service_does_not_answer() {
    // A backlog accepts connections that nobody serves.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let home = tempfile::tempdir().unwrap();
    let workspaces = format!(
        "  - {{id: w, region: r, namespaces: [n], credentials: {{type: ram_role_arn, role_arn: r, \
         sts_endpoint: 'http://127.0.0.1:{}', source: {{type: access_key, access_key_id: a, access_key_secret: s}}}}}}\n",
        silent.local_addr().unwrap().port()
    );
    let exporter = exporter(&home, &workspaces);
    let begun = Instant::now();
    while exporter.get("/-/healthy").is_none_or(|answer| !answer.starts_with("HTTP/1.1 200")) {
        // STS has ten seconds to answer.
        assert!(begun.elapsed() < Duration::from_secs(9), "the port is not open");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_configuration_file_that_is_a_pipe_or_a_device_is_rejected() {
    let home = tempfile::tempdir().unwrap();
    let pipe = home.path().join("c.yml");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    // Open for writing, so that its end never comes.
    let _writer = std::fs::OpenOptions::new().read(true).write(true).open(&pipe).unwrap();
    let zero = home.path().join("zero.yml");
    std::os::unix::fs::symlink("/dev/zero", &zero).unwrap();
    for (path, part) in [(&pipe, "it could not be read within 5s"), (&zero, "it is not a regular file")] {
        let flag = format!("--config.file={}", path.display());
        let output = command(&["check-config", &flag], &[]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", text(&output));
        assert!(text(&output).contains(part), "{}", text(&output));
    }
}

/// The configurations in a page: its blocks of YAML that are none of Kubernetes's.
fn configurations(page: &str) -> Vec<String> {
    let blocks = page.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap().to_owned());
    blocks.filter(|block| !block.contains("apiVersion:")).collect()
}

#[test]
fn every_configuration_in_the_documents_is_valid() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/credentials");
    let home = tempfile::tempdir().unwrap();
    let mut count = 0;
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        for text in configurations(&std::fs::read_to_string(&path).unwrap()) {
            let file = home.path().join("config.yml");
            std::fs::write(&file, &text).unwrap();
            let flag = format!("--config.file={}", file.display());
            let output = command(&["check-config", &flag], &[]).output().unwrap();
            assert!(output.status.success(), "{}: {text}{}", path.display(), self::text(&output));
            assert!(!self::text(&output).contains("warning"), "{}: {}", path.display(), self::text(&output));
            count += 1;
        }
    }
    assert!(count >= 6, "{count}");
}
