//! The doctor's answers to each fault.

use std::{net::Ipv4Addr, sync::Arc, time::Duration};

use outbound_http::Proxies;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::*;
use crate::{
    config::{Environment, Flags},
    credentials::testing::{self, Service},
    simulator::{self, Faults, Operation, Simulator},
};

const SECRET: &str = "the-access-key-secret";

/// A simulated API, stopped when it is dropped.
struct Cloud {
    simulator: Arc<Simulator>,
    url: String,
    _running: DropGuard,
}

impl Cloud {
    async fn start() -> Self {
        let settings = simulator::Settings {
            access_key: Some(("the-access-key-id".into(), SECRET.into())),
            workspace: Some("w".into()),
            deployments: 24,
            ..simulator::Settings::default()
        };
        let simulator = Arc::new(Simulator::new(settings, Clock::System));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shutdown = CancellationToken::new();
        tokio::spawn(simulator.clone().serve(listener, shutdown.clone()));
        Self { simulator, url, _running: shutdown.drop_guard() }
    }

    fn config(&self, id: &str, secret: &str, workspace: &str) -> Config {
        config(&format!(
            "api: {{max_retries: 0, page_size: 10}}\n\
             credentials: {{type: access_key, access_key_id: {id}, access_key_secret: {secret}}}\n\
             workspaces: [{{id: {workspace}, endpoint: '{}', namespaces: [default-namespace, \
             {{name: default-namespace, poll: {{interval: 30s}}, select: {{name: none}}}}]}}]\n",
            self.url
        ))
    }

    async fn run(&self) -> Report {
        report(&self.config("the-access-key-id", SECRET, "w")).await
    }
}

fn config(text: &str) -> Config {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("c.yml");
    std::fs::write(&path, text).unwrap();
    config::load(Some(&path), &Environment::default(), &Flags::default()).unwrap()
}

async fn report(config: &Config) -> Report {
    let report = run(config, &Environment::default(), &Arc::default(), Clock::System).await.unwrap();
    assert!(!report.to_json().contains("the-access-key"), "{}", report.to_json());
    assert!(!report.to_table().contains("the-access-key"), "{}", report.to_table());
    report
}

fn check<'r>(report: &'r Report, name: &str) -> &'r Check {
    report.targets()[0].checks.iter().find(|check| check.name == name).unwrap()
}

