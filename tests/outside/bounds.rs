//! Limits on the responses of the API.

use serde_json::json;

use crate::support::{Finished, Raw, RawApi, Reply, Start, StubApi, page_of, sample};

/// Asserts that the only poll failed with this outcome.
fn assert_failed_as(finished: &Finished, outcome: &str) {
    let metrics = finished.metrics();
    metrics.find("aliyun_flink_target_polls_total").label("outcome", outcome).value(1.0);
    metrics.find("aliyun_flink_target_up").value(0.0);
    metrics.find("aliyun_flink_target_objects").absent();
}

#[tokio::test]
async fn a_body_that_is_too_large_fails_the_poll_with_and_without_content_length() {
    for chunked in [false, true] {
        let body = sample("list_deployments");
        assert!(body.len() > 1024);
        let api = StubApi::start(move |_| {
            if chunked { Reply::Chunked(body.clone().into()) } else { Reply::ok(body.clone()) }
        })
        .await;
        let start = Start::new(&["once"]).polling(&api, "[n1]", "api: {max_response_size: 1KiB}\n");
        let finished = start.finish().await.with_code(1);
        assert_failed_as(&finished, "invalid_response");
        assert!(finished.stderr.contains("api.max_response_size"), "{}", finished.stderr);
        let metrics = finished.metrics();
        metrics.find("aliyun_flink_exporter_api_requests_total").label("code", "200").value(1.0);
    }
}

#[tokio::test]
async fn a_very_long_retry_after_fails_the_poll_immediately() {
    for header in ["retry-after", "x-acs-retry-after"] {
        for pause in [u64::MAX, u64::MAX / 2, 1 << 40] {
            let api =
                StubApi::start(move |_| Reply::new(429, "").with_header(header, pause.to_string())).await;
            let finished = Start::new(&["once"]).polling(&api, "[n1]", "").finish().await.with_code(1);
            assert_failed_as(&finished, "throttled");
            assert!(!finished.stderr.contains("panic"), "{}", finished.stderr);
            assert_eq!(api.requests().len(), 1);
        }
    }
}

#[tokio::test]
async fn an_absurd_total_size_fails_the_poll() {
    let mut page = page_of(&[json!({"deploymentId": "d1", "name": "one"})]);
    page["totalSize"] = json!(u64::MAX);
    let api = StubApi::start(move |_| Reply::json(200, &page)).await;
    let finished = Start::new(&["once"]).polling(&api, "[n1]", "").finish().await.with_code(1);
    assert_failed_as(&finished, "invalid_response");
    assert_eq!(api.requests().len(), 1);
}

#[tokio::test]
async fn durations_are_limited_and_a_year_is_accepted() {
    for key in ["POLL__INTERVAL", "POLL__TIMEOUT", "POLL__STALE_AFTER", "API__REQUEST_TIMEOUT"] {
        let api = StubApi::start(|_| Reply::ok(sample("list_deployments"))).await;
        let name = format!("ALIYUN_FLINK_EXPORTER_{key}");
        let with = |start: Start, value| start.polling(&api, "[n1]", "").env(&name, value);
        let refused = with(Start::new(&["once"]), "200000000000000d").finish().await.with_code(2);
        assert!(refused.stderr.contains(&name), "{}", refused.stderr);
        let program = with(Start::daemon(), "365d").ready().await;
        program.metrics().await.find("aliyun_flink_target_up").value(1.0);
    }
}

#[tokio::test]
async fn endless_interim_responses_time_out_in_bounded_memory() {
    let interim = format!("HTTP/1.1 103 Early Hints\r\nLink: {}\r\n\r\n", "x".repeat(500)).repeat(100);
    let api = RawApi::start(move |_| Raw::Repeated(interim.clone().into_bytes())).await;
    let yaml = format!(
        "api: {{request_timeout: 3s, max_retries: 0}}\n\
         workspaces: [{{id: w, endpoint: '{}', namespaces: [n]}}]\n",
        api.endpoint()
    );
    let finished = Start::new(&["once"]).config(&yaml).finish().await.with_code(1);
    assert_failed_as(&finished, "timeout");
    let memory = finished.metrics().find("process_resident_memory_bytes").one().value;
    assert!(memory < 100e6, "{memory} bytes");
}

#[tokio::test]
async fn a_page_with_a_million_rows_is_rejected_in_bounded_memory() {
    let row = r#"{"deploymentId":"a-deployment"},"#;
    let body = format!(
        r#"{{"success":true,"totalSize":1000000,"data":[{}{{"deploymentId":"z"}}]}}"#,
        row.repeat(999_999)
    );
    let reply = crate::support::http(200, "", body.as_bytes());
    for entry in ["n", "{name: n, api: by_label, select: {label: {key: k, values: [v]}}}"] {
        let reply = reply.clone();
        let api = RawApi::start(move |_| Raw::Bytes(reply.clone())).await;
        let yaml =
            format!("workspaces: [{{id: w, endpoint: '{}', namespaces: [{entry}]}}]\n", api.endpoint());
        let finished = Start::new(&["once"]).config(&yaml).finish().await.with_code(1);
        assert_failed_as(&finished, "invalid_response");
        let memory = finished.metrics().find("process_resident_memory_bytes").one().value;
        assert!(memory < 200e6, "{entry}: {memory} bytes");
    }
}
