//! The checks of a target.

use std::time::Duration;

use outbound_http::Proxies;

use super::*;
use crate::simulator::Faults;

#[tokio::test]
async fn a_working_target_is_reported_with_its_numbers() {
    let cloud = Cloud::start().await;
    let report = cloud.run().await;
    assert!(report.ok(), "{}", report.to_table());
    let [whole, selection] = report.targets() else { panic!("two targets") };
    assert_eq!((whole.outcome, whole.missing_permission.as_deref()), ("success", None));
    assert_eq!(whole.origin.as_deref(), Some("the access key in the configuration"));
    let deployments = whole.deployments.unwrap();
    assert!((24..=26).contains(&deployments), "{deployments}");
    assert!(whole.series.unwrap() > 5 * deployments, "{:?}", whole.series);
    assert_eq!(whole.request_id.as_ref().unwrap().len(), 36);
    // Three pages a minute.
    assert_eq!(whole.api_calls_per_day, Some(3.0 * 1440.0));
    assert_eq!((selection.deployments, selection.series), (Some(0), Some(0)));
    assert_eq!(selection.api_calls_per_day, Some(2880.0));
    assert_eq!(selection.checks.last().unwrap().status, Status::Warning);
    assert_eq!(check(&report, "clock").status, Status::Ok);
    assert_eq!(check(&report, "tls").status, Status::Skipped);
    let json: serde_json::Value = serde_json::from_str(&report.to_json()).unwrap();
    assert_eq!((&json["ok"], &json["targets"][0]["checks"][0]["status"]), (&true.into(), &"ok".into()));
    let table = report.to_table();
    for part in
        ["w/default-namespace[name=none] at http://127.0.0.1:", "4320", "2 targets", "all checks passed"]
    {
        assert!(table.contains(part), "{part} is not in\n{table}");
    }
}

#[tokio::test]
async fn the_report_shows_which_metrics_the_series_limit_drops() {
    let cloud = Cloud::start().await;
    let config = cloud.config("the-access-key-id", SECRET, "w");
    let unlimited = report(&config).await;
    let series = unlimited.series().clone();
    let of_targets: usize = unlimited.targets().iter().filter_map(|target| target.series).sum();
    assert_eq!((series.total, series.max_series, series.dropped.len()), (of_targets, None, 0));
    let left = series.drop_order.iter().scan(series.total, |left, step| {
        *left -= step.series;
        Some(*left)
    });
    assert!(left.eq(series.drop_order.iter().map(|step| step.remaining)), "{series:?}");
    assert!(unlimited.to_table().contains("metrics.max_series is not set"), "{}", unlimited.to_table());

    let first = &series.drop_order[0].metrics;
    let limited = report(&Config { max_series: series.total - 1, ..config }).await;
    assert_eq!(&limited.series().dropped[..first.len()], first.as_slice());
    let table = limited.to_table();
    assert!(
        table.contains(&format!("metrics.max_series {} drops {}", series.total - 1, first[0])),
        "{table}"
    );
}

#[tokio::test]
async fn each_fault_of_the_service_has_its_outcome() {
    let cloud = Cloud::start().await;
    let none = Faults::default();
    for (faults, outcome, says) in [
        (Faults { throttle: 1.0, ..none }, "throttled", "Throttling.User"),
        (Faults { server_error: 1.0, ..none }, "api", "HTTP 50"),
        (Faults { reset: 1.0, ..none }, "network", "the connection broke"),
        (Faults { truncate: 1.0, ..none }, "invalid_response", "ends too early"),
        (Faults { unsuccessful: 1.0, ..none }, "api", "990001"),
    ] {
        cloud.simulator.set_faults(faults);
        let report = cloud.run().await;
        let call = check(&report, "call");
        assert!(!report.ok() && call.status == Status::Failed, "{}", report.to_table());
        assert_eq!(report.targets()[0].outcome, outcome, "{}", report.to_table());
        assert!(call.detail.contains(says), "{}", call.detail);
        assert!(call.hint.is_some());
    }
}

