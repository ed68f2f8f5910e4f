//! Error documents, as the gateway and the services write them.

use std::borrow::Cow;

use lenient_json::{Lenient, Scalar, lenient_object, parse};

lenient_object! {
    struct WireError<'a> {
        gateway_code: Scalar<'a> = "Code",
        code: Scalar<'a> = "code",
        error_code: Scalar<'a> = "errorCode",
        gateway_message: Scalar<'a> = "Message",
        message: Scalar<'a> = "message",
        error_message: Scalar<'a> = "errorMessage",
        gateway_request_id: Scalar<'a> = "RequestId",
        request_id: Scalar<'a> = "requestId",
        gateway_denied: Lenient<WireDenied<'a>> = "AccessDeniedDetail",
        denied: Lenient<WireDenied<'a>> = "accessDeniedDetail",
    }
}

lenient_object! {
    struct WireDenied<'a> { action: Scalar<'a> = "AuthAction" }
}

/// The contents of an unsuccessful reply.
#[derive(Debug, Default)]
pub(super) struct ErrorBody {
    pub(super) code: Option<String>,
    pub(super) message: Option<String>,
    pub(super) request_id: Option<String>,
    pub(super) denied_action: Option<String>,
    /// `httpCode`, which the service sets beside an HTTP status of 200.
    pub(super) http_code: Option<u16>,
}

impl ErrorBody {
    /// Reads an error of the gateway in JSON, in either spelling, or in XML. Anything else has no contents.
    pub(super) fn read(body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        match parse::<Lenient<WireError<'_>>>(&text) {
            Ok(Lenient::Valid(wire)) => Self::of_json(wire),
            _ => Self {
                code: xml_element(&text, "Code"),
                message: xml_element(&text, "Message"),
                request_id: xml_element(&text, "RequestId"),
                ..Self::default()
            },
        }
    }

    fn of_json(wire: WireError<'_>) -> Self {
        let denied = match (wire.gateway_denied, wire.denied) {
            (Lenient::Valid(denied), _) | (_, Lenient::Valid(denied)) => denied,
            _ => WireDenied::default(),
        };
        Self {
            code: first([wire.gateway_code, wire.code, wire.error_code]),
            message: first_message([wire.gateway_message, wire.message, wire.error_message]),
            request_id: first([wire.gateway_request_id, wire.request_id]),
            denied_action: first([denied.action]),
            http_code: None,
        }
    }
}

/// The first text that is not empty.
pub(super) fn first<const N: usize>(scalars: [Scalar<'_>; N]) -> Option<String> {
    scalars.into_iter().find_map(|scalar| scalar.text().ok().flatten()).map(Cow::into_owned)
}

/// The first text of any length that is not empty.
pub(super) fn first_message<const N: usize>(scalars: [Scalar<'_>; N]) -> Option<String> {
    let texts = scalars.into_iter().filter_map(|scalar| scalar.json_text().ok().flatten());
    texts.map(Cow::into_owned).find(|text| !text.is_empty())
}

fn xml_element(text: &str, name: &str) -> Option<String> {
    let (_, after) = text.split_once(&format!("<{name}>"))?;
    let (inner, _) = after.split_once(&format!("</{name}>"))?;
    Some(inner.to_owned())
}
