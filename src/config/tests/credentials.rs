//! Credentials, and that no secret is shown.

use super::*;

#[test]
fn no_secret_shows_in_any_report_or_print() {
    let good = format!(
        "{{type: access_key, access_key_id: LTAI, access_key_secret: {SECRET}, security_token: {SECRET}}}"
    );
    let config = load_yaml(&format!("credentials: {good}\n{WORKSPACE}")).unwrap();
    let printed = [format!("{config:?}"), config.to_yaml_redacted(), config.warnings().join("")];
    assert!(!printed.concat().contains(SECRET));

    for credentials in [
        SECRET.to_owned(),
        format!("[{SECRET}]"),
        format!("{{type: access_key, access_key_secrt: {SECRET}}}"),
        format!("{{type: default, access_key_secret: {SECRET}}}"),
        format!("{{type: access_key, access_key_id: '{SECRET} ', access_key_secret: [{SECRET}]}}"),
        format!("{{type: access_key, access_key_id: a, access_key_secret: \"{SECRET}\\n\"}}"),
        format!("{{type: access_key, access_key_id: a, access_key_secret: b, security_token: '{SECRET} é'}}"),
        format!("{{type: access_key, access_key_id: a, access_key_secret: {{a: {SECRET}}}}}"),
        format!("{{type: access_key, access_key_secret: {SECRET}"),
        format!("{{type: access_key, access_key_secret: \"{SECRET}"),
        format!("{{type: access_key, access_key_secret: *{SECRET}}}"),
    ] {
        let error = load_yaml(&format!("credentials: {credentials}\n{WORKSPACE}")).unwrap_err();
        assert!(!error.contains(SECRET), "{credentials}\n{error}");
    }
    for secret in [format!("'{SECRET}"), SECRET.to_owned(), format!("\"{SECRET}\\z\""), format!("7{SECRET}")]
    {
        let text = format!("[credentials]\naccess_key_secret = {secret}\n");
        let error = load_file("c.toml", &text, &Environment::default(), &Flags::default()).unwrap_err();
        assert!(!error.contains(SECRET), "{text}\n{error}");
    }
    for (name, value) in [
        ("CREDENTIALS", format!("{{access_key_secret={SECRET}")),
        ("CREDENTIALS", format!("{{type=access_key,access_key_secret='{SECRET} '}}")),
        ("CREDENTIALS", SECRET.to_owned()),
        ("CREDENTIALS__SECRET", SECRET.to_owned()),
        ("CREDENTIALS__ACCESS_KEY_SECRET__VALUE", SECRET.to_owned()),
        ("ACCESS_KEY_SECRET", SECRET.to_owned()),
    ] {
        let error = load_with(WORKSPACE, &[(name, &value), ("CREDENTIALS__TYPE", "access_key")]).unwrap_err();
        assert!(!error.contains(SECRET), "{name}={value}\n{error}");
    }
    for endpoint in
        ["https://u:hunter2@h", "u:hunter2@h", "ftp://hunter2@h", "https://h?token=hunter2", "h/#hunter2"]
    {
        let text = format!("workspaces: [{{id: w1, endpoint: '{endpoint}', namespaces: [n1]}}]");
        let error = load_yaml(&text).unwrap_err();
        assert!(!error.contains(SECRET), "{error}");
    }
}

