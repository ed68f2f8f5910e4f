//! Credentials that are missing, appear later, or expire.

use std::{
    fs,
    os::unix::fs::symlink,
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use reqwest::Method;
use tempfile::TempDir;
use tokio::io::AsyncReadExt as _;

use crate::support::{Exposition, Finished, Program, Reply, Seen, Start, StubApi, empty_page};

const SECRET: &str = "the-secret";
const TOKEN: &str = "the-token";
const CREDENTIALS: &str = r#"{"Code":"Success","AccessKeyId":"STS.1","AccessKeySecret":"the-secret",
    "SecurityToken":"the-token","Expiration":"2999-01-01T00:00:00Z"}"#;

const TARGET: [&str; 6] = ["--workspace", "w", "--region", "cn-hangzhou", "--namespace", "n"];

/// The API and the metadata service. The latter responds with an error unless `is_up`.
fn respond(request: &Seen, is_up: bool) -> Reply {
    let has_token = || request.headers.values().any(|value| value == TOKEN);
    match request.path.as_str() {
        path if path.starts_with("/api/") && has_token() => Reply::json(200, &empty_page()),
        path if path.starts_with("/latest/") && !is_up => Reply::new(503, SECRET),
        "/latest/api/token" => Reply::ok("session"),
        path if path.starts_with("/latest/") => Reply::ok(CREDENTIALS),
        _ => Reply::new(404, ""),
    }
}

async fn cloud() -> StubApi {
    StubApi::start(|request| respond(request, true)).await
}

fn output(finished: &Finished) -> String {
    format!("{}{}", finished.stdout, finished.stderr)
}

#[tokio::test]
async fn without_credentials_the_exit_code_is_1_and_the_error_lists_all_providers() {
    for command in ["run", "once"] {
        let output = output(&Start::bare(&[command]).args(&TARGET).finish().await.with_code(1));
        for part in [
            "workspace w: no credentials found. Looked for:",
            "ALIBABA_CLOUD_ACCESS_KEY_ID",
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
            "ALIBABA_CLOUD_OIDC_TOKEN_FILE",
            ".aliyun/config.json",
            ".alibabacloud/credentials.ini",
            "ALIBABA_CLOUD_ECS_METADATA_DISABLED",
            "ALIBABA_CLOUD_CREDENTIALS_URI",
        ] {
            assert!(output.contains(part), "{part} is not in {output}");
        }
    }
}

#[tokio::test]
async fn a_missing_secret_file_is_reported_at_startup() {
    let key = "{type=access_key,access_key_id=a,access_key_secret_file=\"/nowhere/secret\"}";
    let start = Start::bare(&["once"]).args(&TARGET).env("ALIYUN_FLINK_EXPORTER_CREDENTIALS", key);
    let output = output(&start.finish().await.with_code(1));
    assert!(output.contains("/nowhere/secret can't be read: there is no such file"), "{output}");
}

