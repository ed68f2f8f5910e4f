//! Environment variables.

use super::*;

#[test]
fn the_environment_overrides_the_file_key_by_key() {
    let text = format!("poll: {{interval: 20s, timeout: 15s}}\nmetrics: {{jobs: true}}\n{WORKSPACE}");
    let config = load_with(
        &text,
        &[
            ("POLL__INTERVAL", "30s"),
            ("poll__stale_after", "10m"),
            ("API", "{page_size=50, requests_per_second = 2.5}"),
            ("API__PAGE_SIZE", " 60 "),
            ("API__MAX_RESPONSE_SIZE", "1048576"),
            ("METRICS__JOBS", "false"),
            ("METRICS__DEPLOYMENT_LABELS", "team, stage"),
        ],
    )
    .unwrap();
    let poll = config.workspaces[0].targets()[0].poll;
    assert_eq!(poll.interval, Duration::from_secs(30));
    assert_eq!(poll.timeout, Duration::from_secs(15));
    assert_eq!(poll.stale_after, Duration::from_secs(600));
    assert_eq!((config.api.page_size, config.api.max_response_size), (60, 1 << 20));
    assert!((config.api.requests_per_second - 2.5).abs() < f64::EPSILON);
    assert!(!config.metrics.jobs);
    assert_eq!(config.metrics.labels, LabelKeys::Listed(vec!["team".into(), "stage".into()]));
}

