//! The vectors that the official SDK gives, and what no vector covers.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    verify::{Authorization, canonical_received_query, verify},
    *,
};

#[derive(Deserialize)]
struct Vectors {
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    id: String,
    input: Input,
    output: Output,
}

#[derive(Deserialize)]
struct Input {
    method: String,
    path: String,
    query: BTreeMap<String, String>,
    headers: serde_json::Map<String, serde_json::Value>,
    body: String,
    access_key_id: String,
    access_key_secret: String,
}

#[derive(Deserialize)]
struct Output {
    canonical_query: String,
    authorization: String,
    signature: String,
    signed_headers: String,
}

fn vectors() -> Vec<Vector> {
    let text = include_str!("../tests/vectors.json");
    serde_json::from_str::<Vectors>(text).unwrap().vectors
}

#[test]
fn every_vector_of_the_official_sdk_is_reproduced() {
    let vectors = vectors();
    assert_eq!(vectors.len(), 50);
    for Vector { id, input, output } in &vectors {
        let query: Vec<_> = input.query.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        let query = canonical_query(&query);
        assert_eq!(&query, &output.canonical_query, "{id}");
        let headers: Vec<_> = input.headers.iter().map(|(k, v)| (k.as_str(), v.as_str().unwrap())).collect();
        let body_sha256 = sha256_hex(input.body.as_bytes());
        let request = Signable {
            method: &input.method,
            path: &input.path,
            query: &query,
            headers: &headers,
            body_sha256: &body_sha256,
        };
        let header = authorization(request, &input.access_key_id, &input.access_key_secret);
        assert_eq!(&header, &output.authorization, "{id}");
        let parsed = Authorization::parse(&header).unwrap();
        assert_eq!(parsed.signed_headers, output.signed_headers, "{id}");
        assert!(verify(request, &input.access_key_secret, &output.signature), "{id}");
        assert!(!verify(request, "another secret", &output.signature), "{id}");
    }
}

#[test]
fn a_wire_query_in_another_encoding_has_the_same_canonical_form() {
    let sent = canonical_query(&[("name", "a b*~+"), ("labelKey", "环境 key")]);
    let wire = "name=a+b%2A~%2b&labelKey=%E7%8E%AF%E5%A2%83+key";
    assert_eq!(canonical_received_query(wire), sent);
}

#[test]
fn a_call_is_signed_with_all_its_headers() {
    let key = AccessKey { id: "id", secret: "secret", security_token: Some("token") };
    let call = Call {
        method: "POST",
        host: "sts.aliyuncs.com",
        path: "/",
        query: "RoleArn=a",
        action: "AssumeRole",
        version: "2015-04-01",
        date: "2026-11-22T08:47:05Z",
        nonce: "n",
        headers: &[("workspace", "w")],
    };
    let mut headers = call.signed_headers(key);
    let (_, header) = headers.pop().unwrap();
    let parsed = Authorization::parse(&header).unwrap();
    assert_eq!(
        parsed.signed_headers,
        "host;workspace;x-acs-accesskey-id;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-security-token;\
         x-acs-signature-nonce;x-acs-version"
    );
    let sent: Vec<_> = headers.iter().map(|(name, value)| (*name, &**value)).collect();
    let body_sha256 = sha256_hex(b"");
    let request =
        Signable { method: "POST", path: "/", query: call.query, headers: &sent, body_sha256: &body_sha256 };
    assert!(verify(request, "secret", parsed.signature));
    for other in [&parsed.signature[1..], &parsed.signature.to_uppercase(), "", "zz"] {
        assert!(!verify(request, "secret", other), "{other}");
    }
}
