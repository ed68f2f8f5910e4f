//! Errors of requests, classified where they occur.

use std::time::Duration;

use reqwest::header::HeaderMap;
use secrecy::ExposeSecret as _;

use super::{
    error_classification::{Retry, classify, is_clock_error, is_ram_denial},
    error_response::ErrorBody,
    redaction::{echoes_request, redact},
};
use crate::{credentials::Credentials, model::ErrorClass};

/// The longest part of a message that is shown, in characters.
const MAX_MESSAGE: usize = 200;

/// A failed request. Its texts contain no secrets: see `ApiError::without_secrets`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.text())]
pub struct ApiError {
    class: ErrorClass,
    retry: Retry,
    status: Option<u16>,
    code: Option<Box<str>>,
    request_id: Option<Box<str>>,
    denied_action: Option<Box<str>>,
    /// The complete message. It is cut where it is shown, after secrets were removed.
    message: Option<String>,
    /// A text of the exporter, without any part of the reply.
    detail: String,
    from_intermediary: bool,
}

impl ApiError {
    /// An error without a reply.
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
            from_intermediary: false,
        }
    }

    /// A reply that is not what the API documents; retryable if it may have been damaged on the way.
    pub fn invalid(retry: Retry, detail: impl Into<String>) -> Self {
        Self::new(ErrorClass::InvalidResponse, retry, detail)
    }

    /// The error of a reply with a status other than 200.
    pub(super) fn from_reply(status: u16, headers: &HeaderMap, body: &[u8]) -> Self {
        let mut contents = ErrorBody::read(body);
        // Proxies repeat the status as the code.
        contents.code.take_if(|code| code.trim().parse() == Ok(status));
        let is_unknown = contents.code.is_none() && status >= 400;
        if is_unknown && matches!(status, 401 | 403) {
            contents.message = None;
        }
        let mut error = Self::from_contents(Some(status), contents);
        if is_unknown {
            error.detail = format!("{}, without an error code of Alibaba Cloud", body_kind(body));
        }
        error.request_id = error
            .request_id
            .or_else(|| headers.get("x-acs-request-id").and_then(|id| id.to_str().ok()).and_then(identifier));
        error.from_intermediary = is_unknown && error.request_id.is_none();
        if error.retry != Retry::Never
            && let Some(pause) = retry_after(headers)
        {
            error.retry = Retry::After(pause);
        }
        error
    }

    /// The error of a reply with status 200 and `success: false`.
    pub(super) fn unsuccessful(contents: ErrorBody) -> Self {
        Self::from_contents(None, contents)
    }

    fn from_contents(status: Option<u16>, contents: ErrorBody) -> Self {
        let code = contents.code.as_deref().and_then(identifier);
        let (class, retry) = classify(status, code.as_deref().unwrap_or_default(), contents.http_code);
        let message =
            contents.message.filter(|message| class != ErrorClass::Auth && !echoes_request(message));
        let denied_action = contents.denied_action.as_deref().and_then(identifier);
        let request_id = contents.request_id.as_deref().and_then(identifier);
        Self {
            class,
            retry,
            status,
            code,
            request_id,
            denied_action,
            message,
            detail: String::new(),
            from_intermediary: false,
        }
    }

    /// Removes the values of `credentials` that the service echoed.
    pub(super) fn without_secrets(mut self, credentials: &Credentials) -> Self {
        let token = credentials.security_token.as_ref().map_or("", |token| token.expose_secret());
        let secrets = [credentials.access_key_secret.expose_secret(), token, &credentials.access_key_id];
        for secret in secrets.into_iter().filter(|secret| !secret.is_empty()) {
            if let Some(message) = &mut self.message {
                redact(message, secret);
            }
            for identifier in [&mut self.code, &mut self.request_id, &mut self.denied_action] {
                identifier.take_if(|text| text.contains(secret));
            }
        }
        self
    }

    /// Adds the status of the reply.
    pub(super) fn with_status(self, status: u16) -> Self {
        Self { status: Some(status), ..self }
    }

    /// The value of `code` in `aliyun_flink_exporter_api_requests_total`.
    pub(super) fn counted_as(&self) -> String {
        match (self.class, self.status) {
            (ErrorClass::Timeout, _) => "timeout".to_owned(),
            (_, Some(status)) => status.to_string(),
            _ => "network".to_owned(),
        }
    }

    /// Whether the service rejected the credentials themselves, so that others may be accepted. Neither a wrong clock nor
    /// a repeated nonce is a fault of the credentials.
    pub(super) fn is_of_credentials(&self) -> bool {
        let code = self.code.as_deref().unwrap_or_default();
        self.class == ErrorClass::Auth && !is_clock_error(code) && code != "SignatureNonceUsed"
    }

    /// Whether the service denied a RAM action.
    pub fn is_ram_denial(&self) -> bool {
        self.denied_action.is_some() || self.code.as_deref().is_some_and(is_ram_denial)
    }

    /// Whether the reply is an error, but not one of Alibaba Cloud: something on the way sent it, such as a proxy.
    pub fn is_from_intermediary(&self) -> bool {
        self.from_intermediary
    }

    /// The denied RAM action, if the service names it.
    pub fn denied_action(&self) -> Option<&str> {
        self.denied_action.as_deref()
    }

    /// Why it failed.
    pub fn class(&self) -> ErrorClass {
        self.class
    }

    /// Whether and when to retry.
    pub fn retry(&self) -> Retry {
        self.retry
    }

    /// The id of the failed request, for support tickets.
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// The error code.
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// The status, the code, the message and the detail, as far as they are known.
    fn text(&self) -> String {
        let status = self.status.map(|status| format!("HTTP {status}"));
        let head: Vec<&str> = [status.as_deref(), self.code.as_deref()].into_iter().flatten().collect();
        let detail = match &self.denied_action {
            Some(action) if self.class == ErrorClass::Permission => {
                &format!("(the RAM action {action} is not allowed)")
            }
            _ => &self.detail,
        };
        let words = [self.message.as_deref().map(one_line).unwrap_or_default(), detail.clone()];
        let parts = [head.join(" "), words.join(" ").trim().to_owned()];
        let mut parts: Vec<_> = parts.iter().filter(|part| !part.is_empty()).map(String::as_str).collect();
        if parts.is_empty() {
            parts.push("rejected without a reason");
        }
        if self.code.as_deref() == Some("InvalidTimeStamp.Expired") {
            parts.push("this machine's clock is off");
        }
        parts.join(": ")
    }
}

