//! What helps against an error of the API.

use crate::{api::ApiError, model::ErrorClass};

/// The hint for `error`: by its error code if it has one, otherwise by its class.
pub(super) fn of(error: &ApiError) -> &'static str {
    if error.is_from_intermediary() {
        return "something between here and the API answered, such as a proxy, a firewall or a load balancer: check the \
                proxy variables, `endpoint` and the network";
    }
    error.code().and_then(of_code).unwrap_or_else(|| of_class(error.class()))
}

fn of_code(code: &str) -> Option<&'static str> {
    let hints = [
        ("InvalidTimeStamp", "set this machine's clock, by NTP: requests are signed with the time"),
        ("SignatureNonceUsed", "something on the way repeats requests: check the proxies"),
        (
            "SignatureDoesNotMatch",
            "the access key's secret does not match its id, or something on the way changes requests",
        ),
        ("IncompleteSignature", "something on the way changes requests: check the proxies"),
        ("InvalidAccessKeyId.Inactive", "the access key is disabled: enable it, or use another one"),
        ("InvalidAccessKeyId", "the access key does not exist: check its id"),
        ("MissingAccessKeyId", "something on the way removes headers of requests: check the proxies"),
        ("InvalidSecurityToken", "the security token is expired, or belongs to another access key"),
        ("MissingSecurityToken", "the access key is temporary: it needs its security token"),
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
        ErrorClass::Timeout => "the service or the network is slow: see api.request_timeout and poll.timeout",
        ErrorClass::Network => "a firewall or a proxy may break the connection",
        ErrorClass::NotFound => "check the workspace's id, its region and the namespace",
        ErrorClass::Api => {
            "the service fails: check the workspace's id, its region and the namespace, then the cloud's status page"
        }
        ErrorClass::InvalidResponse => "check `endpoint`: the answer is perhaps not from the API",
        ErrorClass::Internal => "a fault of the exporter: report it",
    }
}
