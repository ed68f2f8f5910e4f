//! The example files, and what is printed.

use std::collections::BTreeSet;

use super::*;

fn every_key(schema: &serde_json::Value, keys: &mut BTreeSet<String>) {
    if let Some(properties) = schema.get("properties").and_then(serde_json::Value::as_object) {
        keys.extend(properties.keys().cloned());
    }
    match schema {
        serde_json::Value::Object(map) => map.values().for_each(|value| every_key(value, keys)),
        serde_json::Value::Array(items) => items.iter().for_each(|value| every_key(value, keys)),
        _ => {}
    }
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
    assert!(matches!(*workspace.credentials, ProviderConfig::Default(_)));
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
    assert_eq!(config.first_value_hold, Duration::from_secs(120));
    let [first, second, ..] = &config.workspaces[..] else { panic!("two workspaces and more") };
    assert_eq!(first.targets()[0].poll, poll::Settings::default());
    assert!(matches!(*first.credentials, ProviderConfig::Default(_)));
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
    let mut keys = BTreeSet::new();
    every_key(&schema(), &mut keys);
    assert!(keys.len() > 60, "{keys:?}");
    for key in keys {
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
