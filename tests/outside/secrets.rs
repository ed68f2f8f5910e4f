//! Secrets do not appear in logs, errors, metrics or pages.

use serde_json::json;

use crate::support::{Reply, Seen, Start, StubApi, unsuccessful, until};

/// A security token of realistic length.
fn token() -> String {
    let part = "CAIS+outside/token0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    part.repeat(12)
}

/// Asserts that no part of `secret` of 12 or more characters is in `text`.
fn assert_without(secret: &str, text: &str, place: &str) {
    let parts = secret.as_bytes().windows(12).filter_map(|part| std::str::from_utf8(part).ok());
    for part in parts {
        assert!(!text.contains(part), "{part} of a secret is in {place}: {text}");
    }
}

/// The request as the gateway echoes it, and the secret, which a real gateway does not know.
fn echo(request: &Seen) -> String {
    let headers: Vec<_> = request
        .headers
        .iter()
        .map(|(name, value)| format!("{name}:{}", value.to_str().unwrap_or_default()))
        .collect();
    format!(
        "server string to sign is [ACS3-HMAC-SHA256], server CanonicalRequest:[GET\n{}\n{}\n{}] {}",
        request.path,
        request.query,
        headers.join("\n"),
        Start::SECRET
    )
}

type Refusing = fn(&Seen) -> Reply;

/// Error responses that contain parts of the request, by the text that identifies them.
const REFUSALS: [(&str, Refusing); 8] = [
    ("SignatureDoesNotMatch", |request| {
        Reply::json(400, &json!({"Code": "SignatureDoesNotMatch", "Message": echo(request)}))
    }),
    ("InternalError", |request| {
        Reply::json(500, &json!({"Code": "InternalError", "Message": echo(request)}))
    }),
    ("TokenFirst", |request| {
        let token = request.header("x-acs-security-token");
        Reply::json(500, &json!({"Code": "TokenFirst", "Message": format!("bad: {token} {}", Start::SECRET)}))
    }),
    ("SecretAtTheCut", |_| {
        let message = format!("{}{}", "x".repeat(182), Start::SECRET);
        Reply::json(500, &json!({"Code": "SecretAtTheCut", "Message": message}))
    }),
    ("Forbidden.RAM", |request| {
        let token = request.header("x-acs-security-token");
        let denied = json!({"AuthAction": Start::SECRET});
        Reply::json(403, &json!({"Code": "Forbidden.RAM", "Message": token, "AccessDeniedDetail": denied}))
    }),
    ("990001", |request| Reply::json(200, &unsuccessful("990001", &echo(request)))),
    ("XmlError", |request| {
        let token = request.header("x-acs-security-token");
        Reply::new(500, format!("<Error><Code>XmlError</Code><Message>{token}</Message></Error>"))
    }),
    ("HTTP 502", |_| {
        let codes = json!({"Code": Start::SECRET, "RequestId": Start::SECRET, "Message": "no"});
        Reply::json(502, &codes).with_header("x-acs-request-id", Start::SECRET)
    }),
];

#[tokio::test]
async fn secrets_that_the_api_echoes_are_not_exposed() {
    let namespaces: Vec<_> = (0..REFUSALS.len()).map(|index| format!("n{index}")).collect();
    let api = StubApi::start(move |request| {
        let index = (0..REFUSALS.len()).find(|index| request.is_of(&format!("n{index}"))).unwrap();
        REFUSALS[index].1(request)
    })
    .await;
    let program = Start::daemon()
        .args(&["--log.level", "trace"])
        .env("ALIBABA_CLOUD_SECURITY_TOKEN", &token())
        .polling(&api, &format!("[{}]", namespaces.join(", ")), "api: {max_retries: 1}\n")
        .ready()
        .await;
    until("the log of every refusal", async || {
        let log = program.stderr();
        REFUSALS.iter().all(|(words, _)| log.contains(words)).then_some(())
    })
    .await;
    let mut places = vec![("stdout", program.stdout())];
    for path in ["/metrics", "/", "/api/v1/status"] {
        places.push((path, program.get(path).await.body));
    }
    places.push(("stderr", program.stderr()));
    for (place, text) in places {
        assert_without(Start::SECRET, &text, place);
        assert_without(&token(), &text, place);
    }
    let shown = program.get("/api/v1/status").await.body;
    let signature = shown.lines().find(|line| line.contains("SignatureDoesNotMatch")).unwrap_or_default();
    assert!(!signature.contains("string to sign"), "{signature}");
}

#[tokio::test]
async fn the_error_of_a_wrong_signature_does_not_contain_the_request() {
    let api = StubApi::start(REFUSALS[0].1).await;
    let finished = Start::new(&["once", "--log.level", "trace"])
        .env("ALIBABA_CLOUD_SECURITY_TOKEN", &token())
        .polling(&api, "[n1]", "")
        .finish()
        .await
        .with_code(1);
    assert!(finished.stderr.contains("SignatureDoesNotMatch"), "{}", finished.stderr);
    for echoed in ["CanonicalRequest", "string to sign", "x-acs-security-token"] {
        assert!(!finished.stderr.contains(echoed), "{}", finished.stderr);
    }
    finished.metrics().find("aliyun_flink_target_polls_total").label("outcome", "auth").value(1.0);
    assert_eq!(api.requests().len(), 1, "the same key would be refused again");
}

#[tokio::test]
async fn secrets_in_configuration_files_are_not_printed_or_logged() {
    let yaml = format!(
        "credentials: {{type: access_key, access_key_id: the-id, access_key_secret: {}, security_token: {}}}\n\
         workspaces: [{{id: w1, region: cn-hangzhou, namespaces: [n1]}}]\n",
        Start::SECRET,
        token(),
    );
    let wrong = yaml.replace("security_token", "security_tokens");
    for (yaml, code) in [(yaml, 0), (wrong, 2)] {
        let finished = Start::bare(&["check-config"]).config(&yaml).finish().await.with_code(code);
        let said = finished.stdout + &finished.stderr;
        assert_without(Start::SECRET, &said, "the output");
        assert_without(&token(), &said, "the output");
    }
}
