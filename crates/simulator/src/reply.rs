//! Replies in the three forms of the real thing: a listing, the service's own error, the gateway's error.

use std::io;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::Frame;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::{Value, json};

use crate::operation::Operation;

const JSON: &str = "application/json;charset=utf-8";

/// The body of every reply.
pub(crate) type ReplyBody = UnsyncBoxBody<Bytes, io::Error>;

/// A reply before it goes onto the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) content_type: &'static str,
    /// One more header.
    pub(crate) header: Option<(&'static str, &'static str)>,
    pub(crate) body: Bytes,
    /// The whole body is announced, a part of it sent, and the connection closed.
    pub(crate) broken_off: bool,
}

/// Why a request gets no data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The gateway before the service refuses it.
    Gateway { status: StatusCode, code: &'static str, message: String },
    /// The service does: HTTP 200, and the body says otherwise.
    Service { http_code: u16, code: &'static str, message: String },
    /// A RAM policy does not allow the action.
    Denied { action: String },
}

impl Refusal {
    pub(crate) fn gateway(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self::Gateway { status, code, message: message.into() }
    }

    /// A parameter is missing or wrong.
    pub(crate) fn parameter(message: impl Into<String>) -> Self {
        Self::Service { http_code: 400, code: "990104", message: message.into() }
    }

    /// The workspace or the namespace is unknown.
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::Service { http_code: 404, code: "990301", message: message.into() }
    }

    /// The reply that says so, in the form of `operation`'s product.
    pub(crate) fn reply_to(self, operation: Option<Operation>, request_id: &str, host: &str) -> Reply {
        match self {
            // The documented reply has no reason; the service adds keys.
            Self::Service { code, message, .. } if operation.is_some_and(Operation::is_of_console) => {
                Reply::json(
                    StatusCode::OK,
                    &json!({"RequestId": request_id, "Success": false, "Code": code, "Message": message}),
                )
            }
            refusal => refusal.reply(request_id, host),
        }
    }

    /// The reply that says so.
    pub(crate) fn reply(self, request_id: &str, host: &str) -> Reply {
        match self {
            Self::Denied { action } => Reply::json(
                StatusCode::FORBIDDEN,
                &json!({
                    "Code": "NoPermission",
                    "Message": "You are not authorized to perform this operation.",
                    "RequestId": request_id,
                    "HostId": host,
                    "AccessDeniedDetail": {
                        "PolicyType": "AccountLevelIdentityBasedPolicy",
                        "AuthAction": action,
                        "AuthPrincipalType": "SubUser",
                        "NoPermissionType": "ImplicitDeny",
                    },
                }),
            ),
            Self::Gateway { status, code, message } => {
                let recommend =
                    format!("https://api.aliyun.com/troubleshoot?q={code}&requestId={request_id}");
                let reply = Reply::json(
                    status,
                    &json!({
                        "Code": code,
                        "Message": message,
                        "RequestId": request_id,
                        "HostId": host,
                        "Recommend": recommend,
                    }),
                );
                let wrong_method = status == StatusCode::METHOD_NOT_ALLOWED;
                if wrong_method { reply.with_header("allow", "GET") } else { reply }
            }
            Self::Service { http_code, code, message } => Reply::json(
                StatusCode::OK,
                &json!({
                    "requestId": request_id,
                    "success": false,
                    "httpCode": http_code,
                    "errorCode": code,
                    "errorMessage": message,
                }),
            ),
        }
    }
}

impl Reply {
    /// A reply with a JSON body.
    pub(crate) fn json(status: StatusCode, body: &Value) -> Self {
        Self::text(status, JSON, body.to_string())
    }

    /// A reply with any body.
    pub(crate) fn text(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self { status, content_type, header: None, body: body.into(), broken_off: false }
    }

    /// The same with one more header.
    pub(crate) fn with_header(self, name: &'static str, value: &'static str) -> Self {
        Self { header: Some((name, value)), ..self }
    }

    /// The reply as hyper sends it.
    pub(crate) fn into_response(self, request_id: &str) -> Response<ReplyBody> {
        let announced = self.body.len();
        let body = if self.broken_off { broken_off(self.body) } else { whole(self.body) };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        headers.insert(CONTENT_LENGTH, announced.into());
        if let Ok(request_id) = HeaderValue::from_str(request_id) {
            headers.insert("x-acs-request-id", request_id);
        }
        if let Some((name, value)) = self.header {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        response
    }
}

fn whole(body: Bytes) -> ReplyBody {
    Full::new(body).map_err(|never| match never {}).boxed_unsync()
}

/// The first half of `body`, and then an error, on which hyper drops the connection.
fn broken_off(mut body: Bytes) -> ReplyBody {
    body.truncate(body.len() / 2);
    let sent = stream::once(async { Ok(Frame::data(body)) });
    let error = stream::once(async {
        // Lets hyper write out the first half: an error at once would drop it unsent.
        tokio::task::yield_now().await;
        Err(io::Error::from(io::ErrorKind::ConnectionReset))
    });
    StreamBody::new(sent.chain(error)).boxed_unsync()
}
