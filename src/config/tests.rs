//! Configurations as a whole: what loads, what is refused, and in which words.

use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::ExposeSecret;

use super::*;
use crate::credentials::{SOURCE_TYPES, SecretSource, Source};
use crate::model::{
    self, DeploymentsOperation, ExecutionMode, JobStatus, JobsMode, LabelKeys, LabelSelector, Selection,
    Shard,
};
use crate::{api, poll};

mod discovery_entries;

const WORKSPACE: &str = "workspaces: [{id: w1, region: cn-hangzhou, namespaces: [n1]}]\n";
const SECRET: &str = "hunter2";

fn environment(pairs: &[(&str, &str)]) -> Environment {
    Environment::from_pairs(
        pairs.iter().map(|(name, value)| (format!("ALIYUN_FLINK_EXPORTER_{name}"), *value)),
    )
}

fn flags(workspace: Option<&str>, region: Option<&str>, namespaces: &[&str]) -> Flags {
    Flags {
        workspace: workspace.map(str::to_owned),
        regions: region.map(str::to_owned).into_iter().collect(),
        namespaces: namespaces.iter().map(|&name| name.to_owned()).collect(),
        ..Flags::default()
    }
}

/// Loads a file of this name and text, and tells mistakes without the temporary directory.
fn load_file(name: &str, text: &str, environment: &Environment, flags: &Flags) -> Result<Config, String> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    std::fs::write(&path, text).unwrap();
    let prefix = format!("{}/", directory.path().display());
    load(Some(&path), environment, flags).map_err(|error| error.to_string().replace(&prefix, ""))
}

fn load_yaml(text: &str) -> Result<Config, String> {
    load_file("c.yml", text, &Environment::default(), &Flags::default())
}

fn load_with(text: &str, variables: &[(&str, &str)]) -> Result<Config, String> {
    load_file("c.yml", text, &environment(variables), &Flags::default())
}

/// A workspace's one target that is not a plain name.
fn load_target(target: &str) -> Result<Target, String> {
    let text = format!("workspaces: [{{id: w1, region: cn-hangzhou, namespaces: [{target}]}}]\n");
    load_yaml(&text).map(|config| config.workspaces[0].targets()[0].clone())
}

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config").join(name)
}

fn load_example(name: &str) -> Config {
    load(Some(&example(name)), &Environment::default(), &Flags::default()).unwrap()
}

/// Everything but secrets, which have no equality.
fn same(a: &Config, b: &Config) -> bool {
    format!("{a:?}") == format!("{b:?}")
}

#[test]
fn the_minimal_examples_are_the_same_and_take_every_default() {
    let config = load_example("minimal.yml");
    assert!(same(&config, &load_example("minimal.toml")));
    assert_eq!(config.api, api::Settings::default());
    assert_eq!(config.metrics, model::FieldSelection::default());
    assert_eq!((config.first_value_hold, &config.state_path), (Duration::from_secs(120), &None));
    let [workspace] = &config.workspaces[..] else { panic!("one workspace") };
    assert_eq!(workspace.id, "a14bd5d90a0123");
    assert_eq!(workspace.endpoint.as_str(), "https://ververica.cn-hangzhou.aliyuncs.com/");
    assert!(matches!(*workspace.credentials, Source::Default(_)));
    let target = Target {
        namespace: "default-namespace".into(),
        selection: Selection::default(),
        operation: DeploymentsOperation::ListDeployments,
        poll: poll::Settings::default(),
    };
    assert_eq!(workspace.targets(), [target]);
    assert_eq!(config.warnings(), [""; 0]);
}

#[test]
fn the_full_example_names_every_key_with_its_default() {
    let config = load_example("full.yml");
    assert_eq!(config.api, api::Settings::default());
    assert_eq!(config.metrics, model::FieldSelection::default());
    assert_eq!(config.first_value_hold, settings::FIRST_VALUE_HOLD);
    let [first, second, ..] = &config.workspaces[..] else { panic!("two workspaces and more") };
    assert_eq!(first.targets()[0].poll, poll::Settings::default());
    assert!(matches!(*first.credentials, Source::Default(_)));
    assert_eq!(
        first.targets()[1].selection,
        Selection {
            name: Some("orders".into()),
            execution_mode: Some(ExecutionMode::Streaming),
            status: Some(JobStatus::Running),
            creator: Some("183899668".into()),
            modifier: Some("183899668".into()),
            label: Some(LabelSelector {
                key: "team".into(),
                values: vec!["payments".into(), "search".into()]
            }),
        }
    );
    assert_eq!(first.targets()[1].poll.interval, Duration::from_secs(30));
    assert_eq!(first.targets()[1].poll.timeout, poll::Settings::default().timeout);
    assert_eq!(first.targets()[2].operation, DeploymentsOperation::GetDeploymentsByLabel);
    assert_eq!(second.endpoint.as_str(), "http://flink-proxy.example.com:8080/");

    let text = std::fs::read_to_string(example("full.yml")).unwrap();
    let words: Vec<&str> = text.lines().map(|line| line.trim_start_matches([' ', '-'])).collect();
    let collectors = collectors::COLLECTORS.map(|collector| collector.name);
    let groups: [&[&str]; 15] = [
        &SECTIONS,
        &collectors,
        &collectors::SETTINGS_KEYS,
        &collectors::JOBS_KEYS,
        &discovery::ENTRY_KEYS,
        &discovery::WORKSPACES_KEYS,
        &namespaces::NAMESPACES_KEYS,
        &settings::STATE_KEYS,
        &settings::POLL_KEYS,
        &settings::API_KEYS,
        &settings::METRICS_KEYS,
        &workspace::WORKSPACE_KEYS,
        &target::NAMESPACE_KEYS,
        &target::SELECT_KEYS,
        &target::LABEL_KEYS,
    ];
    let credentials = SOURCE_TYPES.iter().flat_map(|(_, fields)| access::keys(fields));
    for key in groups.concat().into_iter().map(str::to_owned).chain(credentials) {
        assert!(words.iter().any(|word| word.starts_with(&format!("{key}:"))), "{key} is not in full.yml");
    }
}

