//! Credentials, permissions and hints.

use super::*;
use crate::credentials::testing::{self, Service};

/// A server that is STS, the metadata service and the API, with these responses.
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
async fn a_target_without_credentials_lists_the_providers() {
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
async fn the_report_names_each_credential_provider_with_its_result() {
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
async fn a_missing_permission_is_reported_as_a_ram_action() {
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
async fn a_denial_without_an_error_code_is_attributed_to_an_intermediary() {
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
