//! Commands, flags, exit codes and messages.

use std::{fs::File, io::pipe, net::TcpListener, os::fd::OwnedFd};

use crate::support::{Reply, Start, StubApi, empty_page};

#[tokio::test]
async fn once_exits_with_1_if_any_target_fails_and_with_0_otherwise() {
    let api = StubApi::start(|request| {
        if request.is_of("bad") {
            Reply::new(403, r#"{"Code":"Forbidden.RAM","Message":"not allowed"}"#)
        } else {
            Reply::json(200, &empty_page())
        }
    })
    .await;
    let finished = Start::new(&["once"]).polling(&api, "[good]", "").finish().await.with_code(0);
    finished.metrics().find("aliyun_flink_target_objects").value(0.0);
    let finished = Start::new(&["once"]).polling(&api, "[good, bad]", "").finish().await.with_code(1);
    let metrics = finished.metrics();
    metrics.find("aliyun_flink_target_up").label("namespace", "good").value(1.0);
    metrics.find("aliyun_flink_target_up").label("namespace", "bad").value(0.0);
    metrics
        .find("aliyun_flink_target_polls_total")
        .label("outcome", "permission")
        .label("namespace", "bad")
        .value(1.0);
}

#[tokio::test]
async fn check_config_prints_the_resolved_and_redacted_configuration() {
    let yaml = "\
poll: {interval: 30s}
credentials: {type: access_key, access_key_id: the-id, access_key_secret: hunter2}
workspaces: [{id: w1, region: cn-hangzhou, namespaces: [n1, {name: n2, poll: {timeout: 20s}}]}]
";
    let start = Start::bare(&["check-config"]).config(yaml);
    let finished = start.env("ALIYUN_FLINK_EXPORTER_API__PAGE_SIZE", "50").finish().await.with_code(0);
    let printed = &finished.stdout;
    for expected in [
        "30s",
        "20s",
        "page_size: 50",
        "max_response_size: 64MiB",
        "https://ververica.cn-hangzhou.aliyuncs.com",
    ] {
        assert!(printed.contains(expected), "{expected} is not in\n{printed}");
    }
    assert!(!printed.contains("hunter2"), "{printed}");
}

#[tokio::test]
async fn all_errors_of_a_file_are_reported() {
    let yaml = "\
poll: {interval: fast}
api: {page_size: 1000}
workspaces: [{id: w1, region: cn-hangzhou, namespaces: ['..']}]
";
    for command in ["check-config", "run", "once"] {
        let finished = Start::new(&[command]).config(yaml).finish().await.with_code(2);
        for expected in ["3 mistakes", ".yml:1", ".yml:2", ".yml:3", "interval", "page_size", "namespaces"] {
            assert!(finished.stderr.contains(expected), "{expected} is not in\n{}", finished.stderr);
        }
        assert_eq!(finished.stdout, "");
    }
}

#[tokio::test]
async fn targets_with_the_same_labels_are_rejected() {
    let twice = [
        "[n1, n1]",
        "[{name: n1, select: {name: a}}, {name: n1, select: {name: a}}]",
        "[{name: n1, select: {label: {key: k, values: [a]}}}, \
          {name: n1, select: {label: {key: k, values: [a]}}, api: by_label}]",
        // Selections that read the same in the `selection` label.
        "[{name: n1, select: {label: {key: k, values: [a, b]}}}, \
          {name: n1, select: {label: {key: k, values: ['a|b']}}}]",
        "[{name: n1, select: {name: a, creator: b}}, {name: n1, select: {name: 'a,creator=b'}}]",
    ];
    for namespaces in twice {
        let yaml = format!("workspaces: [{{id: w1, region: r, namespaces: {namespaces}}}]\n");
        let finished = Start::new(&["check-config"]).config(&yaml).finish().await;
        assert_eq!(finished.status.code(), Some(2), "{namespaces}: {finished:?}");
    }
}

#[tokio::test]
async fn an_invalid_command_line_exits_with_2() {
    for arguments in [
        &["--no-such-flag"][..],
        &["no-such-command"],
        &["run", "--web.listen-address", "nowhere"],
        &["run", "--web.telemetry-path", "metrics"],
        &["run", "--log.level", "loud"],
        &["demo", "--fault.reset", "1.5"],
        &["simulate", "--access-key-id", "alone"],
    ] {
        let finished = Start::new(arguments).finish().await.with_code(2);
        assert!(!finished.stderr.is_empty() && finished.stdout.is_empty(), "{arguments:?}: {finished:?}");
    }
}

#[tokio::test]
async fn a_missing_file_is_named_with_exit_code_2() {
    for path in ["/no/such/file.yml", "/no/such/file.toml", "/no/such/file.ini"] {
        let start = Start::new(&["check-config", "--config.file", path]);
        let finished = start.finish().await.with_code(2);
        assert!(finished.stderr.contains(path), "{}", finished.stderr);
    }
}

#[tokio::test]
async fn a_missing_configuration_exits_with_2_and_names_the_flags() {
    let finished = Start::new(&["run"]).finish().await.with_code(2);
    assert!(finished.stderr.contains("--config.file"), "{}", finished.stderr);
    assert!(finished.stderr.contains("--workspace"), "{}", finished.stderr);
}

#[tokio::test]
async fn a_port_in_use_is_named_with_exit_code_1() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let api = StubApi::start(|_| Reply::json(200, &empty_page())).await;
    let run = Start::new(&["run", "--web.listen-address", &address]).polling(&api, "[n1]", "");
    let demo = Start::bare(&["demo", "--web.listen-address", &address]);
    let simulate = Start::bare(&["simulate", "--listen-address", &address]);
    for start in [run, demo, simulate] {
        let finished = start.finish().await.with_code(1);
        assert!(finished.stderr.contains(&address), "{}", finished.stderr);
        assert!(finished.stderr.contains("listen-address"), "{}", finished.stderr);
    }
    assert!(api.requests().is_empty(), "nothing is polled before the port is bound");
}

