//! The failure of a target does not affect other targets.

use crate::support::{Reply, Start, StubApi, sample};

#[tokio::test]
async fn a_namespace_with_invalid_responses_does_not_affect_others() {
    let good = sample("list_deployments");
    let api = StubApi::start(move |request| {
        if request.is_of("bad") { Reply::ok("<html>garbage") } else { Reply::ok(good.clone()) }
    })
    .await;
    let start = Start::daemon().polling(&api, "[good, bad]", "api: {max_retries: 0}\n");
    let program = start.ready().await;
    program
        .metrics_with("many polls of the bad namespace", |metrics| {
            let jobs = metrics.find("aliyun_flink_deployment_jobs");
            assert_eq!(jobs.all().len(), 6, "the good namespace's series are in every scrape");
            metrics.find("aliyun_flink_deployment_info").labels_contain(&[("namespace", "good")]);
            let target = |name: &str, namespace| {
                metrics.find(&format!("aliyun_flink_target_{name}")).label("namespace", namespace)
            };
            target("up", "good").value(1.0);
            target("up", "bad").value(0.0);
            target("objects", "good").value(1.0);
            target("objects", "bad").absent();
            target("last_success_timestamp_seconds", "bad").absent();
            target("polls_total", "good").label("outcome", "invalid_response").value(0.0);
            target("polls_total", "bad").label("outcome", "success").value(0.0);
            let failed = target("polls_total", "bad").label("outcome", "invalid_response").one().value;
            let succeeded = target("polls_total", "good").label("outcome", "success").one().value;
            failed >= 8.0 && succeeded >= 8.0
        })
        .await;
}

#[tokio::test]
async fn a_namespace_that_never_responds_does_not_affect_others() {
    let good = sample("list_deployments");
    let api = StubApi::start(
        move |request| {
            if request.is_of("bad") { Reply::Never } else { Reply::ok(good.clone()) }
        },
    )
    .await;
    let start = Start::daemon().polling(
        &api,
        "[{name: bad, poll: {timeout: 500ms}}, good]",
        "api: {max_retries: 0}\n",
    );
    let program = start.ready().await;
    program
        .metrics_with("polls of both namespaces", |metrics| {
            assert_eq!(metrics.find("aliyun_flink_deployment_jobs").all().len(), 6);
            let polls = |namespace, outcome| {
                let polls = metrics.find("aliyun_flink_target_polls_total");
                polls.label("namespace", namespace).label("outcome", outcome).one().value
            };
            polls("bad", "timeout") >= 3.0 && polls("good", "success") >= 8.0
        })
        .await;
}
