//! What each provider asks, finds and refuses.

use url::Url;

use super::{
    testing::{NO_RESPONSE, Service, flat, sts},
    *,
};

const ROLE: &str = "acs:ram::1:role/reader";
const TOKEN: &str = "PUT /latest/api/token";
const ROLES: &str = "GET /latest/meta-data/ram/security-credentials/";

fn instance(service: &Service) -> Source {
    Source::EcsRamRole(EcsRamRole { metadata_endpoint: Some(service.url.clone()), ..EcsRamRole::default() })
}

fn session(service: &Service) -> Session {
    Session { sts_endpoint: Some(service.url.clone()), ..Session::default() }
}

fn key(id: &str, token: Option<&str>) -> Source {
    Source::AccessKey(AccessKey {
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
async fn without_session_tokens_the_old_way_is_gone_unless_it_is_closed() {
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
            Source::Uri(Uri { uri: Some(location) }),
            Source::RamRoleArn(Box::new(role)),
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
    let got = found(&context(&[]), &Source::RamRoleArn(Box::new(role))).await.unwrap();
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
        Source::RamRoleArn(Box::new(RamRoleArn {
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
async fn an_oidc_token_goes_into_the_body_trimmed_and_is_read_each_time() {
    let service = Service::start(|_, _| (200, sts("STS.3"))).await;
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), "token", "first.token\n");
    let file = directory.path().join("token");
    let context = context(&[
        ("ALIBABA_CLOUD_ROLE_ARN", ROLE),
        ("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "provider"),
        ("ALIBABA_CLOUD_OIDC_TOKEN_FILE", file.to_str().unwrap()),
    ]);
    let source = Source::Oidc(Oidc { session: session(&service), ..Oidc::default() });
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
    let error = found(&context(&[]), &Source::RamRoleArn(Box::new(role))).await.unwrap_err().to_string();
    for part in ["HTTP 403 NoPermission", "sts:AssumeRole", "(request id R-7)", ROLE] {
        assert!(error.contains(part), "{error}");
    }
}

#[tokio::test]
async fn a_uri_s_answer_needs_no_code() {
    let service = Service::start(|_, _| (200, flat("STS.4").replace(r#""Code":"Success","#, ""))).await;
    let uri = service.url.join("/path?a=b").unwrap();
    let context = context(&[("ALIBABA_CLOUD_CREDENTIALS_URI", uri.as_str())]);
    let got = found(&context, &Source::Uri(Uri::default())).await.unwrap();
    let origin = format!("the credentials URI at {}", service.url.as_str().trim_end_matches('/'));
    assert_eq!(got, all_of("STS.4", &origin));
    assert_eq!(service.seen()[0].parameter("a"), Some("b"));
}

#[tokio::test]
async fn a_key_in_files_is_read_each_time() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| SecretSource::File(directory.path().join(name));
    let source =
        Source::AccessKey(AccessKey { id: file("id"), secret: file("secret"), token: Some(file("token")) });
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

fn profile(directory: &Path, file: Option<&str>, name: Option<&str>, service: Option<&Service>) -> Source {
    let url = service.map(|service| service.url.clone());
    Source::Profile(Profile {
        name: name.map(str::to_owned),
        file: file.map(|file| directory.join(file)),
        sts_endpoint: url.clone(),
        metadata_endpoint: url,
    })
}

const CLI: &str = r#"{"current":"ak","meta_path":"","profiles":[
    {"name":"ak","mode":"AK","access_key_id":"id-1","access_key_secret":"secret-1","sts_token":"no","enable_vpc":false},
    {"name":"sts","mode":"StsToken","access_key_id":"id-2","access_key_secret":"secret-2","sts_token":"token-2"},
    {"name":"role","mode":"RamRoleArn","access_key_id":"id-1","access_key_secret":"secret-1",
     "ram_role_arn":"arn-1","ram_session_name":"s","expired_seconds":900,"external_id":"e","policy":""},
    {"name":"chain","mode":"ChainableRamRoleArn","source_profile":"role","ram_role_arn":"arn-2"},
    {"name":"circle","mode":"ChainableRamRoleArn","source_profile":"circle","ram_role_arn":"arn-2"},
    {"name":"ecs","mode":"EcsRamRole","ram_role_name":"app"},
    {"name":"oidc","mode":"OIDC","ram_role_arn":"arn-3","oidc_provider_arn":"p","oidc_token_file":"TOKEN"},
    {"name":"sso","mode":"CloudSSO","access_token":"the-secret"},
    {"name":"half","mode":"AK","access_key_id":"id-1","access_key_secret":""}]}"#;

/// Both services in one.
async fn cloud() -> Service {
    Service::start(|count, seen| match seen.what.as_str() {
        "POST /" => (200, sts(&format!("STS.{count}"))),
        TOKEN => (200, "session".to_owned()),
        _ => (200, flat("STS.ecs")),
    })
    .await
}

#[tokio::test]
async fn every_mode_of_the_cli_s_file_is_read() {
    let (directory, service) = (tempfile::tempdir().unwrap(), cloud().await);
    let path = directory.path();
    write(path, "token", "jwt");
    write(path, ".aliyun/config.json", &CLI.replace("TOKEN", path.join("token").to_str().unwrap()));
    let context = context(&[("HOME", path.to_str().unwrap())]);
    let ask = async |name| found(&context, &profile(path, None, name, Some(&service))).await;
    let first = async |name: &'static str| ask(Some(name)).await.map(|got| got[0].clone());
    assert_eq!(ask(None).await.unwrap()[..3], ["id-1", "secret-1", ""]);
    assert_eq!(ask(Some("sts")).await.unwrap()[..3], ["id-2", "secret-2", "token-2"]);
    assert_eq!(first("role").await.unwrap(), "STS.1");
    assert_eq!(first("chain").await.unwrap(), "STS.3");
    assert_eq!(first("ecs").await.unwrap(), "STS.ecs");
    assert!(first("oidc").await.unwrap().starts_with("STS."));
    let seen = service.seen();
    assert!(seen[0].is_signed_by("secret-1") && seen[2].is_signed_by("secret-of-STS.2"));
    assert_eq!(
        (seen[0].parameter("DurationSeconds"), seen[0].parameter("ExternalId")),
        (Some("900"), Some("e"))
    );
    for (name, part) in [
        ("circle", "name each other as source_profile"),
        ("sso", "the mode \"CloudSSO\" is not supported here"),
        ("half", "lacks access_key_id or access_key_secret"),
        ("none", "no profile \"none\""),
    ] {
        let error = first(name).await.unwrap_err();
        assert!(error.to_string().contains(part) && error.is_missing(), "{error}");
        assert!(!error.to_string().contains("the-secret"), "{error}");
    }
    for broken in ["", "{", r#"{"profiles": "the-secret"}"#, r#"{"profiles":[{"name":"the-secret"}]}"#] {
        write(path, "broken.json", broken);
        let error = found(&context, &profile(path, Some("broken.json"), None, None)).await.unwrap_err();
        assert!(!error.to_string().contains("the-secret"), "{error}");
    }
}

const INI: &str = "\
; a comment
[DEFAULT]
type = access_key
[default]
Access_Key_Id = id-1   # cut here
access_key_secret: secret-1;not-cut=
[role]
type = ram_role_arn
access_key_id = id-1
access_key_secret = secret-1
role_arn = arn-1
role_session_name = s
policy = {\"Version\": \"1\"}
[ecs]
type = ecs_ram_role
role_name = app
[oidc]
type = oidc_role_arn
role_arn = arn-3
oidc_provider_arn = p
oidc_token_file_path = TOKEN
[rsa]
type = rsa_key_pair
private_key_file = the-secret
";

#[tokio::test]
async fn every_type_of_the_credentials_file_is_read() {
    let (directory, service) = (tempfile::tempdir().unwrap(), cloud().await);
    let path = directory.path();
    write(path, "token", "jwt");
    write(path, "c.ini", &INI.replace("TOKEN", path.join("token").to_str().unwrap()));
    let context = context(&[]);
    let ask = async |name| found(&context, &profile(path, Some("c.ini"), name, Some(&service))).await;
    assert_eq!(ask(None).await.unwrap()[..3], ["id-1", "secret-1;not-cut=", ""]);
    assert_eq!(ask(Some("role")).await.unwrap()[0], "STS.1");
    assert_eq!(ask(Some("ecs")).await.unwrap()[0], "STS.ecs");
    assert!(ask(Some("oidc")).await.unwrap()[0].starts_with("STS."));
    assert_eq!(service.seen()[0].parameter("Policy"), Some("{\"Version\": \"1\"}"));
    for (name, part) in
        [("rsa", "the type \"rsa_key_pair\" is not supported here"), ("x", "no profile \"x\"")]
    {
        let error = ask(Some(name)).await.unwrap_err();
        assert!(error.to_string().contains(part) && error.is_missing(), "{error}");
    }
    write(path, "broken.ini", "[the-secret");
    let error = found(&context, &profile(path, Some("broken.ini"), None, None)).await.unwrap_err();
    assert!(!error.to_string().contains("the-secret"), "{error}");
}

#[tokio::test]
async fn both_names_of_the_credentials_file_are_known() {
    for name in ["credentials.ini", "credentials"] {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), &format!(".alibabacloud/{name}"), INI);
        let context = context(&[("HOME", directory.path().to_str().unwrap())]);
        assert_eq!(found(&context, &profile(directory.path(), None, None, None)).await.unwrap()[0], "id-1");
    }
}

/// Everything that the chain knows, each link with a key of its own.
struct Everything {
    home: tempfile::TempDir,
    service: Service,
    uri: String,
    token: String,
}

impl Everything {
    async fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        write(home.path(), "token", "jwt");
        write(home.path(), ".aliyun/config.json", CLI);
        write(home.path(), ".alibabacloud/credentials", &INI.replace("id-1", "id-ini"));
        let service = Service::start(|_, seen| match seen.what.as_str() {
            "POST /" => (200, sts("STS.oidc")),
            "GET /uri" => (200, flat("STS.uri")),
            TOKEN => (200, "session".to_owned()),
            ROLES => (200, "app".to_owned()),
            _ => (200, flat("STS.ecs")),
        })
        .await;
        let uri = service.url.join("/uri").unwrap().to_string();
        let token = home.path().join("token").to_str().unwrap().to_owned();
        Self { home, service, uri, token }
    }

    /// The environment without the first `left_out` links.
    async fn first(&self, left_out: usize) -> Result<String, CredentialsError> {
        let home = self.home.path().to_str().unwrap();
        let links: [&[(&str, &str)]; 3] = [
            &[("ALIBABA_CLOUD_ACCESS_KEY_ID", "id-env"), ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "secret-env")],
            &[
                ("ALIBABA_CLOUD_ROLE_ARN", ROLE),
                ("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "p"),
                ("ALIBABA_CLOUD_OIDC_TOKEN_FILE", &self.token),
            ],
            &[("HOME", home)],
        ];
        let mut variables = links[left_out.min(2)..].concat();
        if left_out >= 3 {
            variables.push(("ALIBABA_CLOUD_CLI_PROFILE_DISABLED", "true"));
        }
        if left_out >= 4 {
            variables.push(("ALIBABA_CLOUD_CREDENTIALS_FILE", "/nowhere"));
        }
        if left_out >= 5 {
            variables.push(("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true"));
        }
        if left_out < 6 {
            variables.push(("ALIBABA_CLOUD_CREDENTIALS_URI", &self.uri));
        }
        let url = Some(self.service.url.clone());
        let source = Source::Default(Endpoints { sts_endpoint: url.clone(), metadata_endpoint: url });
        found(&context(&variables), &source).await.map(|got| got[0].clone())
    }
}

#[tokio::test]
async fn the_default_chain_has_the_order_of_the_sdks() {
    let everything = Everything::new().await;
    let mut order = Vec::new();
    for left_out in 0..6 {
        order.push(everything.first(left_out).await.unwrap());
    }
    assert_eq!(order, ["id-env", "STS.oidc", "id-1", "id-ini", "STS.ecs", "STS.uri"]);
    let error = everything.first(6).await.unwrap_err();
    assert!(error.is_missing());
    let text = error.to_string();
    for part in [
        "ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET are not set",
        "ALIBABA_CLOUD_OIDC_TOKEN_FILE, ALIBABA_CLOUD_ROLE_ARN, ALIBABA_CLOUD_OIDC_PROVIDER_ARN",
        "disabled by ALIBABA_CLOUD_CLI_PROFILE_DISABLED",
        "/nowhere can't be read: there is no such file",
        "disabled by ALIBABA_CLOUD_ECS_METADATA_DISABLED",
        "ALIBABA_CLOUD_CREDENTIALS_URI is not set",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
}

#[tokio::test]
async fn half_a_key_or_an_unusable_profile_does_not_stop_the_chain() {
    let everything = Everything::new().await;
    let home = everything.home.path().to_str().unwrap();
    let source = Source::Default(Endpoints::default());
    let variables = [
        ("ALIBABA_CLOUD_ACCESS_KEY_ID", "id-env"),
        ("HOME", home),
        ("ALIBABA_CLOUD_PROFILE", "sso"),
        ("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true"),
    ];
    write(everything.home.path(), ".alibabacloud/credentials", &INI.replace("[default]", "[sso]"));
    assert_eq!(found(&context(&variables), &source).await.unwrap()[0], "id-1");
}

#[tokio::test]
async fn a_link_that_fails_for_a_while_is_stood_in_for_and_not_forgotten() {
    let up = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let seen_up = up.clone();
    let service = Service::start(move |_, seen| match seen.what.as_str() {
        "POST /" if seen_up.load(std::sync::atomic::Ordering::Relaxed) => (200, sts("STS.oidc")),
        "POST /" => (503, String::new()),
        _ => (200, flat("STS.ecs")),
    })
    .await;
    let home = tempfile::tempdir().unwrap();
    write(home.path(), "token", "jwt");
    let context = context(&[
        ("ALIBABA_CLOUD_ROLE_ARN", ROLE),
        ("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "p"),
        ("ALIBABA_CLOUD_OIDC_TOKEN_FILE", home.path().join("token").to_str().unwrap()),
        ("ALIBABA_CLOUD_ECS_METADATA", "app"),
    ]);
    let url = Some(service.url.clone());
    let chain =
        build(&context, &Source::Default(Endpoints { sts_endpoint: url.clone(), metadata_endpoint: url }));
    let issued = chain.fetch().await.unwrap();
    assert_eq!((issued.credentials.access_key_id.as_str(), issued.is_fallback), ("STS.ecs", true));
    up.store(true, std::sync::atomic::Ordering::Relaxed);
    let issued = chain.fetch().await.unwrap();
    assert_eq!((issued.credentials.access_key_id.as_str(), issued.is_fallback), ("STS.oidc", false));
}

#[tokio::test]
async fn no_metadata_service_is_no_fault_unless_a_role_is_named() {
    let nobody = Url::parse("http://127.0.0.1:1").unwrap();
    let named = [("ALIBABA_CLOUD_ECS_METADATA", "app")];
    let role = EcsRamRole { metadata_endpoint: Some(nobody), ..EcsRamRole::default() };
    let error = found(&context(&named), &Source::EcsRamRole(role)).await.unwrap_err();
    assert!(!error.is_missing() && error.is_unreachable(), "{error}");
}

#[tokio::test]
async fn the_chain_stays_with_the_link_that_worked_while_it_is_there() {
    let home = tempfile::tempdir().unwrap();
    write(home.path(), ".alibabacloud/credentials", INI);
    let context =
        context(&[("HOME", home.path().to_str().unwrap()), ("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")]);
    let chain = build(&context, &Source::default());
    let id = async || chain.fetch().await.map(|issued| issued.credentials.access_key_id.clone());
    assert_eq!(id().await.unwrap(), "id-1");
    write(home.path(), ".aliyun/config.json", &CLI.replace("id-1", "id-cli"));
    assert_eq!(id().await.unwrap(), "id-1");
    std::fs::remove_file(home.path().join(".alibabacloud/credentials")).unwrap();
    assert_eq!(id().await.unwrap(), "id-cli");
}

/// A chain that has the ECS role last, with `variables` before it.
fn chain(variables: &[(&str, &str)], service: &Service) -> Arc<dyn CredentialsSource> {
    let url = Some(service.url.clone());
    let all = [variables, &[("ALIBABA_CLOUD_ECS_METADATA", "app")]].concat();
    build(&context(&all), &Source::Default(Endpoints { sts_endpoint: url.clone(), metadata_endpoint: url }))
}

#[tokio::test]
async fn what_is_named_and_missing_falls_back_and_is_used_once_it_is_there() {
    const NAMED: &str = "[p]\ntype=access_key\naccess_key_id=id-named\naccess_key_secret=s\n";
    const CHAIN: &str = r#"{"current":"a","profiles":[{"name":"a","mode":"ChainableRamRoleArn","source_profile":"p",
        "ram_role_arn":"arn"},{"name":"p","mode":"AK","access_key_id":"i","access_key_secret":"s"}]}"#;
    /// The variables that name it, the file that has it, the file's text, and its text without it if it exists.
    type Case = (&'static [(&'static str, &'static str)], &'static str, &'static str, Option<&'static str>);
    let service = cloud().await;
    let cases: [Case; 5] = [
        (
            &[
                ("ALIBABA_CLOUD_ROLE_ARN", ROLE),
                ("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "p"),
                ("ALIBABA_CLOUD_OIDC_TOKEN_FILE", "DIRECTORY/token"),
            ],
            "token",
            "jwt",
            None,
        ),
        (&[("ALIBABA_CLOUD_PROFILE", "p")], ".alibabacloud/credentials", NAMED, Some("[q]\n")),
        (&[("ALIBABA_CLOUD_PROFILE", "p")], ".alibabacloud/credentials", NAMED, None),
        (
            &[("ALIBABA_CLOUD_CREDENTIALS_FILE", "DIRECTORY/c"), ("ALIBABA_CLOUD_PROFILE", "p")],
            "c",
            NAMED,
            None,
        ),
        (
            &[("ALIBABA_CLOUD_CONFIG_FILE", "DIRECTORY/c.json")],
            "c.json",
            CHAIN,
            Some(
                r#"{"current":"a","profiles":[{"name":"a","mode":"ChainableRamRoleArn","source_profile":"p"}]}"#,
            ),
        ),
    ];
    for (variables, name, text, before) in cases {
        let directory = tempfile::tempdir().unwrap();
        let home = directory.path().to_str().unwrap();
        let replaced: Vec<_> =
            variables.iter().map(|(name, value)| (*name, value.replace("DIRECTORY", home))).collect();
        let mut variables: Vec<_> = replaced.iter().map(|(name, value)| (*name, value.as_str())).collect();
        variables.push(("HOME", home));
        if let Some(before) = before {
            write(directory.path(), name, before);
        }
        let chain = chain(&variables, &service);
        let issued = chain.fetch().await.unwrap();
        assert_eq!(
            (issued.credentials.access_key_id.as_str(), issued.is_fallback),
            ("STS.ecs", true),
            "{name}"
        );
        assert!(chain.files().contains(&directory.path().join(name)), "{name} is watched");
        write(directory.path(), name, text);
        let issued = chain.fetch().await.unwrap();
        assert!(issued.credentials.access_key_id != "STS.ecs" && !issued.is_fallback, "{name}: {issued:?}");
    }
}

#[tokio::test]
async fn what_nobody_configured_is_skipped_silently() {
    let (home, service) = (tempfile::tempdir().unwrap(), cloud().await);
    let variables = [("HOME", home.path().to_str().unwrap()), ("ALIBABA_CLOUD_ROLE_ARN", ROLE)];
    assert!(!chain(&variables, &service).fetch().await.unwrap().is_fallback);
}

#[tokio::test]
async fn a_tilde_in_a_path_is_explained() {
    let service = cloud().await;
    let variables = [("ALIBABA_CLOUD_CREDENTIALS_FILE", "~/credentials.ini")];
    assert!(chain(&variables, &service).fetch().await.unwrap().is_fallback);
    let profile = Profile { file: Some("~/config.json".into()), ..Profile::default() };
    let error = found(&context(&[]), &Source::Profile(profile)).await.unwrap_err().to_string();
    assert_eq!(error, "~/config.json can't be read: there is no such file (`~` is not expanded)");
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
        let uri = Source::Uri(Uri { uri: Some(CredentialsUri::new(service.url.clone())) });
        let issued = build(&context(&[]), &uri).fetch().await.unwrap();
        assert_eq!(issued.expires.is_some(), expires, "{replacement}");
    }
    for replacement in [r#""Expiration":"tomorrow","#, r#""Expiration":"9999-the-secret","#] {
        let body = flat("STS.1").replace(expiration, replacement);
        let service = Service::start(move |_, _| (200, body.clone())).await;
        let uri = Source::Uri(Uri { uri: Some(CredentialsUri::new(service.url.clone())) });
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