#[tokio::test]
async fn a_wrong_key_secret_or_workspace_is_reported_with_the_request_id() {
    let cloud = Cloud::start().await;
    for (id, secret, workspace, outcome, says) in [
        ("another-id", SECRET, "w", "auth", "InvalidAccessKeyId.NotFound"),
        ("the-access-key-id", "another", "w", "auth", "SignatureDoesNotMatch"),
        ("the-access-key-id", SECRET, "v", "not_found", "990301"),
    ] {
        let report = report(&cloud.config(id, secret, workspace)).await;
        let target = &report.targets()[0];
        assert_eq!(target.outcome, outcome, "{}", report.to_table());
        assert_eq!(target.request_id.as_ref().unwrap().len(), 36);
        assert!(check(&report, "call").detail.contains(says), "{}", report.to_table());
    }
}

#[tokio::test]
async fn a_wrong_clock_is_reported_by_the_clock_check_and_by_the_call() {
    let cloud = Cloud::start().await;
    let config = cloud.config("the-access-key-id", SECRET, "w");
    let an_hour_ago = Clock::System.since_epoch().saturating_sub(Duration::from_secs(3600));
    let late = Clock::paused(an_hour_ago);
    let report = run(&config, &Environment::default(), &Arc::default(), late).await.unwrap();
    let clock = check(&report, "clock");
    assert!(clock.status == Status::Failed && clock.detail.contains("behind"), "{clock:?}");
    let call = check(&report, "call");
    assert!(call.detail.contains("InvalidTimeStamp.Expired"), "{}", report.to_table());
    let hint = call.hint.as_deref().unwrap();
    assert!(hint.contains("clock") && !hint.contains("key"), "{hint}");
}

#[tokio::test]
async fn a_server_without_tls_fails_the_tls_check() {
    let cloud = Cloud::start().await;
    let config = config(&format!(
        "credentials: {{type: access_key, access_key_id: a, access_key_secret: b}}\n\
         workspaces: [{{id: w, endpoint: '{}', namespaces: [n]}}]\n",
        cloud.url.replace("http:", "https:")
    ));
    let report = report(&config).await;
    assert_eq!(check(&report, "tls").status, Status::Failed, "{}", report.to_table());
}

#[tokio::test]
async fn an_unreachable_endpoint_is_reported_by_the_check_that_fails() {
    for (endpoint, failed) in [
        ("https://no-such-host.invalid", "dns"),
        ("http://127.0.0.1:1", "tls"),
        ("https://127.0.0.1:1", "tls"),
    ] {
        let config = config(&format!(
            "credentials: {{type: access_key, access_key_id: a, access_key_secret: b}}\n\
             workspaces: [{{id: w, endpoint: '{endpoint}', namespaces: [n]}}]\n"
        ));
        let report = report(&config).await;
        assert!(!report.ok());
        assert_eq!(check(&report, failed).status, Status::Failed, "{}", report.to_table());
        assert_eq!(check(&report, "call").status, Status::Skipped);
    }
}

#[tokio::test]
async fn an_endpoint_behind_a_proxy_is_not_resolved_locally() {
    let cloud = Cloud::start().await;
    let mut config = config(&format!(
        "credentials: {{type: access_key, access_key_id: the-access-key-id, access_key_secret: {SECRET}}}\n\
         workspaces: [{{id: w, endpoint: 'http://api.invalid', allow_plain_http: true, namespaces: [default-namespace]}}]\n"
    ));
    let failed = report(&config).await;
    assert_eq!(check(&failed, "dns").status, Status::Failed, "{}", failed.to_table());
    for variable in ["HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
        let url = cloud.url.as_str();
        config.proxies = Proxies::from_env(|name| (name == variable).then_some(url)).unwrap();
        let report = report(&config).await;
        let dns = check(&report, "dns");
        assert_eq!(
            (dns.status, dns.detail.as_str()),
            (Status::Ok, "the proxy is an address"),
            "{}",
            report.to_table()
        );
        assert!(report.ok(), "{}", report.to_table());
    }
}
