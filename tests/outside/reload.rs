//! Reloads of the configuration.

use std::{os::unix::fs::symlink, sync::Arc};

use reqwest::Method;
use serde_json::json;
use tokio::sync::Semaphore;

use crate::support::{Exposition, Program, Reply, Series, Start, StubApi, page_of, until};

/// An API whose namespaces have one deployment each, with the name of the namespace.
async fn api() -> StubApi {
    StubApi::start(|seen| {
        let namespace = seen.path.split('/').nth(4).unwrap();
        Reply::json(200, &page_of(&[json!({"deploymentId": namespace, "labels": {"team": "a"}})]))
    })
    .await
}

fn yaml(api: &StubApi, interval: &str, namespaces: &str) -> String {
    format!(
        "poll: {{interval: {interval}}}\n\
         workspaces: [{{id: w, endpoint: '{}', namespaces: {namespaces}}}]\n",
        api.endpoint()
    )
}

async fn started(api: &StubApi, interval: &str, namespaces: &str) -> Program {
    let start = Start::daemon().args(&["--web.enable-lifecycle"]);
    start.config(&yaml(api, interval, namespaces)).ready().await
}

async fn reload(program: &Program, status: u16) -> String {
    let answer = program.request(Method::POST, "/-/reload").await;
    assert_eq!(answer.status, status, "{}", answer.body);
    answer.body
}

fn polls(metrics: &Exposition, namespace: &str) -> f64 {
    metrics.find("aliyun_flink_target_polls_total").label("namespace", namespace).sum()
}

fn served(metrics: &Exposition, namespace: &str) -> bool {
    metrics.find("aliyun_flink_deployment_info").label("namespace", namespace).exists()
}

#[tokio::test]
async fn a_reload_adds_and_removes_targets_and_keeps_the_others() {
    let api = api().await;
    let program = started(&api, "1h", "[kept, removed]").await;
    let before = program.metrics().await;
    let time = "aliyun_flink_target_last_success_timestamp_seconds";
    let kept_since = before.find(time).label("namespace", "kept").one().value;

    program.rewrite_config(&yaml(&api, "1h", "[kept, added]"));
    let answer = reload(&program, 200).await;
    assert!(answer.contains("1 added, 1 removed, 0 changed, 1 unchanged"), "{answer}");
    assert!(answer.contains("--web.listen-address"), "{answer}");
    let metrics = program.metrics().await;
    assert!(!metrics.series().any(|series| {
        series.name.starts_with("aliyun_flink_target")
            && series.labels.get("namespace").is_some_and(|namespace| namespace == "removed")
    }));
    assert!(!served(&metrics, "removed") && served(&metrics, "kept"));
    let metrics = program.metrics_with("the new target", |metrics| served(metrics, "added")).await;
    assert!((polls(&metrics, "kept") - 1.0).abs() < 0.5, "an unchanged target is not polled again");
    metrics.find(time).label("namespace", "kept").value(kept_since);
    metrics.find("aliyun_flink_exporter_config_last_reload_successful").value(1.0);
}