/// What sort of document a body is. Never shows a part of it.
fn body_kind(body: &[u8]) -> &'static str {
    let start = body.trim_ascii_start();
    let starts =
        |prefix: &str| start.get(..prefix.len()).is_some_and(|s| s.eq_ignore_ascii_case(prefix.as_bytes()));
    match start.first() {
        None => "an empty body",
        Some(b'{' | b'[') => "a JSON document",
        Some(b'<') if starts("<html") || starts("<!doctype html") => "an HTML page",
        Some(b'<') => "an XML document",
        Some(_) => "a text",
    }
}

/// `x-acs-retry-after` is in milliseconds, `Retry-After` in seconds. A date is ignored.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
    number("x-acs-retry-after")
        .map(Duration::from_millis)
        .or_else(|| number("retry-after").map(Duration::from_secs))
}

/// An id or an error code. Anything longer, or with other characters, may be anything.
pub(super) fn identifier(text: &str) -> Option<Box<str>> {
    let text = text.trim();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:*".contains(&byte);
    (!text.is_empty() && text.len() <= 80 && text.bytes().all(plain)).then(|| text.into())
}

/// A message on one line, of bounded length.
fn one_line(message: &str) -> String {
    let mut line: String =
        message.chars().take(MAX_MESSAGE).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if line.len() < message.len() {
        line.push('…');
    }
    line.trim().to_owned()
}
