//! What can go wrong with a call, classified where it is seen.

use std::{fmt, time::Duration};

use reqwest::header::HeaderMap;
use secrecy::ExposeSecret as _;

use super::error_body::ErrorBody;
use crate::{credentials::Credentials, model::ErrorClass};

/// The most that is kept of a message of the cloud's.
const MAX_MESSAGE: usize = 200;

/// The classes that a retry is counted under as its reason.
pub const RETRY_REASONS: [ErrorClass; 7] = [
    ErrorClass::Auth,
    ErrorClass::Permission,
    ErrorClass::Throttled,
    ErrorClass::Timeout,
    ErrorClass::Network,
    ErrorClass::Api,
    ErrorClass::InvalidResponse,
];

/// Whether and when the same call may be made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// The answer would be the same.
    Never,
    /// After a pause of the client's choice.
    Backoff,
    /// After the pause that the cloud asked for.
    After(Duration),
}

/// A failed call. Its texts hold no secret: see `ApiError::from_reply`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    class: ErrorClass,
    retry: Retry,
    status: Option<u16>,
    code: Option<Box<str>>,
    request_id: Option<Box<str>>,
    denied_action: Option<Box<str>>,
    /// The cloud's words, whole: they are cut where they are shown, after secrets were taken out.
    message: Option<String>,
    detail: String,
}

impl ApiError {
    /// An error that the cloud did not word.
    pub fn new(class: ErrorClass, retry: Retry, detail: impl Into<String>) -> Self {
        Self {
            class,
            retry,
            status: None,
            code: None,
            request_id: None,
            denied_action: None,
            message: None,
            detail: detail.into(),
        }
    }

    /// An answer that can't be understood; `retry` where it may have been damaged on its way.
    pub fn invalid(retry: Retry, detail: impl Into<String>) -> Self {
        Self::new(ErrorClass::InvalidResponse, retry, detail)
    }

    /// The error that a reply tells, by its status, its headers and its body.
    pub(super) fn from_reply(status: u16, headers: &HeaderMap, body: &[u8]) -> Self {
        let told = ErrorBody::read(body);
        let mut error = Self::classify(Some(status), told, body.is_empty());
        error.request_id = error
            .request_id
            .or_else(|| headers.get("x-acs-request-id").and_then(|id| id.to_str().ok()).and_then(identifier));
        if error.retry != Retry::Never
            && let Some(pause) = pause_asked_for(headers)
        {
            error.retry = Retry::After(pause);
        }
        error
    }

    /// The error of a reply under HTTP 200 that says `success: false`.
    pub(super) fn unsuccessful(told: ErrorBody) -> Self {
        Self::classify(None, told, false)
    }

    fn classify(status: Option<u16>, told: ErrorBody, empty: bool) -> Self {
        let code = told.code.as_deref().and_then(identifier);
        let (class, retry) = class_of(status, code.as_deref().unwrap_or_default(), told.http_code);
        let message = told.message.filter(|message| class != ErrorClass::Auth && !echoes_request(message));
        let denied_action = told.denied_action.as_deref().and_then(identifier);
        let detail = match &denied_action {
            Some(action) if class == ErrorClass::Permission => {
                format!("(the RAM action {action} is not allowed)")
            }
            _ if empty => "an empty body".to_owned(),
            _ => String::new(),
        };
        let request_id = told.request_id.as_deref().and_then(identifier);
        Self { class, retry, status, code, request_id, denied_action, message, detail }
    }

    /// The same, without the values of `credentials` where the cloud echoed them.
    pub(super) fn without_secrets(mut self, credentials: &Credentials) -> Self {
        let token = credentials.security_token.as_ref().map_or("", |token| token.expose_secret());
        let secrets = [credentials.access_key_secret.expose_secret(), token, &credentials.access_key_id];
        for secret in secrets.into_iter().filter(|secret| !secret.is_empty()) {
            for text in self.message.iter_mut().chain([&mut self.detail]) {
                redact(text, secret);
            }
            for identifier in [&mut self.code, &mut self.request_id] {
                identifier.take_if(|text| text.contains(secret));
            }
        }
        self
    }

    /// The same, seen in a reply with this status.
    pub(super) fn with_status(self, status: u16) -> Self {
        Self { status: Some(status), ..self }
    }

    /// The request's `code` in `aliyun_flink_exporter_api_requests_total`.
    pub(super) fn counted_as(&self) -> String {
        match (self.class, self.status) {
            (ErrorClass::Timeout, _) => "timeout".to_owned(),
            (_, Some(status)) => status.to_string(),
            _ => "network".to_owned(),
        }
    }

    /// Whether the cloud refused the credentials themselves, so that others may do: neither a wrong clock nor a
    /// repeated nonce is their fault.
    pub(super) fn is_of_credentials(&self) -> bool {
        let code = self.code.as_deref().unwrap_or_default();
        let of_the_request = code.starts_with("InvalidTimeStamp") || code == "SignatureNonceUsed";
        self.class == ErrorClass::Auth && !of_the_request
    }

    /// The RAM action that is not allowed, where the cloud says which.
    pub fn denied_action(&self) -> Option<&str> {
        self.denied_action.as_deref()
    }