#[test]
fn each_type_of_credentials_is_read_and_printed_without_secrets() {
    let all = load_example("full.yml");
    let types: Vec<_> = all.workspaces.iter().map(|workspace| &*workspace.credentials).collect();
    assert!(matches!(
        types[..],
        [
            ProviderConfig::Default(_),
            ProviderConfig::AccessKey(_),
            ProviderConfig::AccessKey(_),
            ProviderConfig::RamRoleArn(_),
            ProviderConfig::Oidc(_),
            ProviderConfig::EcsRamRole(_),
            ProviderConfig::Uri(_),
            ProviderConfig::Profile(_),
            ProviderConfig::Default(_),
        ]
    ));
    let config = load_yaml(&format!(
        "credentials:
  type: ram_role_arn
  role_arn: acs:ram::1:role/a
  external_id: {SECRET}
  duration: 15m
  session_name: me
  sts_endpoint: http://127.0.0.1:80
  source:
    type: ram_role_arn
    role_arn: acs:ram::1:role/b
    source: {{type: uri, uri: 'http://{SECRET}:{SECRET}@h:8080/{SECRET}?{SECRET}#{SECRET}'}}
{WORKSPACE}"
    ));
    let printed = config.unwrap().to_yaml_redacted();
    let section = printed.split("credentials:\n").nth(1).unwrap().split("  namespaces:").next().unwrap();
    insta::assert_snapshot!(section, @r#"
    type: ram_role_arn
    source:
      type: ram_role_arn
      source:
        type: uri
        uri: http://h:8080/<redacted>
      role_arn: acs:ram::1:role/b
    role_arn: acs:ram::1:role/a
    external_id: <redacted>
    session_name: me
    duration: 15m
    sts_endpoint: http://127.0.0.1
    "#);
}

#[test]
fn the_environment_may_set_the_source_of_a_role() {
    let role = [
        ("CREDENTIALS__TYPE", "ram_role_arn"),
        ("CREDENTIALS__ROLE_ARN", "acs:ram::1:role/a"),
        ("CREDENTIALS__POLICY", r#"{"Version":"1"}"#),
    ];
    for source in [
        &[("CREDENTIALS__SOURCE", "{type=ecs_ram_role,role_name=app}")][..],
        &[("CREDENTIALS__SOURCE__TYPE", "ecs_ram_role"), ("CREDENTIALS__SOURCE__ROLE_NAME", "app")],
    ] {
        let config = load_with(WORKSPACE, &[&role, source].concat()).unwrap();
        let ProviderConfig::RamRoleArn(role) = &*config.workspaces[0].credentials else { panic!("a role") };
        let ProviderConfig::EcsRamRole(source) = &role.source else { panic!("an instance's role") };
        assert_eq!(source.role_name.as_deref(), Some("app"));
        assert_eq!(role.session.policy.as_deref(), Some(r#"{"Version":"1"}"#));
    }
}

#[test]
fn workspaces_without_credentials_of_their_own_share_the_top_level_s() {
    let config = load_yaml(
        "credentials: {type: ecs_ram_role}\nworkspaces: [{id: a, region: r, namespaces: [n]}, \
         {id: b, region: r, namespaces: [n]}, {id: c, region: r, namespaces: [n], credentials: {type: uri}}]",
    )
    .unwrap();
    let [a, b, c] = &config.workspaces[..] else { panic!("three workspaces") };
    assert!(Arc::ptr_eq(&a.credentials, &b.credentials) && !Arc::ptr_eq(&a.credentials, &c.credentials));
}

#[test]
fn invalid_credentials_are_rejected() {
    let credentials = [
        "{role_arn: a}",
        "{type: ram_role_arn}",
        "{type: ram_role_arn, role_arn: 'a b'}",
        "{type: ram_role_arn, role_arn: a, source: {type: sts}}",
        "{type: ram_role_arn, role_arn: a, duration: 10m}",
        "{type: ram_role_arn, role_arn: a, duration: 13h}",
        "{type: ram_role_arn, role_arn: a, session_name: x}",
        "{type: oidc, session_name: 'a b'}",
        "{type: oidc, sts_endpoint: 'http://sts.example.com'}",
        "{type: default, sts_endpoint: 'https://sts.example.com/path'}",
        "{type: default, metadata_endpoint: 'http://hunter2@h'}",
        "{type: access_key, access_key_id: a}",
        "{type: access_key, access_key_id: a, access_key_secret: hunter2, access_key_secret_file: hunter2}",
        "{type: uri, uri: 'file:///hunter2'}",
        "{type: uri, role_name: hunter2}",
        "{type: ecs_ram_role, imds_v1_disabled: maybe}",
    ];
    let told = credentials.map(|credentials| {
        let error = load_yaml(&format!("credentials: {credentials}\n{WORKSPACE}")).unwrap_err();
        assert!(!error.contains(SECRET), "{error}");
        error
    });
    insta::assert_snapshot!(told.join("\n"), @r#"
    c.yml:1: credentials: missing field `type`: expected one of default, access_key, ram_role_arn, oidc, ecs_ram_role, uri, profile
    c.yml:1: credentials: missing field `role_arn`: a role such as acs:ram::1234567890123456:role/flink-reader
    c.yml:1: credentials.role_arn: found a text, expected a text of visible ASCII characters without blanks
    c.yml:1: credentials.source.type: found "sts", expected one of default, access_key, ram_role_arn, oidc, ecs_ram_role, uri, profile
    c.yml:1: credentials.duration: found a text, expected a duration from 15m to 12h
    c.yml:1: credentials.duration: found a text, expected a duration from 15m to 12h
    c.yml:1: credentials.session_name: found a text, expected a name of 2 to 64 letters, digits and `-`, `_`, `.`, `@`, `=`
    c.yml:1: credentials.session_name: found a text, expected a name of 2 to 64 letters, digits and `-`, `_`, `.`, `@`, `=`
    c.yml:1: credentials.sts_endpoint: not encrypted, and STS answers with secrets: expected an https endpoint
    c.yml:1: credentials.sts_endpoint: found a text, expected an endpoint: http or https, a host, no path
    c.yml:1: credentials.metadata_endpoint: found a text, expected an endpoint: http or https, a host, no path
    c.yml:1: credentials: missing field `access_key_secret` or `access_key_secret_file`
    c.yml:1: credentials: found two values, expected `access_key_secret` or `access_key_secret_file`, not both
    c.yml:1: credentials.uri: found a text, expected a URI such as http://localhost:8080/credentials
    c.yml:1: credentials.role_name: unknown key; known here: uri
    c.yml:1: credentials.imds_v1_disabled: found a text, expected true or false
    "#);
}

#[test]
fn an_error_about_a_numeric_secret_does_not_show_it() {
    let text = "credentials: {type: access_key, access_key_id: 12345, access_key_secret: 6.5, security_token: true}\n";
    let error = load_yaml(&format!("{text}{WORKSPACE}")).unwrap_err();
    insta::assert_snapshot!(error, @r#"
    3 mistakes in the configuration:
    c.yml:1: credentials.access_key_id: found a number, expected a secret of visible ASCII characters without blanks: put it in quotes
    c.yml:1: credentials.access_key_secret: found a number, expected a secret of visible ASCII characters without blanks: put it in quotes
    c.yml:1: credentials.security_token: found a boolean, expected a secret of visible ASCII characters without blanks: put it in quotes
    "#);
}
