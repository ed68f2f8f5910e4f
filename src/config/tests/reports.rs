//! All mistakes in one report.

use super::*;

#[test]
fn all_errors_of_a_file_are_in_one_report() {
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
    c.yml:2: poll.intervall: unknown key (did you mean interval?); known here: interval, timeout, stale_after
    c.yml:3: poll.timeout: found the number 30, expected a duration such as 500ms, 30s, 5m or 1h30m: add the unit
    c.yml:4: poll.stale_after: found "30 parsecs", expected a duration such as 500ms, 30s, 5m or 1h30m
    c.yml:6: api.page_size: found the number 500, expected a whole number from 1 to 100
    c.yml:7: api.max_concurrent_requests: found "4", expected a whole number from 1 to 1000: leave out the quotes
    c.yml:8: api.requests_per_second: found the number 0, expected a number from 0.001 to 1000000
    c.yml:9: api.max_response_size: found "64Mi", expected a size such as 512KiB, 64MiB or 1GiB
    c.yml:10: credentials: missing field `access_key_secret` or `access_key_secret_file`
    c.yml:12: credentials.access_key_id: found a number, expected a secret of visible ASCII characters without blanks: put it in quotes
    c.yml:13: credentials.acces_key_secret: unknown key (did you mean access_key_secret?); known here: access_key_id, access_key_id_file, access_key_secret, access_key_secret_file, security_token, security_token_file
    c.yml:20: workspaces[0].namespaces[1].select.status: found "RUNING", expected one of CANCELLED, FAILED, RUNNING, TRANSITIONING, FINISHED (did you mean RUNNING?)
    c.yml:20: workspaces[0].namespaces[1].select.label.values[0]: found "a;b", but `;` is what separates values in ListDeployments: expected a value without it
    c.yml:22: workspaces[0].namespaces[2].api: by_label needs `select.label`: expected a label, such as {key: team, values: [payments]}, or `api: list`
    c.yml:23: workspaces[0].namespaces[2].select.name: `api: by_label` takes no filter but `label`: leave this one out, or use `api: list`
    c.yml:24: workspaces[0].namespaces[3]: the same namespace and selection as workspaces[0].namespaces[0]: expected each target once
    c.yml:25: workspaces[0].namespaces[4]: found "..", expected the name of a namespace: letters, digits, `-`, `_` and `.`
    c.yml:26: workspaces[1].id: "a1" is at workspaces[0].id already: list all of its namespaces there, for the API's limits hold for a workspace as a whole
    c.yml:27: workspaces[1].endpoint: found "http://flink.example.com", which is not encrypted, and requests carry security tokens: expected https, or `allow_plain_http: true` beside it
    c.yml:28: workspaces[1].namespaces: the list is empty: expected one or more namespaces, or `all`
    c.yml:29: workspaces[2].region: found "杭州", expected one region such as cn-hangzhou: lower-case letters, digits and hyphens
    c.yml:29: workspaces[2].id: missing: expected the workspace's id, such as a14bd5d90a0123
    c.yml:30: workspaces[2].namespaces: found "team-a", expected a list of namespaces, or `all`
    c.yml:31: workspaces[3].namespaces: missing: expected the names of one or more namespaces, or `all`
    c.yml:32: workspaces[3].endpoint: holds a user name or a password: expected an endpoint such as https://ververica-vpc.cn-hangzhou.aliyuncs.com; keys belong into `credentials`
    c.yml:33: workspaces[3].allow_plain_http: found "yes", expected true or false
    c.yml:34: workspaces[3].credentials.type: found "oicd", expected one of default, access_key, ram_role_arn, oidc, ecs_ram_role, uri, profile (did you mean oidc?)
    c.yml:36: metrics.jobs: found the number 1, expected true or false
    c.yml:37: metrics.deployment_labels[1]: `*` stands for all labels: expected it alone, or the keys alone
    c.yml:37: metrics.deployment_labels[2]: "team" is listed twice
    c.yml:38: web: unknown key; known here: poll, api, credentials, discovery, workspaces, collectors, metrics, shard, state
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
    c.toml:6: workspaces[0].region: found the number 5.5, expected one region such as cn-hangzhou: lower-case letters, digits and hyphens: put it in quotes
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
fn without_a_workspace_the_error_lists_all_ways_to_configure_one() {
    let remedy = "workspaces: there is none: give --region to discover every workspace of a region, or with --workspace one of \
                  them, or name a file that lists some with --config.file, or set ALIYUN_FLINK_EXPORTER_WORKSPACES";
    let error = load(None, &Environment::default(), &Flags::default()).unwrap_err();
    assert_eq!(error.to_string(), remedy);
    for text in ["", "# nothing", "workspaces:\n", "workspaces: []\n", "poll:\n"] {
        assert_eq!(load_yaml(text).unwrap_err(), format!("c.yml: {remedy}"), "{text:?}");
    }
}

#[test]
fn the_value_of_an_unknown_key_is_not_shown_and_a_long_one_is_truncated() {
    let error = load_yaml(&format!("token: {SECRET}\npoll: {{interval: {}}}\n{WORKSPACE}", "x".repeat(9000)));
    let error = error.unwrap_err();
    assert!(!error.contains(SECRET));
    assert!(error.len() < 500, "{error}");
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
fn mistakes_of_the_collector_of_jobs_are_named() {
    let text = "metrics: {jobs: false}\ncollectors: {jobs: {mode: all, requests_per_second: 0, rate: 3}, queues: {mode: active}}";
    insta::assert_snapshot!(load_yaml(&format!("{text}\n{WORKSPACE}")).unwrap_err(), @r#"
    5 mistakes in the configuration:
    collectors.jobs: needs the counts of jobs, which `metrics.jobs: false` leaves out; set `metrics.jobs: true`, or disable this collector
    c.yml:2: collectors.jobs.mode: found "all", expected one of failures, active
    c.yml:2: collectors.jobs.rate: unknown key; known here: mode, interval, requests_per_second
    c.yml:2: collectors.jobs.requests_per_second: found the number 0, expected a number from 0.001 to 1000000
    c.yml:2: collectors.queues.mode: unknown key; known here: interval
    "#);
}
