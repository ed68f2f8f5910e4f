//! The requests that the program sends.

use std::collections::HashSet;

use crate::support::{Reply, Seen, Start, StubApi, empty_page};

const TOKEN: &str = "CAISnwF1q6Ft5B2yfSjIr5bH/outside+token==";

async fn empty() -> StubApi {
    StubApi::start(|_| Reply::json(200, &empty_page())).await
}

/// The only request of a target.
async fn request_of(target: &str) -> Seen {
    let api = empty().await;
    Start::new(&["once"]).polling(&api, &format!("[{target}]"), "").finish().await.with_code(0);
    let requests = api.requests();
    assert_eq!(requests.len(), 1, "an empty namespace takes one request: {requests:?}");
    requests[0].clone()
}

fn assert_has_the_headers(request: &Seen, action: &str) {
    let signed = request.verified(Start::ID, Start::SECRET);
    assert_eq!(request.method, "GET");
    assert_eq!(request.header("workspace"), "edcef0000b4f");
    assert_eq!(request.header("x-acs-action"), action);
    assert_eq!(request.header("x-acs-version"), "2022-07-18");
    assert_eq!(request.header("x-acs-content-sha256"), acs3::EMPTY_SHA256);
    assert_eq!(request.header("x-acs-signature-nonce").len(), 32);
    let date = request.header("x-acs-date");
    let form: String = date.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    assert_eq!(form, "0000-00-00T00:00:00Z", "{date}");
    let sent = request.headers.keys().map(reqwest::header::HeaderName::as_str);
    for name in sent.filter(|name| name.starts_with("x-acs-") || ["host", "workspace"].contains(name)) {
        assert!(signed.contains(&name), "{name} is not signed");
    }
    let authorization = request.header("authorization");
    assert!(!authorization.contains(", "), "no spaces: {authorization}");
    for name in ["x-acs-security-token", "x-acs-accesskey-id", "content-type"] {
        assert!(!request.headers.contains_key(name), "{name} is sent");
    }
}

#[tokio::test]
async fn a_namespace_is_requested_by_a_signed_listing() {
    let request = request_of("default-namespace").await;
    assert_eq!(request.path, "/api/v2/namespaces/default-namespace/deployments");
    assert_eq!(request.query, "pageIndex=1&pageSize=100");
    assert_has_the_headers(&request, "ListDeployments");
}

#[tokio::test]
async fn all_filters_of_a_listing_are_sent_as_signed() {
    let target = "{name: team-b, select: {name: 'orders 1+2*~/订单', execution_mode: STREAMING, status: RUNNING, \
                  creator: '183899668', modifier: '183899669', label: {key: 团队, values: ['支付 a', 'b&c=d']}}}";
    let request = request_of(target).await;
    assert_eq!(request.path, "/api/v2/namespaces/team-b/deployments");
    assert_eq!(
        request.query,
        "creator=183899668&executionMode=STREAMING&labelKey=%E5%9B%A2%E9%98%9F\
         &labelValueArray=%E6%94%AF%E4%BB%98%20a%3Bb%26c%3Dd&modifier=183899669\
         &name=orders%201%2B2%2A~%2F%E8%AE%A2%E5%8D%95&pageIndex=1&pageSize=100&status=RUNNING"
    );
    assert_has_the_headers(&request, "ListDeployments");
}

#[tokio::test]
async fn a_listing_by_label_is_sent_as_signed() {
    let target = "{name: team-b, select: {label: {key: 团队, values: ['支付 a', 'b;c']}}, api: by_label}";
    let request = request_of(target).await;
    assert_eq!(request.path, "/api/v2/namespaces/team-b/deployments/getDeployments/byLabel");
    assert_eq!(request.query, "labelKey=%E5%9B%A2%E9%98%9F&labelValue=%E6%94%AF%E4%BB%98%20a%2Cb%3Bc");
    assert_has_the_headers(&request, "GetDeploymentsByLabel");
}

#[tokio::test]
async fn a_security_token_is_sent_and_signed() {
    let api = empty().await;
    let start = Start::new(&["once"]).env("ALIBABA_CLOUD_SECURITY_TOKEN", TOKEN);
    start.polling(&api, "[default-namespace]", "").finish().await.with_code(0);
    let requests = api.requests();
    let signed = requests[0].verified(Start::ID, Start::SECRET);
    assert_eq!(requests[0].header("x-acs-security-token"), TOKEN);
    assert_eq!(requests[0].header("x-acs-accesskey-id"), Start::ID);
    assert!(signed.contains(&"x-acs-security-token") && signed.contains(&"x-acs-accesskey-id"));
}

#[tokio::test]
async fn every_retry_has_its_own_nonce_and_signature() {
    let api = StubApi::start(|_| Reply::new(503, "")).await;
    let start = Start::new(&["once"]).polling(&api, "[default-namespace]", "api: {max_retries: 2}\n");
    let finished = start.finish().await.with_code(1);
    let requests = api.requests();
    assert_eq!(requests.len(), 3, "{}", finished.stderr);
    for request in &requests {
        request.verified(Start::ID, Start::SECRET);
    }
    let nonces: HashSet<_> = requests.iter().map(|request| request.header("x-acs-signature-nonce")).collect();
    assert_eq!(nonces.len(), 3);
    let metrics = finished.metrics();
    metrics.find("aliyun_flink_exporter_api_requests_total").label("code", "503").value(3.0);
    metrics.find("aliyun_flink_exporter_api_retries_total").label("reason", "api").value(2.0);
    assert_eq!(api.statuses(), [(503, 3)].into());
}

#[tokio::test]
async fn a_redirect_is_not_followed_with_signed_headers() {
    let target = empty().await;
    let elsewhere = format!("{}/elsewhere", target.endpoint());
    let api = StubApi::start(move |_| Reply::new(302, "").with_header("location", elsewhere.clone())).await;
    let start = Start::new(&["once"]).polling(&api, "[default-namespace]", "");
    let finished = start.finish().await.with_code(1);
    assert_eq!((api.requests().len(), target.requests().len()), (1, 0));
    finished.metrics().find("aliyun_flink_exporter_api_requests_total").label("code", "302").value(1.0);
    assert!(finished.stderr.contains("302"), "{}", finished.stderr);
}