#[test]
fn the_kubernetes_example_loads_without_warnings() {
    let config = load_example("kubernetes.yml");
    assert_eq!(config.workspaces[0].targets().len(), 3);
    assert_eq!(config.metrics.labels, LabelKeys::Listed(vec!["team".into(), "stage".into()]));
    assert_eq!(config.warnings(), [""; 0]);
}

#[test]
fn the_printed_configuration_loads_again_as_the_same() {
    let mut texts: Vec<String> = ["minimal.yml", "full.yml", "kubernetes.yml"]
        .map(|name| load_example(name).to_yaml_redacted())
        .into();
    for word in ["'0123'", "'true'", "'null'", "'~'", "'1.5'", "'12e4'", "'0x1f'", "'y'", "'-'", "'a:b'"] {
        texts.push(format!(
            "metrics: {{deployment_labels: [{word}]}}\nworkspaces: [{{id: {word}, region: r, namespaces: [n1]}}]"
        ));
    }
    for text in [
        "metrics: {deployment_labels: ['*'], first_value_hold: 0s}\nstate: {path: 'a: b'}",
        "api: {requests_per_second: 0.25, max_response_size: 1025, max_listing_size: 5GiB}",
        "collectors: {jobs: {mode: active, requests_per_second: 0.5, interval: 90s}}",
        "collectors: {jobs: true, queues: true}",
    ] {
        texts.push(format!("{text}\n{WORKSPACE}"));
    }
    for text in texts {
        let config = load_yaml(&text).unwrap();
        let printed = config.to_yaml_redacted();
        let again = load_yaml(&printed).unwrap();
        assert_eq!(again.to_yaml_redacted(), printed);
        assert_eq!(again.api, config.api);
        assert_eq!(again.metrics, config.metrics);
        assert_eq!(
            (again.first_value_hold, &again.state_path),
            (config.first_value_hold, &config.state_path)
        );
        for (again, config) in again.workspaces.iter().zip(&config.workspaces) {
            assert_eq!((&again.id, &again.region), (&config.id, &config.region));
            assert_eq!((&again.endpoint, &again.namespaces), (&config.endpoint, &config.namespaces));
            assert_eq!(again.collectors, config.collectors);
        }
    }
}

#[test]
fn the_settings_of_jobs_are_those_of_the_workspace_then_those_at_the_top() {
    let jobs = |text: &str| {
        let enabled = load_yaml(text).unwrap().workspaces[0].collectors.get("jobs")?;
        let settings = enabled.jobs.unwrap();
        Some((settings.mode.as_str(), enabled.interval.as_secs(), settings.requests_per_second))
    };
    let workspace = "{id: w, endpoint: 'https://x.example', namespaces: [n1]";
    assert_eq!(jobs(&format!("workspaces: [{workspace}}}]")), None);
    let text = format!("workspaces: [{workspace}, collectors: {{jobs: true}}}}]");
    assert_eq!(jobs(&text), Some(("failures", 300, 2.0)));
    let text = format!(
        "collectors: {{jobs: {{mode: active, interval: 1m}}}}\n\
         workspaces: [{workspace}, collectors: {{jobs: {{requests_per_second: 5}}}}}}]"
    );
    assert_eq!(jobs(&text), Some(("active", 60, 5.0)));
}