#[tokio::test]
async fn an_invalid_file_is_rejected_with_the_errors_of_check_config() {
    let api = api().await;
    let program = started(&api, "1h", "[n]").await;
    let time = "aliyun_flink_exporter_config_last_reload_success_timestamp_seconds";
    let since = program.metrics().await.find(time).one().value;
    let wrong = "poll: {intervall: 1s}\nworkspaces: [{id: w, region: r, namespaces: [a, '..']}]\n";
    program.rewrite_config(wrong);
    let answer = reload(&program, 500).await;
    let checked = Start::bare(&["check-config"]).config(wrong).finish().await.with_code(2);
    let told = |text: &str| {
        let mistakes = text.lines().filter_map(|line| line.split_once(".yml"));
        mistakes.map(|(_, mistake)| mistake.to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(told(&answer), told(&checked.stderr));
    assert_eq!(told(&answer).len(), 2, "{answer}");
    let metrics = program.metrics().await;
    assert!(served(&metrics, "n"));
    metrics.find("aliyun_flink_exporter_config_last_reload_successful").value(0.0);
    metrics.find(time).value(since);

    program.rewrite_config(&yaml(&api, "1h", "[n]"));
    reload(&program, 200).await;
    let metrics = program.metrics().await;
    metrics.find("aliyun_flink_exporter_config_last_reload_successful").value(1.0);
    assert!(metrics.find(time).one().value > since);
}

#[tokio::test]
async fn changed_settings_apply_to_the_targets_that_use_them() {
    let api = api().await;
    let program = started(&api, "1h", "[a, b]").await;
    let text = yaml(&api, "1h", "[a, {name: b, poll: {interval: 200ms}}]");
    program.rewrite_config(&text);
    let answer = reload(&program, 200).await;
    assert!(answer.contains("0 added, 0 removed, 1 changed, 1 unchanged"), "{answer}");
    let metrics = program.metrics_with("more polls", |metrics| polls(metrics, "b") >= 4.0).await;
    assert!((polls(&metrics, "a") - 1.0).abs() < 0.5);

    program.rewrite_config(&format!("{text}metrics: {{deployment_labels: [team]}}\n"));
    let answer = reload(&program, 200).await;
    assert!(answer.contains("2 changed, 0 unchanged"), "{answer}");
    let labelled = |metrics: &Exposition| metrics.find("aliyun_flink_deployment_labels").all().len() == 2;
    let metrics = program.metrics_with("labels", labelled).await;
    metrics
        .find("aliyun_flink_deployment_labels")
        .label("namespace", "a")
        .labels_contain(&[("label_team", "a")]);
}

#[tokio::test]
async fn concurrent_reloads_during_a_poll_are_all_answered() {
    let gate = Arc::new(Semaphore::new(0));
    let held = gate.clone();
    let body = page_of(&[json!({"deploymentId": "d"})]).to_string();
    let api = StubApi::start(move |_| Reply::Held(held.clone(), body.clone().into())).await;
    let start = Start::daemon().args(&["--web.enable-lifecycle"]).config(&yaml(&api, "1h", "[n]"));
    let program = start.listening().await;
    until("a poll under way", async || (!api.requests().is_empty()).then_some(())).await;
    let answers =
        futures_util::future::join_all((0..4).map(|_| program.request(Method::POST, "/-/reload"))).await;
    for answer in answers {
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert!(answer.body.contains("1 unchanged"), "{}", answer.body);
    }
    gate.add_permits(100);
    program.metrics_with("the poll that went on", |metrics| served(metrics, "n")).await;
    assert_eq!(api.requests().len(), 1, "the poll was not restarted");
}

#[tokio::test]
async fn a_reload_over_http_needs_the_lifecycle_flag_and_post() {
    let api = api().await;
    let program = Start::daemon().config(&yaml(&api, "1h", "[n]")).ready().await;
    let answer = program.request(Method::POST, "/-/reload").await;
    assert_eq!(answer.status, 403);
    assert!(answer.body.contains("--web.enable-lifecycle"), "{}", answer.body);
    let answer = program.get("/-/reload").await;
    assert_eq!((answer.status, answer.header("allow")), (405, "POST"));
}

#[tokio::test]
async fn sighup_reloads_the_configuration() {
    let api = api().await;
    let program = Start::daemon().config(&yaml(&api, "1h", "[n]")).ready().await;
    program.rewrite_config(&yaml(&api, "1h", "[n, m]"));
    program.signal("HUP").await;
    program.metrics_with("the new target", |metrics| served(metrics, "m")).await;
    program.rewrite_config("workspaces: 7\n");
    program.signal("HUP").await;
    let refused = |metrics: &Exposition| {
        metrics.find("aliyun_flink_exporter_config_last_reload_successful").one().value < 0.5
    };
    program.metrics_with("the refusal", refused).await;
    assert!(served(&program.metrics().await, "m"));
}

#[tokio::test]
async fn a_removed_selection_removes_only_its_own_deployments() {
    let api = StubApi::start(|seen| {
        let id = if seen.query.contains("STREAMING") { "s" } else { "b" };
        Reply::json(200, &page_of(&[json!({"deploymentId": id}), json!({"deploymentId": "both"})]))
    })
    .await;
    let selection = |mode: &str| format!("{{name: n, select: {{execution_mode: {mode}}}}}");
    let both = format!("[{}, {}]", selection("STREAMING"), selection("BATCH"));
    let program = started(&api, "1h", &both).await;
    assert_eq!(program.metrics().await.find("aliyun_flink_deployment_info").all().len(), 3);
    program.rewrite_config(&yaml(&api, "1h", &format!("[{}]", selection("BATCH"))));
    reload(&program, 200).await;
    let metrics = program.metrics().await;
    assert_eq!(metrics.find("aliyun_flink_deployment_info").all().len(), 2);
    metrics.find("aliyun_flink_deployment_info").label("deployment_id", "s").absent();
}

#[tokio::test]
async fn a_removed_workspace_leaves_no_series() {
    let api = api().await;
    let config = |ids: &[&str]| {
        let workspace = |id: &&str| format!("{{id: {id}, endpoint: '{}', namespaces: [n]}}", api.endpoint());
        let workspaces = ids.iter().map(workspace).collect::<Vec<_>>().join(", ");
        format!("poll: {{interval: 1h}}\nworkspaces: [{workspaces}]\n")
    };
    let start = Start::daemon().args(&["--web.enable-lifecycle"]);
    // Both use the same credentials, which stay in use.
    let program = start.config(&config(&["gone", "stays"])).ready().await;
    let series = |metrics: &Exposition, workspace: &str| {
        let of = |series: &&Series| series.labels.get("workspace").is_some_and(|label| label == workspace);
        metrics.series().filter(of).map(|series| series.name.clone()).collect::<Vec<_>>()
    };
    let before = program.metrics().await;
    assert!(series(&before, "gone").len() > 10);
    assert_eq!(series(&before, "gone"), series(&before, "stays"));
    program.rewrite_config(&config(&["stays"]));
    reload(&program, 200).await;
    let after = program.metrics().await;
    assert_eq!(series(&after, "gone"), Vec::<String>::new());
    assert_eq!(series(&after, "stays"), series(&before, "stays"));
}

#[tokio::test]
async fn auto_reload_applies_a_changed_file_and_rejects_an_invalid_one() {
    let api = api().await;
    let program =
        Start::daemon().args(&["--config.auto-reload"]).config(&yaml(&api, "1h", "[first]")).ready().await;
    program.rewrite_config("workspaces: 7");
    let refused = |metrics: &Exposition| {
        metrics.find("aliyun_flink_exporter_config_last_reload_successful").one().value < 0.5
    };
    let metrics = program.metrics_with("the refusal", refused).await;
    assert!(served(&metrics, "first"));
    program.rewrite_config(&yaml(&api, "1h", "[second]"));
    let metrics = program.metrics_with("the second target", |metrics| served(metrics, "second")).await;
    assert!(!served(&metrics, "first"));
}

/// Kubernetes mounts each version of a `ConfigMap` as a directory, and replaces the symbolic link to it.
#[tokio::test]
async fn auto_reload_follows_a_replaced_config_map() {
    let api = api().await;
    let volume = tempfile::tempdir().unwrap();
    let publish = |version: &str, namespaces: &str| {
        let directory = volume.path().join(version);
        std::fs::create_dir(&directory).unwrap();
        std::fs::write(directory.join("config.yml"), yaml(&api, "1h", namespaces)).unwrap();
        symlink(version, volume.path().join("..data_tmp")).unwrap();
        std::fs::rename(volume.path().join("..data_tmp"), volume.path().join("..data")).unwrap();
    };
    publish("..1", "[first]");
    let file = volume.path().join("config.yml");
    symlink("..data/config.yml", &file).unwrap();
    let program = Start::daemon()
        .args(&["--config.auto-reload", "--config.file", file.to_str().unwrap()])
        .ready()
        .await;
    assert!(served(&program.metrics().await, "first"));
    publish("..2", "[second]");
    program.metrics_with("the second target", |metrics| served(metrics, "second")).await;
}