#[tokio::test]
async fn three_flags_are_a_complete_configuration() {
    let flags = ["--workspace", "w1", "--region", "cn-hangzhou", "--namespace", "n1", "--namespace", "n2"];
    let finished = Start::new(&["check-config"]).args(&flags).finish().await.with_code(0);
    for expected in ["w1", "cn-hangzhou", "n1", "n2", "interval: 1m"] {
        assert!(finished.stdout.contains(expected), "{expected} is not in\n{}", finished.stdout);
    }
}

#[tokio::test]
async fn the_printed_configuration_can_be_loaded() {
    let flags = ["--workspace", "w1", "--region", "cn-hangzhou", "--namespace", "n1"];
    let printed = Start::new(&["check-config"]).args(&flags).finish().await.with_code(0).stdout;
    let again = Start::new(&["check-config"]).config(&printed).finish().await.with_code(0).stdout;
    assert_eq!(printed, again);
}

#[tokio::test]
async fn the_version_names_the_build() {
    let finished = Start::bare(&["--version"]).finish().await.with_code(0);
    let start = concat!("aliyun-flink-exporter ", env!("CARGO_PKG_VERSION"));
    assert!(finished.stdout.starts_with(start) && finished.stdout.contains("rustc"), "{}", finished.stdout);
}

#[tokio::test]
async fn a_write_error_on_standard_output_exits_with_1() {
    let flags = ["--workspace", "w1", "--region", "cn-hangzhou", "--namespace", "n1"];
    let full = File::create("/dev/full").unwrap();
    let finished = Start::new(&["check-config"]).args(&flags).stdout_to(full).finish().await.with_code(1);
    assert!(finished.stderr.contains("standard output"), "{}", finished.stderr);
}

#[tokio::test]
async fn a_closed_pipe_as_standard_output_is_not_an_error() {
    let closed_pipe = || File::from(OwnedFd::from(pipe().unwrap().1));
    let api = StubApi::start(|_| Reply::json(200, &empty_page())).await;
    let demo = Start::demo().stdout_to(closed_pipe()).listening().await;
    let address = demo.address().to_string();
    for start in [
        Start::new(&["check-config"]).polling(&api, "[n1]", ""),
        Start::new(&["once"]).polling(&api, "[n1]", ""),
        Start::new(&["doctor"]).polling(&api, "[n1]", ""),
        Start::new(&["doctor", "--format", "json"]).polling(&api, "[n1]", ""),
        Start::bare(&["healthcheck", "--web.listen-address", &address]),
    ] {
        let finished = start.stdout_to(closed_pipe()).finish().await.with_code(0);
        assert!(!finished.stderr.contains("standard output"), "{}", finished.stderr);
    }
    assert_eq!(demo.get("/-/healthy").await.status, 200);
}

#[tokio::test]
async fn missing_ca_certificates_are_reported() {
    let flags = ["--workspace", "w1", "--region", "cn-hangzhou", "--namespace", "n1"];
    for command in ["run", "once", "doctor"] {
        let start = Start::new(&[command]).args(&flags).env("SSL_CERT_FILE", "/dev/null");
        let finished = start.finish().await.with_code(1);
        assert!(finished.stderr.contains("No CA certificates"), "{finished:?}");
    }
}

#[cfg(target_env = "gnu")]
#[tokio::test]
async fn the_program_runs_through_the_dynamic_loader() {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let mut files = maps.lines().filter_map(|line| line.split_whitespace().nth(5));
    let loader = files.find(|file| file.contains("/ld-linux")).expect("this test's own loader");
    let arguments = ["demo", "--web.listen-address", "127.0.0.1:0"];
    let program = Start::run_by(&[loader], &arguments).listening().await;
    assert_eq!(program.get("/-/healthy").await.status, 200);
}