#[tokio::test]
async fn a_target_in_good_health_is_told_with_its_numbers() {
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
async fn what_a_limit_of_series_drops_is_shown() {
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
async fn each_fault_of_the_service_is_told_by_its_outcome() {
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
async fn a_wrong_key_secret_or_workspace_is_told_with_the_request_s_id() {
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
async fn a_target_without_credentials_is_told_what_was_looked_for() {
    let cloud = Cloud::start().await;
    let config = config(&format!(
        "credentials: {{type: uri}}\nworkspaces: [{{id: w, endpoint: '{}', namespaces: [n]}}]\n",
        cloud.url
    ));
    let report = report(&config).await;
    assert!(!report.ok());
    assert!(check(&report, "credentials").detail.contains("ALIBABA_CLOUD_CREDENTIALS_URI is not set"));
    assert_eq!(check(&report, "call").status, Status::Skipped);
    assert_eq!(report.targets()[0].outcome, "not_tried");
}

#[tokio::test]
async fn a_clock_that_is_off_is_told_by_its_step_and_by_the_call() {
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
async fn a_server_that_speaks_no_tls_is_told_by_that_step() {
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
async fn an_endpoint_that_is_not_there_is_told_by_the_step_that_failed() {
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

/// A service that is STS, the metadata service and the API, and answers each as told.
async fn everywhere(api: (u16, &'static str), sts: u16, metadata: u16) -> Service {
    Service::start(move |_, seen| match seen.what.as_str() {
        "POST /" if sts == 200 => (200, testing::sts("STS.1")),
        "POST /" => {
            (sts, r#"{"Code":"NoPermission","RequestId":"R-sts","Message":"the-access-key"}"#.to_owned())
        }
        what if what.contains("/latest/") && metadata == 200 => (200, testing::flat("STS.2")),
        what if what.contains("/latest/") => (metadata, "the-access-key".to_owned()),
        _ => (api.0, api.1.to_owned()),
    })
    .await
}

const LISTING: (u16, &str) =
    (200, r#"{"success":true,"requestId":"R-api","totalSize":0,"pageSize":100,"data":[]}"#);

async fn with_credentials(service: &Service, credentials: &str) -> Report {
    let url = service.url.as_str().trim_end_matches('/');
    let credentials = credentials.replace("URL", url);
    report(&config(&format!(
        "credentials: {credentials}\nworkspaces: [{{id: w, endpoint: '{url}', namespaces: [n]}}]\n"
    )))
    .await
}

const ROLE: &str = "{type: ram_role_arn, role_arn: 'acs:ram::1:role/reader', sts_endpoint: URL, \
                    source: {type: ecs_ram_role, role_name: app, metadata_endpoint: URL}}";

#[tokio::test]
async fn each_link_is_named_that_gave_the_credentials_or_did_not() {
    let origin = "the role acs:ram::1:role/reader, assumed with the ECS instance's RAM role app";
    let good = with_credentials(&everywhere(LISTING, 200, 200).await, ROLE).await;
    assert!(good.ok(), "{}", good.to_table());
    let target = &good.targets()[0];
    assert_eq!((target.origin.as_deref(), target.request_id.as_deref()), (Some(origin), Some("R-api")));
    assert!(target.credentials_expire.is_some());
    let refused = with_credentials(&everywhere(LISTING, 403, 200).await, ROLE).await;
    let detail = &check(&refused, "credentials").detail;
    assert!(detail.contains("sts:AssumeRole") && detail.contains("R-sts"), "{detail}");
    let down = with_credentials(&everywhere(LISTING, 200, 503).await, ROLE).await;
    let detail = &check(&down, "credentials").detail;
    assert!(detail.contains("the ECS metadata service at") && detail.contains("HTTP 503"), "{detail}");
}

#[tokio::test]
async fn the_missing_permission_is_named_by_its_ram_action() {
    let key = "{type: access_key, access_key_id: the-access-key-id, access_key_secret: the-secret}";
    for (body, action) in [
        (
            r#"{"code":"NoPermission","requestId":"R-1","accessDeniedDetail":{"AuthAction":"stream:Named"}}"#,
            "stream:Named",
        ),
        (r#"{"Code":"Forbidden.RAM","RequestId":"R-1","Message":"no"}"#, "stream:ListDeployments"),
    ] {
        let report = with_credentials(&everywhere((403, body), 200, 200).await, key).await;
        let target = &report.targets()[0];
        assert_eq!((target.outcome, target.missing_permission.as_deref()), ("permission", Some(action)));
        assert_eq!(target.request_id.as_deref(), Some("R-1"));
        assert!(report.to_table().contains(&format!("the RAM action {action}")), "{}", report.to_table());
    }
}

#[tokio::test]
async fn a_denial_without_an_error_code_is_one_of_an_intermediary() {
    let key = "{type: access_key, access_key_id: the-access-key-id, access_key_secret: the-secret}";
    for (body, kind) in [
        ("<html><title>Blocked by SECRETPROXY</title></html>", "an HTML page"),
        ("", "an empty body"),
        (r#"{"code":403,"message":"SECRETPROXY"}"#, "a JSON document"),
        ("SECRETPROXY says no", "a text"),
    ] {
        let report = with_credentials(&everywhere((403, body), 200, 200).await, key).await;
        let target = &report.targets()[0];
        let table = report.to_table();
        assert_eq!((target.outcome, target.missing_permission.as_deref()), ("api", None), "{table}");
        let call = check(&report, "call");
        assert!(call.detail.contains("HTTP 403") && call.detail.contains(kind), "{table}");
        assert!(
            call.hint.as_deref().unwrap().contains("an intermediary answered instead of the API"),
            "{table}"
        );
        assert!(!table.contains("SECRETPROXY"), "{table}");
    }
}

#[tokio::test]
async fn hints_follow_the_error_code() {
    let key = "{type: access_key, access_key_id: the-access-key-id, access_key_secret: the-secret}";
    for (body, says) in [
        (r#"{"Code":"InvalidAccessKeyId.Inactive","Message":"m"}"#, "disabled"),
        (r#"{"Code":"InvalidAccessKeyId.NotFound","Message":"m"}"#, "does not exist"),
        (r#"{"Code":"SignatureDoesNotMatch","Message":"m"}"#, "secret does not match"),
        (r#"{"Code":"InvalidSecurityToken.Expired","Message":"m"}"#, "security token"),
        (r#"{"Code":"Account.Overdue","Message":"m"}"#, "see the error code"),
    ] {
        let report = with_credentials(&everywhere((403, body), 200, 200).await, key).await;
        assert_eq!(report.targets()[0].missing_permission, None, "{body}");
        let hint = check(&report, "call").hint.clone().unwrap();
        assert!(hint.contains(says), "{body}: {hint}");
    }
}

#[tokio::test]
async fn an_endpoint_behind_a_proxy_is_reached_through_it_and_its_name_is_not_resolved_here() {
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

/// A report on a discovered region of `cloud`; `more` has more keys of the entry.
async fn discovery_report(cloud: &Cloud, more: &str) -> Report {
    let url = &cloud.url;
    report(&config(&format!(
        "api: {{max_retries: 0, console_requests_per_second: 1000}}\n\
         credentials: {{type: access_key, access_key_id: the-access-key-id, access_key_secret: {SECRET}}}\n\
         discovery: [{{region: cn-hangzhou, endpoint: '{url}', console_endpoint: '{url}'{more}}}]\n"
    )))
    .await
}

#[tokio::test]
async fn what_discovery_would_find_is_told_with_its_source_and_its_calls() {
    let cloud = Cloud::start().await;
    let report = discovery_report(&cloud, "").await;
    assert!(report.ok(), "{}", report.to_table());
    let [entry] = report.discovery() else { panic!("one entry") };
    assert_eq!(entry.source.as_deref(), Some("DescribeInstances and DescribeNamespaces"));
    let counts = |counts: &report::WorkspaceCounts| [counts.polled, counts.excluded, counts.not_running];
    assert_eq!((counts(&entry.workspaces), counts(&entry.namespaces)), ([1, 0, 2], [3, 0, 1]));
    assert_eq!(report.targets().len(), 3, "each namespace is examined");
    assert!(
        report.collectors().iter().all(|collector| {
            collector.enabled && collector.by_default && collector.permitted == Some(true)
        })
    );
    // Every five minutes, one listing of workspaces and three of namespaces; every minute, each namespace.
    let per_day = 288.0 * 4.0 + 1440.0 * 3.0;
    assert!((report.api_calls_per_day() - per_day).abs() < 0.5, "{}", report.api_calls_per_day());
    assert!(report.to_table().contains("discovery cn-hangzhou in cn-hangzhou"), "{}", report.to_table());
    assert!(report.to_table().contains("enabled by default, permitted"), "{}", report.to_table());
}

#[tokio::test]
async fn collectors_that_the_credentials_do_not_permit_are_told_though_they_are_disabled() {
    let cloud = Cloud::start().await;
    cloud.simulator.set_denied(vec![Operation::DescribeInstances]);
    let report = discovery_report(&cloud, "").await;
    assert!(report.ok(), "by default, they are switched off: {}", report.to_table());
    assert_eq!(report.discovery()[0].source.as_deref(), Some("ListEditableNamespace"));
    assert!(report.collectors().iter().all(|collector| {
        collector.permitted == Some(false)
            && collector.missing_permission.as_deref() == Some("stream:DescribeVvpInstances")
    }));
    let report = discovery_report(&cloud, ", collectors: {workspaces: true, namespaces: false}").await;
    assert!(!report.ok(), "one is enabled on purpose: {}", report.to_table());
    let table = report.to_table();
    for line in
        ["FAILED  workspaces   enabled, not permitted", "-       namespaces   disabled, not permitted"]
    {
        assert!(table.contains(line), "{table}");
    }
}

#[tokio::test]
async fn discovery_without_any_permission_fails_with_the_remedy() {
    let cloud = Cloud::start().await;
    cloud.simulator.set_denied(vec![
        Operation::DescribeInstances,
        Operation::DescribeNamespaces,
        Operation::ListEditableNamespace,
    ]);
    let report = discovery_report(&cloud, "").await;
    let [entry] = report.discovery() else { panic!("one entry") };
    assert!(!report.ok() && report.targets().is_empty());
    let check = entry.checks.iter().find(|check| check.name == "discovery").unwrap();
    assert_eq!(check.status, Status::Failed);
    assert!(check.detail.contains("stream:DescribeVvpNamespaces"), "{}", check.detail);
}
