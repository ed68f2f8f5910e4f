//! Remedies for errors of the API.

use crate::{api::ApiError, model::ErrorClass};

/// The remedy for `error`: by its error code, or by its class.
pub(super) fn of(error: &ApiError) -> &'static str {
    if error.is_from_intermediary() {
        return "an intermediary answered instead of the API, such as a proxy, a firewall or a load balancer: check the \
                proxy variables, `endpoint` and the network";
    }
    error.code().and_then(of_code).unwrap_or_else(|| of_class(error.class()))
}

fn of_code(code: &str) -> Option<&'static str> {
    let hints = [
        ("InvalidTimeStamp", "synchronize the local clock, for example by NTP: signatures contain the time"),
        ("SignatureNonceUsed", "an intermediary repeats requests: check the proxies"),
        (
            "SignatureDoesNotMatch",
            "the access key secret does not match the access key ID, or an intermediary changes requests",
        ),
        ("IncompleteSignature", "an intermediary changes requests: check the proxies"),
        ("InvalidAccessKeyId.Inactive", "the access key is disabled: enable it, or use another one"),
        ("InvalidAccessKeyId", "the access key does not exist: check its ID"),
        ("MissingAccessKeyId", "an intermediary removes request headers: check the proxies"),
        ("InvalidSecurityToken", "the security token has expired, or belongs to another access key"),
        ("MissingSecurityToken", "the access key is temporary: provide its security token"),
    ];
    hints.into_iter().find(|(prefix, _)| code.starts_with(prefix)).map(|(_, hint)| hint)
}

fn of_class(class: ErrorClass) -> &'static str {
    match class {
        ErrorClass::Auth => "the service rejects the credentials: see the error code",
        ErrorClass::Permission => "the service denies access: see the error code",
        ErrorClass::Throttled => {
            "other clients use the account's quota: raise poll.interval, or request a higher quota"
        }
        ErrorClass::Timeout => {
            "the service or the network is slow: raise api.request_timeout and poll.timeout if it stays slow"
        }
        ErrorClass::Network => "check whether a firewall or a proxy blocks the connection",
        ErrorClass::NotFound => "check the workspace ID, the region and the namespace",
        ErrorClass::Api => {
            "the service failed: check the workspace ID, the region and the namespace, then Alibaba Cloud's status page"
        }
        ErrorClass::InvalidResponse => "check `endpoint`: the response may not come from the API",
        ErrorClass::Internal => "this is a bug in the exporter: report it",
    }
}