/// The output of `doctor` with these files in the home directory.
async fn doctor(files: &[(&str, &str)], variables: &[(&str, &str)]) -> String {
    let (home, cloud) = (TempDir::new().unwrap(), cloud().await);
    for (name, text) in files {
        let path = home.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let workspaces = format!("[{{id=w,endpoint=\"{}\",namespaces=[n]}}]", cloud.endpoint());
    let mut start = Start::bare(&["doctor", "--log.level", "trace"])
        .home(home.path())
        .env("ALIYUN_FLINK_EXPORTER_WORKSPACES", &workspaces);
    for (name, value) in variables {
        start = start.env(name, value);
    }
    output(&start.finish().await)
}

/// A credentials file with an access key.
const CREDENTIALS_FILE: (&str, &str) = (
    ".alibabacloud/credentials",
    "[default]\ntype=access_key\naccess_key_id=a\naccess_key_secret=the-secret\n",
);

#[tokio::test]
async fn a_profile_with_an_unsupported_mode_is_skipped_with_one_log_line() {
    let unsupported =
        r#"{"current":"a","profiles":[{"name":"a","mode":"CloudSSO","access_token":"the-secret"}]}"#;
    let output = doctor(&[(".aliyun/config.json", unsupported), CREDENTIALS_FILE], &[]).await;
    assert!(output.contains("from the profile \"default\" in"), "{output}");
    let lines = output.lines().filter(|line| line.contains("CloudSSO"));
    let [line] = lines.collect::<Vec<_>>()[..] else { panic!("one line: {output}") };
    assert!(line.contains("level=warn") && line.contains("is not supported here: AK, StsToken"), "{line}");
    assert!(!output.contains(SECRET), "{output}");
}

#[tokio::test]
async fn a_warning_about_a_missing_token_file_names_the_fallback() {
    let variables = [
        ("ALIBABA_CLOUD_ROLE_ARN", "acs:ram::1:role/a"),
        ("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "p"),
        ("ALIBABA_CLOUD_OIDC_TOKEN_FILE", "/nowhere/token"),
    ];
    let output = doctor(&[CREDENTIALS_FILE], &variables).await;
    let lines = output.lines().filter(|line| line.contains("/nowhere/token") && line.contains("level=warn"));
    let [line] = lines.collect::<Vec<_>>()[..] else { panic!("one line: {output}") };
    for part in ["there is no such file", "an OIDC token (RRSA)", "fallback=\"the profile "] {
        assert!(line.contains(part), "{part} is not in {line}");
    }
}

#[tokio::test]
async fn a_warning_about_a_quoted_key_does_not_show_it() {
    let variables =
        [("ALIBABA_CLOUD_ACCESS_KEY_ID", "the-id"), ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "\"the-secret\"")];
    let output = doctor(&[CREDENTIALS_FILE], &variables).await;
    assert!(
        output.contains("access key secret is in quotes") && !output.contains("id is in quotes"),
        "{output}"
    );
    assert!(!output.contains(SECRET), "{output}");
    let output = doctor(&[CREDENTIALS_FILE], &[]).await;
    assert!(!output.contains("in quotes"), "{output}");
}

fn polls(metrics: &Exposition, workspace: &str, outcome: &str) -> f64 {
    let polls = metrics.find("aliyun_flink_target_polls_total").label("workspace", workspace);
    polls.label("outcome", outcome).sum()
}

#[tokio::test]
async fn an_unavailable_metadata_service_is_retried_without_a_proxy() {
    let is_up = Arc::new(AtomicBool::new(false));
    let up = is_up.clone();
    let cloud = StubApi::start(move |request| respond(request, up.load(Ordering::Relaxed))).await;
    let endpoint = cloud.endpoint();
    let metadata = format!("{{type=ecs_ram_role,role_name=app,metadata_endpoint=\"{endpoint}\"}}");
    // The proxy does not exist. The API's host is excluded from it, and the metadata service's is not.
    let api = endpoint.replace("127.0.0.1", "localhost");
    let mut start = Start::bare(&["run", "--web.listen-address", "127.0.0.1:0", "--log.level", "trace"])
        .env("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "false")
        .env("ALIYUN_FLINK_EXPORTER_CREDENTIALS", &metadata)
        .env("ALIYUN_FLINK_EXPORTER_WORKSPACES", &format!("[{{id=w,endpoint=\"{api}\",namespaces=[n]}}]"))
        .env("ALIYUN_FLINK_EXPORTER_POLL__INTERVAL", "500ms")
        .env("NO_PROXY", "localhost");
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
        start = start.env(name, "http://127.0.0.1:9");
    }
    let program = start.listening().await;
    program.metrics_with("a failed poll", |metrics| polls(metrics, "w", "auth") >= 1.0).await;
    is_up.store(true, Ordering::Relaxed);
    let metrics =
        program.metrics_with("a successful poll", |metrics| polls(metrics, "w", "success") >= 1.0).await;
    let expiry = metrics.find("aliyun_flink_exporter_credentials_expiry_timestamp_seconds");
    expiry.label("workspace", "w").value(32_472_144_000.0);
    let mut shown = String::new();
    for path in ["/metrics", "/", "/api/v1/status"] {
        shown += &program.get(path).await.body;
    }
    program.signal("TERM").await;
    let log = program.finish().await.with_code(0).stderr;
    assert!(log.contains("HTTP 503"), "{log}");
    for secret in [SECRET, TOKEN, "STS.1"] {
        assert!(!(shown.clone() + &log).contains(secret), "{secret} is shown:\n{shown}{log}");
    }
}

/// YAML of a workspace `id` at `cloud`, with a secret in `file`.
fn workspace(id: &str, cloud: &StubApi, file: &Path) -> String {
    format!(
        "  - {{id: {id}, endpoint: '{}', namespaces: [n], credentials: {{type: access_key, access_key_id: a, \
         access_key_secret_file: {}, security_token: {TOKEN}}}}}\n",
        cloud.endpoint(),
        file.display()
    )
}

fn yaml(workspaces: &str) -> String {
    format!("poll: {{interval: 500ms}}\nworkspaces:\n{workspaces}")
}

async fn exporter(workspaces: &str) -> Program {
    let arguments = ["run", "--web.listen-address", "127.0.0.1:0", "--web.enable-lifecycle"];
    Start::bare(&arguments).config(&yaml(workspaces)).listening().await
}

/// Waits until the target of a workspace is up or down.
async fn becomes(program: &Program, workspace: &str, expected: f64) {
    let up = |metrics: &Exposition| {
        let up = metrics.find("aliyun_flink_target_up").label("workspace", workspace).all();
        up.iter().any(|series| (series.value - expected).abs() < 0.5)
    };
    program.metrics_with(&format!("up={expected} of {workspace}"), up).await;
}

#[tokio::test]
async fn a_workspace_without_credentials_does_not_affect_others_and_recovers() {
    let (cloud, directory) = (cloud().await, TempDir::new().unwrap());
    let (one, two) = (directory.path().join("one"), directory.path().join("two"));
    fs::write(&one, SECRET).unwrap();
    let program = exporter(&[workspace("w1", &cloud, &one), workspace("w2", &cloud, &two)].concat()).await;
    becomes(&program, "w1", 1.0).await;
    program.metrics_with("a failed poll", |metrics| polls(metrics, "w2", "auth") >= 1.0).await;
    fs::write(&two, SECRET).unwrap();
    becomes(&program, "w2", 1.0).await;
    assert!(polls(&program.metrics().await, "w1", "auth") < 0.5);
}

#[tokio::test]
async fn a_reload_succeeds_without_credentials_and_uses_them_when_they_appear() {
    let (cloud, directory) = (cloud().await, TempDir::new().unwrap());
    let (one, two) = (directory.path().join("one"), directory.path().join("two"));
    fs::write(&one, SECRET).unwrap();
    let program = exporter(&workspace("w", &cloud, &one)).await;
    becomes(&program, "w", 1.0).await;
    program.rewrite_config(&yaml(&workspace("w", &cloud, &two)));
    let response = program.request(Method::POST, "/-/reload").await;
    assert_eq!(response.status, 200, "{}", response.body);
    becomes(&program, "w", 0.0).await;
    fs::write(&two, SECRET).unwrap();
    becomes(&program, "w", 1.0).await;
}

#[tokio::test]
async fn the_port_is_open_while_sts_does_not_respond() {
    let sts = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let workspaces = format!(
        "  - {{id: w, region: r, namespaces: [n], credentials: {{type: ram_role_arn, role_arn: r, \
         sts_endpoint: 'http://{}', source: {{type: access_key, access_key_id: a, access_key_secret: s}}}}}}\n",
        sts.local_addr().unwrap()
    );
    let (program, connection) = tokio::join!(exporter(&workspaces), sts.accept());
    assert_eq!(program.get("/-/healthy").await.status, 200);
    // The request still waits: the connection has no end.
    let mut connection = connection.unwrap().0;
    assert!(connection.read(&mut [0; 4096]).await.unwrap() > 0);
    assert_eq!(program.get("/-/ready").await.status, 503);
}

#[tokio::test]
async fn a_configuration_file_that_is_a_pipe_or_a_device_is_rejected() {
    let directory = TempDir::new().unwrap();
    let pipe = directory.path().join("c.yml");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    // The pipe has a writer, so that it does not end.
    let _writer = fs::OpenOptions::new().read(true).write(true).open(&pipe).unwrap();
    let device = directory.path().join("zero.yml");
    symlink("/dev/zero", &device).unwrap();
    for (path, part) in [(&pipe, "it could not be read within 5s"), (&device, "it is not a regular file")] {
        let start = Start::bare(&["check-config", "--config.file", path.to_str().unwrap()]);
        let finished = start.finish().await.with_code(2);
        assert!(finished.stderr.contains(part), "{}", finished.stderr);
    }
}

/// The YAML blocks of a page that are not manifests of Kubernetes.
fn configurations(page: &str) -> Vec<String> {
    let blocks = page.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap().to_owned());
    blocks.filter(|block| !block.contains("apiVersion:")).collect()
}

#[tokio::test]
async fn every_configuration_in_the_documents_is_valid() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/credentials");
    let mut count = 0;
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        for text in configurations(&fs::read_to_string(&path).unwrap()) {
            let output = output(&Start::bare(&["check-config"]).config(&text).finish().await.with_code(0));
            assert!(!output.contains("warning"), "{}: {text}{output}", path.display());
            count += 1;
        }
    }
    assert!(count >= 6, "{count}");
}
