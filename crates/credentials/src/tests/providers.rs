//! The requests, results and errors of each provider.

use super::{
    testing::{NO_RESPONSE, Service, flat, sts},
    *,
};

pub(super) const ROLE: &str = "acs:ram::1:role/reader";
pub(super) const TOKEN: &str = "PUT /latest/api/token";
pub(super) const ROLES: &str = "GET /latest/meta-data/ram/security-credentials/";

fn instance(service: &Service) -> ProviderConfig {
    ProviderConfig::EcsRamRole(EcsRamRole {
        metadata_endpoint: Some(service.url.clone()),
        ..EcsRamRole::default()
    })
}

fn session(service: &Service) -> Session {
    Session { sts_endpoint: Some(service.url.clone()), ..Session::default() }
}

fn key(id: &str, token: Option<&str>) -> ProviderConfig {
    ProviderConfig::AccessKey(AccessKey {
        id: SecretSource::Inline(id.into()),
        secret: SecretSource::Inline(format!("secret-of-{id}").into()),
        token: token.map(|token| SecretSource::Inline(token.into())),
    })
}

fn all_of(id: &str, origin: &str) -> [String; 4] {
    [id.to_owned(), format!("secret-of-{id}"), format!("token-of-{id}"), origin.to_owned()]
}

/// The metadata service with a role `app`.
async fn metadata() -> Service {
    Service::start(|_, seen| match seen.what.strip_prefix(ROLES) {
        _ if seen.what == TOKEN => (200, "session\n".to_owned()),
        Some("") => (200, "app\n".to_owned()),
        Some("app") => (200, flat("STS.1")),
        _ => (404, String::new()),
    })
    .await
}

#[tokio::test]
async fn the_role_of_an_instance_is_discovered_and_trimmed() {
    let service = metadata().await;
    let got = found(&context(&[]), &instance(&service)).await.unwrap();
    assert_eq!(got, all_of("STS.1", "the ECS instance's RAM role app"));
    assert_eq!(service.asked(), [TOKEN.to_owned(), ROLES.to_owned(), format!("{ROLES}app")]);
    let seen = service.seen();
    assert_eq!(seen[0].header("x-aliyun-ecs-metadata-token-ttl-seconds"), "21600");
    assert!(seen[1..].iter().all(|seen| seen.header("x-aliyun-ecs-metadata-token") == "session"));
}

#[tokio::test]
async fn a_role_that_is_named_is_not_looked_for() {
    let service = metadata().await;
    found(&context(&[("ALIBABA_CLOUD_ECS_METADATA", " app ")]), &instance(&service)).await.unwrap();
    assert_eq!(service.asked(), [TOKEN.to_owned(), format!("{ROLES}app")]);
}