    /// Why it failed.
    pub fn class(&self) -> ErrorClass {
        self.class
    }

    /// Whether and when to try again.
    pub fn retry(&self) -> Retry {
        self.retry
    }

    /// The cloud's id of the failed request, by which its support finds it.
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// The cloud's error code.
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.status.map(|status| format!("HTTP {status}"));
        let head: Vec<&str> = [status.as_deref(), self.code.as_deref()].into_iter().flatten().collect();
        let words = [self.message.as_deref().map(one_line).unwrap_or_default(), self.detail.clone()];
        let parts = [head.join(" "), words.join(" ").trim().to_owned()];
        let text: Vec<_> = parts.iter().filter(|part| !part.is_empty()).map(String::as_str).collect();
        formatter.write_str(if text.is_empty() { "refused without a reason" } else { "" })?;
        formatter.write_str(&text.join(": "))?;
        if self.code.as_deref().is_some_and(|code| code == "InvalidTimeStamp.Expired") {
            formatter.write_str(": this machine's clock is off")?;
        }
        Ok(())
    }
}

impl std::error::Error for ApiError {}

/// The error code for an object that does not exist.
const NOT_FOUND: &str = "990301";

/// Codes take precedence: the gateway throttles with status 400 and rejects keys with status 404.
fn class_of(status: Option<u16>, code: &str, http_code: Option<u16>) -> (ErrorClass, Retry) {
    const AUTH: [&str; 8] = [
        "InvalidAccessKeyId",
        "InvalidAccessKeySecret",
        "InvalidSecurityToken",
        "InvalidTimeStamp",
        "MissingSecurityToken",
        "MissingAccessKeyId",
        "IncompleteSignature",
        "SignatureDoesNotMatch",
    ];
    const PERMISSION: [&str; 3] = ["Forbidden", "NoPermission", "AccessDenied"];
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| code.starts_with(prefix));
    match status.or(http_code) {
        // "Not found": the namespace or the workspace does not exist. Terraform's provider reads it in the same way.
        // <https://github.com/aliyun/terraform-provider-alicloud/blob/master/alicloud/resource_alicloud_realtime_compute_deployment.go>
        _ if code == NOT_FOUND => (ErrorClass::NotFound, Retry::Never),
        _ if code.starts_with("Throttling") => (ErrorClass::Throttled, Retry::Backoff),
        // The next try carries another nonce.
        _ if code == "SignatureNonceUsed" => (ErrorClass::Auth, Retry::Backoff),
        _ if starts(&AUTH) => (ErrorClass::Auth, Retry::Never),
        _ if starts(&PERMISSION) => (ErrorClass::Permission, Retry::Never),
        Some(401) => (ErrorClass::Auth, Retry::Never),
        Some(403) => (ErrorClass::Permission, Retry::Never),
        Some(429) => (ErrorClass::Throttled, Retry::Backoff),
        // A successful status without a reply of the API, as from a proxy.
        Some(200..=299) if status.is_some() => (ErrorClass::InvalidResponse, Retry::Backoff),
        Some(200..=299 | 408 | 500..=599) | None => (ErrorClass::Api, Retry::Backoff),
        Some(_) => (ErrorClass::Api, Retry::Never),
    }
}

/// Takes `secret` out of `text`, also where it is percent-encoded or was cut off: from its beginning to the next
/// blank, quote or comma.
fn redact(text: &mut String, secret: &str) {
    /// Enough of a secret to know it by, and few enough for its first characters not to be of much use.
    const BEGINNING: usize = 8;
    const REDACTED: &str = "<redacted>";
    for form in [secret.to_owned(), acs3::encode(secret)] {
        let beginning = form.get(..BEGINNING).unwrap_or(&form);
        let mut from = 0;
        while let Some(start) = text[from..].find(beginning).map(|at| from + at) {
            let ends = |c: char| c.is_whitespace() || "\"',<>[](){}".contains(c);
            let rest = start + beginning.len();
            let end = text[rest..].find(ends).map_or(text.len(), |length| rest + length);
            text.replace_range(start..end, REDACTED);
            from = start + REDACTED.len();
        }
    }
}

/// Whether a message repeats the request that was signed, the security token among it, perhaps cut off.
fn echoes_request(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    ["string to sign", "canonicalrequest", "canonical request", "x-acs-security-token", "signature="]
        .iter()
        .any(|sign| message.contains(sign))
}

/// `x-acs-retry-after` is in milliseconds, `Retry-After` in seconds or a date, which is taken for no hint.
fn pause_asked_for(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
    number("x-acs-retry-after")
        .map(Duration::from_millis)
        .or_else(|| number("retry-after").map(Duration::from_secs))
}

/// An id or a code: anything longer, or with other characters, is not one.
pub(super) fn identifier(text: &str) -> Option<Box<str>> {
    let text = text.trim();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:*".contains(&byte);
    (!text.is_empty() && text.len() <= 80 && text.bytes().all(plain)).then(|| text.into())
}

/// A message on one line and of bounded length.
fn one_line(message: &str) -> String {
    let mut line: String =
        message.chars().take(MAX_MESSAGE).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if line.len() < message.len() {
        line.push('…');
    }
    line.trim().to_owned()
}
