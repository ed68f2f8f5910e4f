//! Classes of errors, by error code and status.
//!
//! Source: <https://www.alibabacloud.com/help/en/sdk/product-overview/v3-request-structure-and-signature>.

use std::time::Duration;

use crate::model::ErrorClass;

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

/// Whether and when the same request may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Not at all: the answer would be the same.
    Never,
    /// After a delay that the client chooses.
    Backoff,
    /// After the delay that the service asks for.
    After(Duration),
}

/// The error code for an object that does not exist.
const NOT_FOUND: &str = "990301";

/// Codes take precedence: the gateway throttles with status 400 and rejects keys with status 404.
pub(super) fn classify(status: Option<u16>, code: &str, http_code: Option<u16>) -> (ErrorClass, Retry) {
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
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| code.starts_with(prefix));
    match status.or(http_code) {
        // The namespace or the workspace does not exist. The code is not documented; Terraform's resource
        // alicloud_realtime_compute_deployment treats it so.
        _ if code == NOT_FOUND => (ErrorClass::NotFound, Retry::Never),
        _ if code.starts_with("Throttling") => (ErrorClass::Throttled, Retry::Backoff),
        // The next attempt has another nonce.
        _ if code == "SignatureNonceUsed" => (ErrorClass::Auth, Retry::Backoff),
        _ if starts(&AUTH) => (ErrorClass::Auth, Retry::Never),
        _ if is_ram_denial(code) => (ErrorClass::Permission, Retry::Never),
        // Without an error code, something on the way answered, such as a proxy.
        Some(401 | 403) if code.is_empty() && status.is_some() => (ErrorClass::Api, Retry::Never),
        Some(401) => (ErrorClass::Auth, Retry::Never),
        Some(403) => (ErrorClass::Permission, Retry::Never),
        Some(429) => (ErrorClass::Throttled, Retry::Backoff),
        // A successful status without a reply of the API, as from a proxy.
        Some(200..=299) if status.is_some() => (ErrorClass::InvalidResponse, Retry::Backoff),
        Some(200..=299 | 408 | 500..=599) | None => (ErrorClass::Api, Retry::Backoff),
        Some(_) => (ErrorClass::Api, Retry::Never),
    }
}

/// Whether `code` means that a RAM policy does not allow the action.
pub(super) fn is_ram_denial(code: &str) -> bool {
    ["Forbidden", "NoPermission", "AccessDenied"].iter().any(|prefix| code.starts_with(prefix))
}

/// Whether `code` means that the time of the request is wrong.
pub(super) fn is_clock_error(code: &str) -> bool {
    code.starts_with("InvalidTimeStamp")
}