#[tokio::test]
async fn without_session_tokens_imds_v1_is_used_unless_it_is_disabled() {
    let service = Service::start(|_, seen| match seen.what.as_str() {
        TOKEN => (404, String::new()),
        _ => (200, flat("STS.1")),
    })
    .await;
    let role = [("ALIBABA_CLOUD_ECS_METADATA", "app")];
    assert!(found(&context(&role), &instance(&service)).await.is_ok());
    assert!(service.seen()[1].headers.get("x-aliyun-ecs-metadata-token").is_none());
    let closed = context(&[role[0], ("ALIBABA_CLOUD_IMDSV1_DISABLED", "true")]);
    let error = found(&closed, &instance(&service)).await.unwrap_err();
    assert!(error.to_string().contains("IMDSv1 is disabled") && !error.is_missing(), "{error}");
    let off = context(&[role[0], ("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "True")]);
    assert!(found(&off, &instance(&service)).await.unwrap_err().is_missing());
    assert_eq!(service.seen().len(), 3);
}

#[tokio::test]
async fn a_session_token_that_is_refused_is_left_out() {
    let service = Service::start(|_, seen| match seen.header("x-aliyun-ecs-metadata-token") {
        _ if seen.what == TOKEN => (200, "session".to_owned()),
        "" => (200, flat("STS.1")),
        _ => (403, String::new()),
    })
    .await;
    let context = context(&[("ALIBABA_CLOUD_ECS_METADATA", "app")]);
    assert!(found(&context, &instance(&service)).await.is_ok());
    assert_eq!(service.seen().len(), 3);
}

#[tokio::test]
async fn no_service_s_answer_is_quoted_or_followed() {
    let answers = [
        (500, "the-secret".to_owned()),
        (302, flat("the-secret")),
        (200, String::new()),
        (200, "the-secret".to_owned()),
        (200, r#"{"Code":"the-secret is odd"}"#.to_owned()),
        (200, r#"{"Code":"Failed"}"#.to_owned()),
        (200, r#"{"Code":"Success","AccessKeyId":"the-secret"}"#.to_owned()),
        (200, flat("the-secret").replace("2999", "1999")),
        (200, flat("the-secret").replace("2999-01", "the-secret")),
        (200, flat("the-secret").replace("token-of", "the-secret with blanks")),
        (200, "the-secret".repeat(10_000)),
        (
            400,
            r#"{"Code":"SignatureDoesNotMatch","Message":"x-acs-security-token:the-secret","RequestId":"R"}"#
                .to_owned(),
        ),
    ];
    for (status, body) in answers {
        let answer = body.clone();
        let service = Service::start(move |_, _| (status, answer.clone())).await;
        let location = CredentialsUri::new(service.url.join("/the-secret?the-secret").unwrap());
        let role = RamRoleArn {
            source: key("the-secret", Some("the-secret")),
            role_arn: Some(ROLE.into()),
            external_id: Some("the-secret".into()),
            session: session(&service),
        };
        let sources = [
            instance(&service),
            ProviderConfig::Uri(Uri { uri: Some(location) }),
            ProviderConfig::RamRoleArn(Box::new(role)),
        ];
        for source in sources {
            let error = found(&context(&[("ALIBABA_CLOUD_ECS_METADATA", "app")]), &source).await.unwrap_err();
            let text = format!("{error} {error:?}");
            assert!(!text.contains("the-secret"), "{status} {body:.80}: {text}");
            assert!(!error.is_missing(), "{text}");
        }
        assert!(service.asked().iter().all(|what| !what.contains("elsewhere")));
    }
}

#[tokio::test]
async fn a_role_is_assumed_by_a_signed_request() {
    let service = Service::start(|_, _| (200, sts("STS.2"))).await;
    let policy = r#"{"Version": "1", "Statement": [*~]}"#;
    let role = RamRoleArn {
        source: key("ak", Some("token-of-ak")),
        role_arn: Some(ROLE.into()),
        external_id: Some("ext".into()),
        session: Session {
            name: Some("me".into()),
            duration: Some(Duration::from_secs(900)),
            policy: Some(policy.into()),
            ..session(&service)
        },
    };
    let got = found(&context(&[]), &ProviderConfig::RamRoleArn(Box::new(role))).await.unwrap();
    let origin = format!("the role {ROLE}, assumed with the access key in the configuration");
    assert_eq!(got, all_of("STS.2", &origin));
    let [seen] = &service.seen()[..] else { panic!("one request") };
    assert_eq!(seen.what, "POST /");
    for (name, value) in [
        ("RoleArn", ROLE),
        ("RoleSessionName", "me"),
        ("DurationSeconds", "900"),
        ("Policy", policy),
        ("ExternalId", "ext"),
    ] {
        assert_eq!(seen.parameter(name), Some(value), "{name}");
    }
    assert_eq!((seen.header("x-acs-action"), seen.header("x-acs-version")), ("AssumeRole", "2015-04-01"));
    assert_eq!(seen.header("x-acs-security-token"), "token-of-ak");
    assert!(seen.is_signed_by("secret-of-ak") && !seen.is_signed_by("another"));
}

#[tokio::test]
async fn a_role_may_be_assumed_with_a_role() {
    let service = Service::start(|count, _| (200, sts(&format!("STS.{count}")))).await;
    let role = |source| {
        ProviderConfig::RamRoleArn(Box::new(RamRoleArn {
            source,
            role_arn: None,
            external_id: None,
            session: session(&service),
        }))
    };
    let context = context(&[("ALIBABA_CLOUD_ROLE_ARN", ROLE), ("ALIBABA_CLOUD_ROLE_SESSION_NAME", "env")]);
    let got = found(&context, &role(role(key("ak", None)))).await.unwrap();
    assert_eq!(got[0], "STS.2");
    let seen = service.seen();
    assert!(seen[0].is_signed_by("secret-of-ak") && seen[1].is_signed_by("secret-of-STS.1"));
    assert_eq!(seen[1].header("x-acs-security-token"), "token-of-STS.1");
    assert_eq!(seen[1].parameter("RoleSessionName"), Some("env"));
}

#[tokio::test]
async fn the_oidc_token_is_read_for_each_request_and_trimmed() {
    let service = Service::start(|_, _| (200, sts("STS.3"))).await;
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), "token", "first.token\n");
    let file = directory.path().join("token");
    let context = context(&[
        ("ALIBABA_CLOUD_ROLE_ARN", ROLE),
        ("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "provider"),
        ("ALIBABA_CLOUD_OIDC_TOKEN_FILE", file.to_str().unwrap()),
    ]);
    let source = ProviderConfig::Oidc(Oidc { session: session(&service), ..Oidc::default() });
    let got = found(&context, &source).await.unwrap();
    assert_eq!(got, all_of("STS.3", &format!("the OIDC token in {}, as the role {ROLE}", file.display())));
    write(directory.path(), "token", "second.token");
    found(&context, &source).await.unwrap();
    let seen = service.seen();
    for (seen, token) in seen.iter().zip(["first.token", "second.token"]) {
        let form = seen.form();
        let field = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        assert_eq!((field("OIDCToken"), field("RoleArn")), (Some(token), Some(ROLE)));
        assert_eq!((field("OIDCProviderArn"), field("DurationSeconds")), (Some("provider"), Some("3600")));
        assert_eq!(field("RoleSessionName"), Some("aliyun-flink-exporter"));
        assert_eq!(seen.parameter("Action"), Some("AssumeRoleWithOIDC"));
        assert!(seen.headers.get("authorization").is_none());
        assert!(!format!("{:?}{:?}", seen.query, seen.headers).contains("token"));
    }
}

#[tokio::test]
async fn sts_s_refusals_name_the_code_the_request_and_the_remedy() {
    let service = Service::start(|_, _| {
        (403, r#"{"RequestId":"R-7","Code":"NoPermission","Message":"the-secret"}"#.to_owned())
    })
    .await;
    let role = RamRoleArn {
        source: key("ak", None),
        role_arn: Some(ROLE.into()),
        external_id: None,
        session: session(&service),
    };
    let error =
        found(&context(&[]), &ProviderConfig::RamRoleArn(Box::new(role))).await.unwrap_err().to_string();
    for part in ["HTTP 403 NoPermission", "sts:AssumeRole", "(request id R-7)", ROLE] {
        assert!(error.contains(part), "{error}");
    }
}

#[tokio::test]
async fn a_uri_s_answer_needs_no_code() {
    let service = Service::start(|_, _| (200, flat("STS.4").replace(r#""Code":"Success","#, ""))).await;
    let uri = service.url.join("/path?a=b").unwrap();
    let context = context(&[("ALIBABA_CLOUD_CREDENTIALS_URI", uri.as_str())]);
    let got = found(&context, &ProviderConfig::Uri(Uri::default())).await.unwrap();
    let origin = format!("the credentials URI at {}", service.url.as_str().trim_end_matches('/'));
    assert_eq!(got, all_of("STS.4", &origin));
    assert_eq!(service.seen()[0].parameter("a"), Some("b"));
}

#[tokio::test]
async fn a_key_in_files_is_read_each_time() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| SecretSource::File(directory.path().join(name));
    let source = ProviderConfig::AccessKey(AccessKey {
        id: file("id"),
        secret: file("secret"),
        token: Some(file("token")),
    });
    let context = context(&[]);
    let error = found(&context, &source).await.unwrap_err();
    assert!(error.is_missing() && error.to_string().contains("there is no such file"), "{error}");
    for (name, text) in [("id", "ak\n"), ("secret", " the-secret \n"), ("token", "t")] {
        write(directory.path(), name, text);
    }
    let got = found(&context, &source).await.unwrap();
    assert_eq!((got[0].as_str(), got[1].as_str(), got[2].as_str()), ("ak", "the-secret", "t"));
    write(directory.path(), "secret", "another");
    assert_eq!(found(&context, &source).await.unwrap()[1], "another");
    for text in ["", "\n", "the-secret x", "the-secret\nx", "the-sécret"] {
        write(directory.path(), "secret", text);
        let error = found(&context, &source).await.unwrap_err().to_string();
        assert!(!error.contains("the-s"), "{error}");
    }
}

#[tokio::test]
async fn imds_v1_is_used_if_the_request_for_a_token_gets_no_response() {
    let service = Service::start(|_, seen| match seen.what.as_str() {
        TOKEN => (NO_RESPONSE, String::new()),
        _ => (200, flat("STS.1")),
    })
    .await;
    let role = [("ALIBABA_CLOUD_ECS_METADATA", "app")];
    assert_eq!(found(&context(&role), &instance(&service)).await.unwrap()[0], "STS.1");
    let disabled = context(&[role[0], ("ALIBABA_CLOUD_IMDSV1_DISABLED", "true")]);
    let error = found(&disabled, &instance(&service)).await.unwrap_err();
    assert!(error.to_string().contains("did not answer in time"), "{error}");
}

#[tokio::test]
async fn credentials_of_a_uri_without_an_expiry_or_with_a_distant_one_do_not_expire() {
    let expiration = r#""Expiration":"2999-01-01T00:00:00Z","#;
    for (replacement, expires) in [
        ("", false),
        (r#""Expiration":"","#, false),
        (r#""Expiration":null,"#, false),
        (r#""Expiration":"9999-12-31T23:59:59Z","#, false),
        (r#""Expiration":"12000-01-01T00:00:00Z","#, false),
        (expiration, true),
    ] {
        let body = flat("STS.1").replace(expiration, replacement);
        let service = Service::start(move |_, _| (200, body.clone())).await;
        let uri = ProviderConfig::Uri(Uri { uri: Some(CredentialsUri::new(service.url.clone())) });
        let issued = build(&context(&[]), &uri).fetch().await.unwrap();
        assert_eq!(issued.expires.is_some(), expires, "{replacement}");
    }
    for replacement in [r#""Expiration":"tomorrow","#, r#""Expiration":"9999-the-secret","#] {
        let body = flat("STS.1").replace(expiration, replacement);
        let service = Service::start(move |_, _| (200, body.clone())).await;
        let uri = ProviderConfig::Uri(Uri { uri: Some(CredentialsUri::new(service.url.clone())) });
        let error = found(&context(&[]), &uri).await.unwrap_err().to_string();
        assert!(error.contains("no credentials that can be read") && !error.contains("secret"), "{error}");
    }
}

#[tokio::test]
async fn temporary_credentials_of_the_metadata_service_need_an_expiry() {
    let service = Service::start(|_, seen| match seen.what.as_str() {
        TOKEN => (200, "session".to_owned()),
        _ => (200, flat("STS.1").replace("Expiration", "Other")),
    })
    .await;
    let error =
        found(&context(&[("ALIBABA_CLOUD_ECS_METADATA", "app")]), &instance(&service)).await.unwrap_err();
    assert!(error.to_string().contains("without an expiry"), "{error}");
}