#[test]
fn mistakes_of_the_collector_of_jobs_are_named() {
    let text = "metrics: {jobs: false}\ncollectors: {jobs: {mode: all, requests_per_second: 0, rate: 3}, queues: {mode: active}}";
    insta::assert_snapshot!(load_yaml(&format!("{text}\n{WORKSPACE}")).unwrap_err(), @r#"
    5 mistakes in the configuration:
    c.yml:2: collectors.queues.mode: unknown key; known here: interval
    c.yml:2: collectors.jobs.rate: unknown key; known here: mode, interval, requests_per_second
    c.yml:2: collectors.jobs.mode: found "all", expected one of failures, active
    c.yml:2: collectors.jobs.requests_per_second: found the number 0, expected a number from 0.001 to 1000000
    collectors.jobs: needs the counts of jobs, which `metrics.jobs: false` leaves out; set `metrics.jobs: true`, or disable this collector
    "#);
}

#[test]
fn the_resolved_configuration_is_printed_without_secrets() {
    let config = load_yaml(&format!(
        "credentials: {{type: access_key, access_key_id: LTAI-{SECRET}, access_key_secret: {SECRET}}}\n\
         workspaces: [{{id: w1, region: cn-hangzhou, namespaces: [n1, {{name: n2, select: {{status: FAILED}}}}]}}]\n"
    ));
    insta::assert_snapshot!(config.unwrap().to_yaml_redacted(), @r#"
    api:
      page_size: 100
      max_concurrent_requests: 4
      requests_per_second: 10.0
      account_requests_per_second: 50.0
      console_requests_per_second: 2.0
      request_timeout: 10s
      max_retries: 4
      max_response_size: 64MiB
      max_listing_size: 1GiB
    workspaces:
    - id: w1
      region: cn-hangzhou
      endpoint: https://ververica.cn-hangzhou.aliyuncs.com
      credentials:
        type: access_key
        access_key_id: <redacted>
        access_key_secret: <redacted>
      namespaces:
      - name: n1
        poll:
          interval: 1m
          timeout: 50s
          stale_after: 5m
        api: list
      - name: n2
        poll:
          interval: 1m
          timeout: 50s
          stale_after: 5m
        select:
          status: FAILED
        api: list
    metrics:
      jobs: true
      resources: true
      deployment_labels: []
      workspace_tags: []
      max_series: 0
      first_value_hold: 2m
    shard:
      index: 0
      total: 1
    "#);
}

#[test]
fn every_mistake_of_a_file_is_told_in_one_report() {
    let text = "\
poll:
  intervall: 30s
  timeout: 30
  stale_after: 30 parsecs
api:
  page_size: 500
  max_concurrent_requests: \"4\"
  requests_per_second: 0
  max_response_size: 64Mi
credentials:
  type: access_key
  access_key_id: 12345
  acces_key_secret: hunter2
workspaces:
  - id: a1
    region: cn-hangzhou
    namespaces:
      - team-a
      - name: team-b
        select: {status: RUNING, label: {key: team, values: [\"a;b\", c]}}
      - name: team-c
        api: by_label
        select: {name: orders}
      - name: team-a
      - ..
  - id: a1
    endpoint: http://flink.example.com
    namespaces: []
  - region: 杭州
    namespaces: team-a
  - id: a2
    endpoint: https://user:hunter2@flink.example.com
    allow_plain_http: yes
    credentials: {type: oicd}
metrics:
  jobs: 1
  deployment_labels: [team, \"*\", team]
web: {}
";
    insta::assert_snapshot!(load_yaml(text).unwrap_err(), @r#"
    30 mistakes in the configuration:
    c.yml:38: web: unknown key; known here: poll, api, credentials, discovery, workspaces, collectors, metrics, shard, state
    c.yml:2: poll.intervall: unknown key (did you mean interval?); known here: interval, timeout, stale_after
    c.yml:3: poll.timeout: found the number 30, expected a duration such as 500ms, 30s, 5m or 1h30m: add the unit
    c.yml:4: poll.stale_after: found "30 parsecs", expected a duration such as 500ms, 30s, 5m or 1h30m
    c.yml:6: api.page_size: found the number 500, expected a whole number from 1 to 100
    c.yml:7: api.max_concurrent_requests: found "4", expected a whole number from 1 to 1000: leave out the quotes
    c.yml:8: api.requests_per_second: found the number 0, expected a number from 0.001 to 1000000
    c.yml:9: api.max_response_size: found "64Mi", expected a size such as 512KiB, 64MiB or 1GiB
    c.yml:13: credentials.acces_key_secret: unknown key (did you mean access_key_secret?); known here: type, access_key_id, access_key_id_file, access_key_secret, access_key_secret_file, security_token, security_token_file
    c.yml:12: credentials.access_key_id: found a number, expected the id of an access key: put it in quotes
    c.yml:11: credentials.access_key_secret: missing: expected the secret of the access key, or `access_key_secret_file`
    c.yml:20: workspaces[0].namespaces[1].select.status: found "RUNING", expected one of CANCELLED, FAILED, RUNNING, TRANSITIONING, FINISHED (did you mean RUNNING?)
    c.yml:20: workspaces[0].namespaces[1].select.label.values[0]: found "a;b", but `;` is what separates values in ListDeployments: expected a value without it
    c.yml:23: workspaces[0].namespaces[2].select.name: `api: by_label` takes no filter but `label`: leave this one out, or use `api: list`
    c.yml:22: workspaces[0].namespaces[2].api: by_label needs `select.label`: expected a label, such as {key: team, values: [payments]}, or `api: list`
    c.yml:25: workspaces[0].namespaces[4]: found "..", expected the name of a namespace: letters, digits, `-`, `_` and `.`
    c.yml:24: workspaces[0].namespaces[3]: the same namespace and selection as workspaces[0].namespaces[0]: expected each target once
    c.yml:26: workspaces[1].id: "a1" stands at workspaces[0].id already: list all of its namespaces there, for the API's limits hold for a workspace as a whole
    c.yml:27: workspaces[1].endpoint: found "http://flink.example.com", which is not encrypted, and requests carry security tokens: expected https, or `allow_plain_http: true` beside it
    c.yml:28: workspaces[1].namespaces: the list is empty: expected one or more namespaces, or `all`
    c.yml:29: workspaces[2].id: missing: expected the workspace's id, such as a14bd5d90a0123
    c.yml:29: workspaces[2].region: found "杭州", expected a region such as cn-hangzhou: lower-case letters, digits and hyphens
    c.yml:30: workspaces[2].namespaces: found "team-a", expected a list of namespaces, or `all`
    c.yml:33: workspaces[3].allow_plain_http: found "yes", expected true or false
    c.yml:32: workspaces[3].endpoint: holds a user name or a password: expected an endpoint such as https://ververica-vpc.cn-hangzhou.aliyuncs.com; keys belong into `credentials`
    c.yml:34: workspaces[3].credentials.type: found "oicd", expected one of default, access_key, ram_role_arn, oidc, ecs_ram_role, uri, profile (did you mean oidc?)
    c.yml:31: workspaces[3].namespaces: missing: expected the names of one or more namespaces, or `all`
    c.yml:36: metrics.jobs: found the number 1, expected true or false
    c.yml:37: metrics.deployment_labels[1]: `*` stands for all labels: expected it alone, or the keys alone
    c.yml:37: metrics.deployment_labels[2]: "team" is listed twice
    "#);
}

#[test]
fn a_toml_file_has_the_same_mistakes_on_its_own_lines() {
    let text = "\
[poll]
intervall = \"30s\"

[[workspaces]]
id = \"a1\"
region = 5.5
namespaces = [\"n1\", { name = \"n2\", api = \"label\" }]
";
    let error = load_file("c.toml", text, &Environment::default(), &Flags::default()).unwrap_err();
    insta::assert_snapshot!(error, @r#"
    3 mistakes in the configuration:
    c.toml:2: poll.intervall: unknown key (did you mean interval?); known here: interval, timeout, stale_after
    c.toml:6: workspaces[0].region: found the number 5.5, expected a region such as cn-hangzhou: put it in quotes
    c.toml:7: workspaces[0].namespaces[1].api: found "label", expected one of list, by_label (did you mean by_label?)
    "#);
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    for (path, message) in [
        ("/nowhere/c.yml", "/nowhere/c.yml: can't be read: there is no such file"),
        (
            "/nowhere/c.json",
            "/nowhere/c.json: the ending .json says no known format: expected .yml or .yaml (YAML), or .toml (TOML)",
        ),
        (
            "/nowhere/config",
            "/nowhere/config: the file's name has no ending: expected .yml or .yaml (YAML), or .toml (TOML)",
        ),
    ] {
        let error = load(Some(Path::new(path)), &Environment::default(), &Flags::default()).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn a_file_in_a_directory_above_is_not_taken_instead() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("c.yml"), WORKSPACE).unwrap();
    let below = directory.path().join("below");
    std::fs::create_dir(&below).unwrap();
    assert!(load(Some(&below.join("c.yml")), &Environment::default(), &Flags::default()).is_err());
}

#[test]
fn without_a_workspace_all_ways_to_one_are_told() {
    let remedy = "workspaces: there is none: give --region to discover every workspace of a region, or with --workspace one of \
                  them, or name a file that lists some with --config.file, or set ALIYUN_FLINK_EXPORTER_WORKSPACES";
    let error = load(None, &Environment::default(), &Flags::default()).unwrap_err();
    assert_eq!(error.to_string(), remedy);
    for text in ["", "# nothing", "workspaces:\n", "workspaces: []\n", "poll:\n"] {
        assert_eq!(load_yaml(text).unwrap_err(), format!("c.yml: {remedy}"), "{text:?}");
    }
}

#[test]
fn a_section_without_keys_counts_as_absent() {
    let config =
        load_yaml(&format!("poll:\napi:\n  page_size:\nmetrics:\ncredentials:\n{WORKSPACE}")).unwrap();
    assert_eq!(config.api, api::Settings::default());
}

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
fn a_variable_is_text_whatever_it_looks_like() {
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
    let Source::AccessKey(key) = &*workspace.credentials else { panic!("an access key") };
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
    environment variable ALIYUN_FLINK_EXPORTER_POLL_TIMEOUT: poll_timeout: unknown key (levels are separated by two underscores: POLL__TIMEOUT); known here: poll, api, credentials, discovery, workspaces, collectors, metrics, shard, state
    environment variable ALIYUN_FLINK_EXPORTER_SELECT: select: unknown key; known here: poll, api, credentials, discovery, workspaces, collectors, metrics, shard, state
    environment variable ALIYUN_FLINK_EXPORTER_POLL__INTERVAL: poll.interval: found "30", expected a duration such as 500ms, 30s, 5m or 1h30m: add the unit
    environment variable ALIYUN_FLINK_EXPORTER_API__PAGE_SIZE: api.page_size: found "many", expected a whole number from 1 to 100
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
fn the_flags_replace_all_workspaces() {
    let variables =
        environment(&[("WORKSPACES", "[{id=w2,region=r,namespaces=[n2]}]"), ("POLL__INTERVAL", "7s")]);
    let config =
        load_file("c.yml", WORKSPACE, &variables, &flags(Some("w3"), Some("cn-beijing"), &["a", "b"]))
            .unwrap();
    let [workspace] = &config.workspaces[..] else { panic!("one workspace") };
    assert_eq!((workspace.id.as_str(), workspace.region.as_deref()), ("w3", Some("cn-beijing")));
    assert_eq!(workspace.targets().len(), 2);
    assert_eq!(workspace.targets()[1].poll.interval, Duration::from_secs(7));
    let config = load_file("c.yml", WORKSPACE, &variables, &Flags::default()).unwrap();
    assert_eq!(config.workspaces[0].id, "w2");
}

#[test]
fn a_mistake_in_a_flag_names_it() {
    let report = |flags| load(None, &Environment::default(), &flags).unwrap_err().to_string();
    insta::assert_snapshot!(report(flags(Some("w1"), None, &[])), @r#"--region: missing: expected a region such as cn-hangzhou"#);
    insta::assert_snapshot!(report(flags(None, Some("cn-hangzhou"), &["n1"])), @r#"--workspace: missing: expected the workspace's id, such as a14bd5d90a0123"#);
    insta::assert_snapshot!(report(flags(Some("w 1"), Some("Hangzhou"), &["a/b", "n1", "n1"])), @r#"
    4 mistakes in the configuration:
    --workspace: found "w 1", expected the workspace's id, such as a14bd5d90a0123, of visible ASCII characters without blanks
    --region: found "Hangzhou", expected a region such as cn-hangzhou: lower-case letters, digits and hyphens
    --namespace: found "a/b", expected the name of a namespace: letters, digits, `-`, `_` and `.`
    --namespace: the same namespace and selection as workspaces[0].namespaces[1]: expected each target once
    "#);
}

#[test]
fn no_secret_shows_in_any_report_or_print() {
    let good = format!(
        "{{type: access_key, access_key_id: LTAI, access_key_secret: {SECRET}, security_token: {SECRET}}}"
    );
    let config = load_yaml(&format!("credentials: {good}\n{WORKSPACE}")).unwrap();
    let printed = [format!("{config:?}"), config.to_yaml_redacted(), config.warnings().join("")];
    assert!(!printed.concat().contains(SECRET));

    for credentials in [
        SECRET.to_owned(),
        format!("[{SECRET}]"),
        format!("{{type: access_key, access_key_secrt: {SECRET}}}"),
        format!("{{type: default, access_key_secret: {SECRET}}}"),
        format!("{{type: access_key, access_key_id: '{SECRET} ', access_key_secret: [{SECRET}]}}"),
        format!("{{type: access_key, access_key_id: a, access_key_secret: \"{SECRET}\\n\"}}"),
        format!("{{type: access_key, access_key_id: a, access_key_secret: b, security_token: '{SECRET} é'}}"),
        format!("{{type: access_key, access_key_id: a, access_key_secret: {{a: {SECRET}}}}}"),
        format!("{{type: access_key, access_key_secret: {SECRET}"),
        format!("{{type: access_key, access_key_secret: \"{SECRET}"),
        format!("{{type: access_key, access_key_secret: *{SECRET}}}"),
    ] {
        let error = load_yaml(&format!("credentials: {credentials}\n{WORKSPACE}")).unwrap_err();
        assert!(!error.contains(SECRET), "{credentials}\n{error}");
    }
    for secret in [format!("'{SECRET}"), SECRET.to_owned(), format!("\"{SECRET}\\z\""), format!("7{SECRET}")]
    {
        let text = format!("[credentials]\naccess_key_secret = {secret}\n");
        let error = load_file("c.toml", &text, &Environment::default(), &Flags::default()).unwrap_err();
        assert!(!error.contains(SECRET), "{text}\n{error}");
    }
    for (name, value) in [
        ("CREDENTIALS", format!("{{access_key_secret={SECRET}")),
        ("CREDENTIALS", format!("{{type=access_key,access_key_secret='{SECRET} '}}")),
        ("CREDENTIALS", SECRET.to_owned()),
        ("CREDENTIALS__SECRET", SECRET.to_owned()),
        ("CREDENTIALS__ACCESS_KEY_SECRET__VALUE", SECRET.to_owned()),
        ("ACCESS_KEY_SECRET", SECRET.to_owned()),
    ] {
        let error = load_with(WORKSPACE, &[(name, &value), ("CREDENTIALS__TYPE", "access_key")]).unwrap_err();
        assert!(!error.contains(SECRET), "{name}={value}\n{error}");
    }
    for endpoint in
        ["https://u:hunter2@h", "u:hunter2@h", "ftp://hunter2@h", "https://h?token=hunter2", "h/#hunter2"]
    {
        let text = format!("workspaces: [{{id: w1, endpoint: '{endpoint}', namespaces: [n1]}}]");
        let error = load_yaml(&text).unwrap_err();
        assert!(!error.contains(SECRET), "{error}");
    }
}

#[test]
fn each_type_of_credentials_is_read_and_printed_without_secrets() {
    let all = load_example("full.yml");
    let types: Vec<_> = all.workspaces.iter().map(|workspace| &*workspace.credentials).collect();
    assert!(matches!(
        types[..],
        [
            Source::Default(_),
            Source::AccessKey(_),
            Source::AccessKey(_),
            Source::RamRoleArn(_),
            Source::Oidc(_),
            Source::EcsRamRole(_),
            Source::Uri(_),
            Source::Profile(_),
            Source::Default(_),
        ]
    ));
    let config = load_yaml(&format!(
        "credentials:
  type: ram_role_arn
  role_arn: acs:ram::1:role/a
  external_id: {SECRET}
  duration: 15m
  session_name: me
  sts_endpoint: http://127.0.0.1:80
  source:
    type: ram_role_arn
    role_arn: acs:ram::1:role/b
    source: {{type: uri, uri: 'http://{SECRET}:{SECRET}@h:8080/{SECRET}?{SECRET}#{SECRET}'}}
{WORKSPACE}"
    ));
    let printed = config.unwrap().to_yaml_redacted();
    let section = printed.split("credentials:\n").nth(1).unwrap().split("  namespaces:").next().unwrap();
    insta::assert_snapshot!(section, @r#"
    type: ram_role_arn
    source:
      type: ram_role_arn
      source:
        type: uri
        uri: http://h:8080/<redacted>
      role_arn: acs:ram::1:role/b
    role_arn: acs:ram::1:role/a
    external_id: <redacted>
    session_name: me
    duration: 15m
    sts_endpoint: http://127.0.0.1
    "#);
}

#[test]
fn the_environment_may_set_the_source_of_a_role() {
    let role = [
        ("CREDENTIALS__TYPE", "ram_role_arn"),
        ("CREDENTIALS__ROLE_ARN", "acs:ram::1:role/a"),
        ("CREDENTIALS__POLICY", r#"{"Version":"1"}"#),
    ];
    for source in [
        &[("CREDENTIALS__SOURCE", "{type=ecs_ram_role,role_name=app}")][..],
        &[("CREDENTIALS__SOURCE__TYPE", "ecs_ram_role"), ("CREDENTIALS__SOURCE__ROLE_NAME", "app")],
    ] {
        let config = load_with(WORKSPACE, &[&role, source].concat()).unwrap();
        let Source::RamRoleArn(role) = &*config.workspaces[0].credentials else { panic!("a role") };
        let Source::EcsRamRole(source) = &role.source else { panic!("an instance's role") };
        assert_eq!(source.role_name.as_deref(), Some("app"));
        assert_eq!(role.session.policy.as_deref(), Some(r#"{"Version":"1"}"#));
    }
}

#[test]
fn workspaces_without_credentials_of_their_own_share_the_top_level_s() {
    let config = load_yaml(
        "credentials: {type: ecs_ram_role}\nworkspaces: [{id: a, region: r, namespaces: [n]}, \
         {id: b, region: r, namespaces: [n]}, {id: c, region: r, namespaces: [n], credentials: {type: uri}}]",
    )
    .unwrap();
    let [a, b, c] = &config.workspaces[..] else { panic!("three workspaces") };
    assert!(Arc::ptr_eq(&a.credentials, &b.credentials) && !Arc::ptr_eq(&a.credentials, &c.credentials));
}

#[test]
fn what_is_refused_as_credentials() {
    let credentials = [
        "{type: ram_role_arn}",
        "{type: ram_role_arn, role_arn: 'a b'}",
        "{type: ram_role_arn, role_arn: a, source: {type: sts}}",
        "{type: ram_role_arn, role_arn: a, duration: 10m}",
        "{type: ram_role_arn, role_arn: a, duration: 13h}",
        "{type: ram_role_arn, role_arn: a, session_name: x}",
        "{type: oidc, session_name: 'a b'}",
        "{type: oidc, sts_endpoint: 'http://sts.example.com'}",
        "{type: default, sts_endpoint: 'https://sts.example.com/path'}",
        "{type: default, metadata_endpoint: 'http://hunter2@h'}",
        "{type: access_key, access_key_id: a}",
        "{type: access_key, access_key_id: a, access_key_secret: hunter2, access_key_secret_file: hunter2}",
        "{type: uri, uri: 'file:///hunter2'}",
        "{type: uri, role_name: hunter2}",
        "{type: ecs_ram_role, imds_v1_disabled: maybe}",
    ];
    let told = credentials.map(|credentials| {
        let error = load_yaml(&format!("credentials: {credentials}\n{WORKSPACE}")).unwrap_err();
        assert!(!error.contains(SECRET), "{error}");
        error
    });
    insta::assert_snapshot!(told.join("\n"), @r#"
    c.yml:1: credentials.role_arn: missing: expected a role such as acs:ram::1234567890123456:role/flink-reader
    c.yml:1: credentials.role_arn: found a text, expected a role such as acs:ram::1234567890123456:role/flink-reader, of visible ASCII characters without blanks
    c.yml:1: credentials.source.type: found "sts", expected one of default, access_key, ram_role_arn, oidc, ecs_ram_role, uri, profile
    c.yml:1: credentials.duration: found a text, expected a duration from 15m to 12h
    c.yml:1: credentials.duration: found a text, expected a duration from 15m to 12h
    c.yml:1: credentials.session_name: found a text, expected a name of 2 to 64 letters, digits and `-`, `_`, `.`, `@`, `=`
    c.yml:1: credentials.session_name: found a text, expected a name of 2 to 64 letters, digits and `-`, `_`, `.`, `@`, `=`
    c.yml:1: credentials.sts_endpoint: not encrypted, and STS answers with secrets: expected an endpoint such as https://sts-vpc.cn-hangzhou.aliyuncs.com
    c.yml:1: credentials.sts_endpoint: found a text, expected an endpoint such as https://sts-vpc.cn-hangzhou.aliyuncs.com: http or https, a host, no path
    c.yml:1: credentials.metadata_endpoint: found a text, expected an endpoint such as http://100.100.100.200: http or https, a host, no path
    c.yml:1: credentials.access_key_secret: missing: expected the secret of the access key, or `access_key_secret_file`
    c.yml:1: credentials.access_key_secret_file: `access_key_secret` is given too: expected the value or the file, not both
    c.yml:1: credentials.uri: found a text, expected a URI such as http://localhost:8080/credentials
    c.yml:1: credentials.role_name: unknown key; known here: type, uri
    c.yml:1: credentials.imds_v1_disabled: found a text, expected true or false
    "#);
}

#[test]
fn numbers_in_a_secrets_place_are_told_without_their_digits() {
    let text = "credentials: {type: access_key, access_key_id: 12345, access_key_secret: 6.5, security_token: true}\n";
    let error = load_yaml(&format!("{text}{WORKSPACE}")).unwrap_err();
    insta::assert_snapshot!(error, @r#"
    3 mistakes in the configuration:
    c.yml:1: credentials.access_key_id: found a number, expected the id of an access key: put it in quotes
    c.yml:1: credentials.access_key_secret: found a number, expected the secret of the access key: put it in quotes
    c.yml:1: credentials.security_token: found a boolean, expected a security token: put it in quotes
    "#);
}

#[test]
fn the_value_of_an_unknown_key_is_not_told_and_a_long_one_is_cut() {
    let error = load_yaml(&format!("token: {SECRET}\npoll: {{interval: {}}}\n{WORKSPACE}", "x".repeat(9000)));
    let error = error.unwrap_err();
    assert!(!error.contains(SECRET));
    assert!(error.len() < 500, "{error}");
}

#[test]
fn an_endpoint_is_a_scheme_a_host_and_perhaps_a_port() {
    let load = |endpoint: &str, more: &str| {
        load_yaml(&format!("workspaces: [{{id: w1, endpoint: '{endpoint}', namespaces: [n1]{more}}}]"))
    };
    for endpoint in [
        "https://h.example.com",
        "https://h.example.com/",
        "https://h:8443",
        "https://[2001:db8::1]",
        "http://127.0.0.1:10979",
        "http://127.9.9.9",
        "http://[::1]:80",
        "http://localhost:1",
        "http://LOCALHOST",
    ] {
        assert!(load(endpoint, "").is_ok(), "{endpoint}: {:?}", load(endpoint, ""));
    }
    for endpoint in [
        "",
        "h.example.com",
        "localhost:8080",
        "ftp://h",
        "https://",
        "https://h/path",
        "https://h?q",
        "https://h#f",
        "https://u@h",
        "https://u:p@h",
        "file:///etc/passwd",
        "http://h",
        "http://10.0.0.1",
        "http://128.0.0.1",
        "http://localhost.example.com",
        "http://[::2]",
        "http://0.0.0.0",
        "mailto:a@b",
    ] {
        assert!(load(endpoint, "").is_err(), "{endpoint}");
    }
    let config = load("http://10.0.0.1", ", allow_plain_http: true").unwrap();
    assert_eq!(config.warnings().len(), 1);
    assert!(load("http://10.0.0.1", ", allow_plain_http: false").is_err());
}

#[test]
fn what_is_refused_as_a_workspace_or_a_target() {
    for text in [
        "workspaces: {id: w1}",
        "workspaces: [w1]",
        "workspaces: [null]",
        "workspaces: [{id: '', region: r, namespaces: [n]}]",
        "workspaces: [{id: 'w 1', region: r, namespaces: [n]}]",
        "workspaces: [{id: \"w\\t1\", region: r, namespaces: [n]}]",
        "workspaces: [{id: wé, region: r, namespaces: [n]}]",
        "workspaces: [{id: true, region: r, namespaces: [n]}]",
        "workspaces: [{id: w, namespaces: [n]}]",
        "workspaces: [{id: w, region: a.b, namespaces: [n]}]",
        "workspaces: [{id: w, region: -a, namespaces: [n]}]",
        "workspaces: [{id: w, region: A, namespaces: [n]}]",
        "workspaces: [{id: w, region: 'a/b', namespaces: [n]}]",
        "workspaces: [{id: w, region: r}]",
        "workspaces: [{id: w, region: r, namespaces: []}]",
        "workspaces: [{id: w, region: r, namespaces: n}]",
        "workspaces: [{id: w, region: r, namespaces: [n, n]}]",
        "workspaces: [{id: w, region: r, namespaces: [n, {name: n, poll: {interval: 1s}}]}]",
    ] {
        assert!(load_yaml(text).is_err(), "{text}");
    }
    for target in [
        ".",
        "..",
        "a/b",
        "a b",
        "''",
        "null",
        "[a]",
        "{}",
        "{name: ..}",
        "{name: n, selection: {}}",
        "{name: n, select: {status: running}}",
        "{name: n, select: {name: ''}}",
        "{name: n, select: {creator: 1.5}}",
        "{name: n, select: {label: team}}",
        "{name: n, select: {label: {key: team}}}",
        "{name: n, select: {label: {key: team, values: []}}}",
        "{name: n, select: {label: {key: '', values: [a]}}}",
        "{name: n, select: {label: {key: team, values: ['']}}}",
        "{name: n, select: {label: {values: [a]}}}",
        "{name: n, select: {label: {key: team, values: [a;b]}}}",
        "{name: n, api: by_label}",
        "{name: n, api: by_label, select: {}}",
        "{name: n, api: both}",
        "{name: n, api: by_label, select: {label: {key: team, values: ['a,b']}}}",
        "{name: n, api: by_label, select: {status: RUNNING, label: {key: team, values: [a]}}}",
    ] {
        assert!(load_target(target).is_err(), "{target}");
    }
}

#[test]
fn what_is_taken_as_a_target() {
    let label = |values: &[&str]| {
        let values = values.iter().map(|&value| value.to_owned()).collect();
        Selection { label: Some(LabelSelector { key: "team".into(), values }), ..Selection::default() }
    };
    for (target, namespace, selection) in [
        ("n", "n", Selection::default()),
        ("123", "123", Selection::default()),
        ("A.b_c-1", "A.b_c-1", Selection::default()),
        ("{name: n, select: {}}", "n", Selection::default()),
        ("{name: n, select: {label: {key: team, values: ['a,b', 7]}}}", "n", label(&["a,b", "7"])),
        ("{name: n, api: by_label, select: {label: {key: team, values: [a;b]}}}", "n", label(&["a;b"])),
        (
            "{name: n, select: {creator: 183899668}}",
            "n",
            Selection { creator: Some("183899668".into()), ..Selection::default() },
        ),
    ] {
        let loaded = load_target(target).unwrap();
        assert_eq!((loaded.namespace.as_str(), &loaded.selection), (namespace, &selection), "{target}");
    }
}

#[test]
fn settings_stay_within_their_limits() {
    for (setting, good, bad) in [
        ("api: {page_size: X}", &["1", "100"][..], &["0", "101", "-1", "1.0", "'50'", "many", "[]"][..]),
        ("api: {max_concurrent_requests: X}", &["1", "1000"], &["0", "1001"]),
        ("api: {account_requests_per_second: X}", &["0.001", "100"], &["0", "1000001"]),
        ("api: {console_requests_per_second: X}", &["0.001", "2"], &["0", "1000001"]),
        (
            "api: {requests_per_second: X}",
            &["0.1", "1", "1000000"],
            &["0", "-1", "1000001", ".nan", ".inf", "'5'"],
        ),
        ("api: {request_timeout: X}", &["1ms", "1h"], &["0s", "5", "366d", "''"]),
        ("api: {max_retries: X}", &["0", "100"], &["101", "-1"]),
        (
            "api: {max_response_size: X}",
            &["1024", "1KiB", "'2048'", "4GiB"],
            &["1023", "0", "5GiB", "-5", "1.5", "x"],
        ),
        ("api: {max_listing_size: X}", &["1KiB", "64GiB"], &["1023", "65GiB", "-5", "x"]),
        ("poll: {interval: X}", &["100ms", "365d"], &["99ms", "0s", "30", "'30'", "{}"]),
        ("poll: {timeout: X}", &["1ms", "10m"], &["0s", "true"]),
        ("poll: {stale_after: X}", &["1ms", "1d"], &["0s", "400d"]),
        ("metrics: {jobs: X}", &["true", "false"], &["yes", "'true'", "1"]),
        ("metrics: {max_series: X}", &["0", "1", "1000000000"], &["-1", "1.5", "1000000001", "many"]),
        ("shard: {index: X, total: 1000}", &["0", "999"], &["-1", "1000", "a"]),
        ("shard: {total: X}", &["1", "1000"], &["0", "1001"]),
        ("metrics: {first_value_hold: X}", &["0s", "2m", "365d"], &["0", "-1s", "366d"]),
        ("state: {path: X}", &["state.redb", "/a b/c"], &["''", "{}", "true"]),
        (
            "metrics: {deployment_labels: X}",
            &["[]", "['*']", "[a, 5]"],
            &["a", "[a, a]", "[a, '*']", "['']", "[[]]"],
        ),
    ] {
        let load = |value: &str| load_yaml(&format!("{}\n{WORKSPACE}", setting.replace('X', value)));
        for value in good {
            assert!(load(value).is_ok(), "{setting} {value}: {:?}", load(value));
        }
        for value in bad {
            assert!(load(value).is_err(), "{setting} {value}");
        }
    }
}

#[test]
fn the_account_s_rate_is_no_less_than_a_workspace_s_by_default() {
    let rate = |api: &str| {
        load_yaml(&format!("api: {{{api}}}\n{WORKSPACE}")).unwrap().api.account_requests_per_second
    };
    for (api, expected) in [
        ("", 50.0),
        ("requests_per_second: 20", 50.0),
        ("requests_per_second: 200", 200.0),
        ("requests_per_second: 200, account_requests_per_second: 80", 80.0),
    ] {
        assert!((rate(api) - expected).abs() < f64::EPSILON, "{api}");
    }
}

#[test]
fn a_warning_names_its_target() {
    let config = load_yaml(
        "poll: {interval: 60s, timeout: 5s}\nworkspaces: [{id: w1, region: r, namespaces: [n1, \
         {name: n2, select: {status: FAILED}, poll: {stale_after: 60s, timeout: 10s}}]}]",
    );
    insta::assert_snapshot!(config.unwrap().warnings().join("\n"), @r#"
    workspace w1, namespace n1: api.request_timeout (10s) is longer than poll.timeout (5s), so that a slow request is never tried again: make it shorter
    workspace w1, namespace n2 (status=FAILED): poll.stale_after (1m) is not longer than poll.interval (1m): series are withdrawn after three intervals (3m) instead
    workspace w1, namespace n2 (status=FAILED): a deployment leaves the selection when its status changes, so select.status makes its status and its counts of ended jobs meaningless: select by something else
    "#);
}

#[test]
fn the_state_is_kept_where_file_variable_or_flag_says() {
    let text = format!("state: {{path: file}}\n{WORKSPACE}");
    let path = |text: &str, variables: &[(&str, &str)], flag: Option<&str>| {
        let flags = Flags { state_path: flag.map(str::to_owned), ..Flags::default() };
        load_file("c.yml", text, &environment(variables), &flags).unwrap().state_path
    };
    assert_eq!(path(WORKSPACE, &[], None), None);
    assert_eq!(path(&text, &[], None), Some("file".into()));
    assert_eq!(path(&text, &[("STATE__PATH", "variable")], None), Some("variable".into()));
    assert_eq!(path(&text, &[("STATE", "{path=variable}")], Some("flag")), Some("flag".into()));
    let flags = Flags { state_path: Some(String::new()), ..Flags::default() };
    insta::assert_snapshot!(load_file("c.yml", WORKSPACE, &Environment::default(), &flags).unwrap_err(), @r#"--state.path: found an empty text, expected the path of a file, such as /var/lib/aliyun-flink-exporter/state.redb"#);
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
