//! The configuration of sources.

use super::*;

/// A source of each type with every setting.
const FULL: &[&str] = &[
    r#"{"type":"default","sts_endpoint":"https://sts.example.com","metadata_endpoint":"http://100.100.100.200"}"#,
    r#"{"type":"access_key","access_key_id_file":"/id","access_key_secret_file":"/secret","security_token_file":"/t"}"#,
    r#"{"type":"ram_role_arn","source":{"type":"default"},"role_arn":"a","external_id":"<redacted>",
        "session_name":"se","duration":"1h30m","policy":"{}","sts_endpoint":"https://sts.example.com"}"#,
    r#"{"type":"oidc","role_arn":"a","oidc_provider_arn":"p","oidc_token_file":"/token","session_name":"se",
        "duration":"15m","policy":"{}","sts_endpoint":"https://sts.example.com"}"#,
    r#"{"type":"ecs_ram_role","role_name":"r","imds_v1_disabled":true,"metadata_endpoint":"http://100.100.100.200"}"#,
    r#"{"type":"uri","uri":"http://localhost:8080/<redacted>"}"#,
    r#"{"type":"profile","name":"n","file":"/f.json","sts_endpoint":"https://sts.example.com",
        "metadata_endpoint":"http://100.100.100.200"}"#,
    r#"{"type":"uri"}"#,
];

#[test]
fn each_source_is_written_as_it_was_read() {
    for text in FULL {
        let value: serde_json::Value = serde_json::from_str(text).unwrap();
        let source: ProviderConfig = serde_json::from_str(text).unwrap();
        let mut written = serde_json::to_value(&source).unwrap();
        if let Some(uri) = written.get_mut("uri") {
            *uri = serde_json::Value::from(uri.as_str().unwrap().replace("%3Credacted%3E", "<redacted>"));
        }
        assert_eq!(written, value);
        assert_eq!(serde_json::from_value::<ProviderConfig>(value).unwrap(), source);
    }
}

#[test]
fn an_access_key_needs_both_parts_each_once() {
    for (text, part) in [
        (r#"{"type":"access_key","access_key_id":"a"}"#, "missing field `access_key_secret`"),
        (
            r#"{"type":"access_key","access_key_id":"a","access_key_id_file":"b","access_key_secret":"c"}"#,
            "expected `access_key_id` or `access_key_id_file`, not both",
        ),
        (r#"{"type":"sts"}"#, "unknown variant"),
        (r#"{"type":"oidc","duration":"soon"}"#, "expected a duration"),
    ] {
        let error = serde_json::from_str::<ProviderConfig>(text).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}
