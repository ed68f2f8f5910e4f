//! Profiles of the CLI's file and of the credentials file.

use super::{
    providers::TOKEN,
    testing::{Service, flat, sts},
    *,
};

fn profile(
    directory: &Path,
    file: Option<&str>,
    name: Option<&str>,
    service: Option<&Service>,
) -> ProviderConfig {
    let url = service.map(|service| service.url.clone());
    ProviderConfig::Profile(Profile {
        name: name.map(str::to_owned),
        file: file.map(|file| directory.join(file)),
        sts_endpoint: url.clone(),
        metadata_endpoint: url,
    })
}

pub(super) const CLI: &str = r#"{"current":"ak","meta_path":"","profiles":[
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
pub(super) async fn cloud() -> Service {
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

pub(super) const INI: &str = "\
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