#[test]
fn an_empty_variable_empties_a_list_and_leaves_a_table() {
    let text = format!("poll: {{interval: 20s}}\nmetrics: {{deployment_labels: [team]}}\n{WORKSPACE}");
    let config = load_with(&text, &[("METRICS__DEPLOYMENT_LABELS", ""), ("POLL", "")]).unwrap();
    assert_eq!(config.metrics.labels, LabelKeys::default());
    assert_eq!(config.workspaces[0].targets()[0].poll.interval, Duration::from_secs(20));
    insta::assert_snapshot!(load_with(WORKSPACE, &[("POLL__INTERVAL", "")]).unwrap_err(), @r#"environment variable ALIYUN_FLINK_EXPORTER_POLL__INTERVAL: poll.interval: found an empty text, expected a duration such as 500ms, 30s, 5m or 1h30m"#);
}

#[test]
fn a_variable_is_always_text() {
    let numbers = [
        ("WORKSPACES", "[{id: 0123, region: true, namespaces: [12345, 1.50, truenorth]}]"),
        ("CREDENTIALS__TYPE", "access_key"),
        ("CREDENTIALS__ACCESS_KEY_ID", "0123"),
        ("CREDENTIALS__ACCESS_KEY_SECRET", "[12345"),
        ("CREDENTIALS__SECURITY_TOKEN", "true"),
    ];
    let config = load(None, &environment(&numbers), &Flags::default()).unwrap();
    let workspace = &config.workspaces[0];
    assert_eq!((workspace.id.as_str(), workspace.region.as_deref()), ("0123", Some("true")));
    let namespaces: Vec<&str> = workspace.targets().iter().map(|target| target.namespace.as_str()).collect();
    assert_eq!(namespaces, ["12345", "1.50", "truenorth"]);
    let ProviderConfig::AccessKey(key) = &*workspace.credentials else { panic!("an access key") };
    let text = |secret: &SecretSource| match secret {
        SecretSource::Inline(secret) => secret.expose().expose_secret().to_owned(),
        SecretSource::File(path) => panic!("{path:?}"),
    };
    assert_eq!([&key.id, &key.secret, key.token.as_ref().unwrap()].map(text), ["0123", "[12345", "true"]);
}

#[test]
fn a_table_in_a_variable_is_yaml() {
    let variables = [
        ("COLLECTORS__JOBS", "{mode: active, interval: 2m}"),
        ("SHARD", "{index: 1, total: 3}"),
        ("POLL", "{interval: '7s'}"),
    ];
    let config = load_with(WORKSPACE, &variables).unwrap();
    assert_eq!(config.workspaces[0].targets()[0].poll.interval, Duration::from_secs(7));
    let jobs = config.workspaces[0].collectors.get("jobs").unwrap();
    assert_eq!((jobs.interval, jobs.jobs.unwrap().mode), (Duration::from_secs(120), JobsMode::Active));
    assert_eq!(Some(config.shard), Shard::try_new(1, 3));
}

#[test]
fn a_mistake_in_a_variable_names_it() {
    let variables = [
        ("POLL__INTERVAL", "30"),
        ("POLL_TIMEOUT", "30s"),
        ("API__PAGE_SIZE", "many"),
        ("METRICS__JOBS", "yes"),
        ("METRICS", "{jobs; false}"),
        ("metrics__JOBS", "false"),
        ("WORKSPACES__0__ID", "a1"),
        ("POLL__", "30s"),
        ("CREDENTIALS", "{type=access_key,access_key_id=hunter2"),
        ("SELECT", "x"),
    ];
    insta::assert_snapshot!(load(None, &environment(&variables), &Flags::default()).unwrap_err(), @r#"
    9 mistakes in the configuration:
    environment variable ALIYUN_FLINK_EXPORTER_metrics__JOBS: metrics.jobs: sets the same key as ALIYUN_FLINK_EXPORTER_METRICS__JOBS: keep one of them
    environment variable ALIYUN_FLINK_EXPORTER_CREDENTIALS: credentials: not a valid table: expected `,` or `}` at character 39; written like '{key: value, other: "value"}'
    environment variable ALIYUN_FLINK_EXPORTER_METRICS: metrics: not a valid table: expected `:` at character 6; written like '{key: value, other: "value"}'
    environment variable ALIYUN_FLINK_EXPORTER_POLL__: poll.: names no key: keys are separated by `__`
    environment variable ALIYUN_FLINK_EXPORTER_WORKSPACES__0__ID: workspaces.0.id: part of a list can't be set: give the whole list, ALIYUN_FLINK_EXPORTER_WORKSPACES='[{id: a14bd5d90a0123, region: cn-hangzhou, namespaces: [team-a, team-b]}]'
    environment variable ALIYUN_FLINK_EXPORTER_API__PAGE_SIZE: api.page_size: found "many", expected a whole number from 1 to 100
    environment variable ALIYUN_FLINK_EXPORTER_POLL__INTERVAL: poll.interval: found "30", expected a duration such as 500ms, 30s, 5m or 1h30m: add the unit
    environment variable ALIYUN_FLINK_EXPORTER_POLL_TIMEOUT: poll_timeout: unknown key (levels are separated by two underscores: POLL__TIMEOUT); known here: poll, api, credentials, discovery, workspaces, collectors, metrics, shard, state
    environment variable ALIYUN_FLINK_EXPORTER_SELECT: select: unknown key; known here: poll, api, credentials, discovery, workspaces, collectors, metrics, shard, state
    "#);
}

#[test]
fn the_variables_of_a_kubernetes_service_are_ignored() {
    let variables = [
        ("SERVICE_HOST", "10.0.0.1"),
        ("SERVICE_PORT", "10978"),
        ("SERVICE_PORT_HTTP", "10978"),
        ("PORT", "tcp://10.0.0.1:10978"),
        ("PORT_10978_TCP", "tcp://10.0.0.1:10978"),
        ("PORT_10978_TCP_PROTO", "tcp"),
        ("PORT_10978_TCP_PORT", "10978"),
        ("PORT_10978_TCP_ADDR", "10.0.0.1"),
    ];
    assert!(load_with(WORKSPACE, &variables).is_ok());
}

#[test]
fn a_proxy_variable_that_names_no_proxy_is_a_mistake_and_its_password_is_not_shown() {
    let with = |value: &str| {
        let variables = [("HTTPS_PROXY", value), ("all_proxy", value)];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let flags = flags(Some("w"), Some("r"), &["n"]);
        load(None, &Environment::from_pairs(variables), &flags)
    };
    assert!(with("http://user:password@proxy.example.com:3128").is_ok());
    for value in ["http://user:the-password@pro xy", "socks5://user:the-password@proxy:1080"] {
        let text = with(value).unwrap_err().to_string();
        assert!(text.contains("HTTPS_PROXY: ") && text.contains("all_proxy: "), "{text}");
        assert!(!text.contains("the-password"), "{text}");
    }
}

#[test]
fn a_certificate_file_without_certificates_is_a_warning() {
    let variables = [("SSL_CERT_FILE".to_owned(), "/nonexistent/ca.pem".to_owned())];
    let flags = flags(Some("w"), Some("r"), &["n"]);
    let config = load(None, &Environment::from_pairs(variables), &flags).unwrap();
    assert_eq!(config.warnings(), ["SSL_CERT_FILE: no certificate can be read from /nonexistent/ca.pem"]);
}
