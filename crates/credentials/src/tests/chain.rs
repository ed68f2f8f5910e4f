//! The default chain.

use url::Url;

use super::{
    profiles::{CLI, INI, cloud},
    providers::{ROLE, ROLES, TOKEN},
    testing::{Service, flat, sts},
    *,
};

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
        let source = ProviderConfig::Default(Endpoints { sts_endpoint: url.clone(), metadata_endpoint: url });
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
    let source = ProviderConfig::Default(Endpoints::default());
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
async fn a_failing_provider_is_replaced_by_the_next_and_retried() {
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
    let chain = build(
        &context,
        &ProviderConfig::Default(Endpoints { sts_endpoint: url.clone(), metadata_endpoint: url }),
    );
    let issued = chain.fetch().await.unwrap();
    assert_eq!((issued.credentials.access_key_id.as_str(), issued.is_fallback), ("STS.ecs", true));
    up.store(true, std::sync::atomic::Ordering::Relaxed);
    let issued = chain.fetch().await.unwrap();
    assert_eq!((issued.credentials.access_key_id.as_str(), issued.is_fallback), ("STS.oidc", false));
}

#[tokio::test]
async fn a_missing_metadata_service_is_an_error_only_with_a_role_name() {
    let nobody = Url::parse("http://127.0.0.1:1").unwrap();
    let named = [("ALIBABA_CLOUD_ECS_METADATA", "app")];
    let role = EcsRamRole { metadata_endpoint: Some(nobody), ..EcsRamRole::default() };
    let error = found(&context(&named), &ProviderConfig::EcsRamRole(role)).await.unwrap_err();
    assert!(!error.is_missing() && error.is_unreachable(), "{error}");
}

#[tokio::test]
async fn the_chain_stays_with_the_link_that_worked_while_it_is_there() {
    let home = tempfile::tempdir().unwrap();
    write(home.path(), ".alibabacloud/credentials", INI);
    let context =
        context(&[("HOME", home.path().to_str().unwrap()), ("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")]);
    let chain = build(&context, &ProviderConfig::default());
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
    build(
        &context(&all),
        &ProviderConfig::Default(Endpoints { sts_endpoint: url.clone(), metadata_endpoint: url }),
    )
}

#[tokio::test]
async fn a_configured_provider_falls_back_and_is_used_when_it_works() {
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
async fn unconfigured_providers_are_skipped_silently() {
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
    let error = found(&context(&[]), &ProviderConfig::Profile(profile)).await.unwrap_err().to_string();
    assert_eq!(error, "~/config.json can't be read: there is no such file (`~` is not expanded)");
}
