//! The frame of every reply, good or bad.

use std::borrow::Cow;

use super::deployment::{Decoded, Decoder};
use super::error::{ApiError, Retry, identifier};
use super::json::{Cursor, Object as _, Part, Scalar, SyntaxError, parse, wire_object};
use crate::model::Wanted;

wire_object! {
    Envelope<'a> {
        success: Scalar<'a> = "success",
        http_code: Scalar<'a> = "httpCode",
        error_code: Scalar<'a> = "errorCode",
        error_message: Scalar<'a> = "errorMessage",
        message: Scalar<'a> = "message",
        request_id: Scalar<'a> = "requestId",
        total_size: Scalar<'a> = "totalSize",
    }
}

/// Reads a reply, and decodes the `data` in it.
fn read<'a>(
    cursor: &mut Cursor<'a>,
    wanted: &Wanted,
) -> Result<Part<(Envelope<'a>, Part<Decoded>)>, SyntaxError> {
    if cursor.peek()? != b'{' {
        let other = Part::missing(cursor)?;
        cursor.end()?;
        return Ok(other);
    }
    let (mut envelope, mut data) = (Envelope::default(), Part::Absent);
    cursor.object(|cursor, key| {
        match key.text().as_deref() {
            Some("data") => data = Decoder::new(wanted).read(cursor)?,
            Some(key) => envelope.read_member(key, cursor)?,
            None => drop(cursor.skip()?),
        }
        Ok(())
    })?;
    cursor.end()?;
    Ok(Part::Is((envelope, data)))
}

wire_object! {
    WireError<'a> {
        gateway_code: Scalar<'a> = "Code",
        code: Scalar<'a> = "code",
        error_code: Scalar<'a> = "errorCode",
        gateway_message: Scalar<'a> = "Message",
        message: Scalar<'a> = "message",
        error_message: Scalar<'a> = "errorMessage",
        gateway_request_id: Scalar<'a> = "RequestId",
        request_id: Scalar<'a> = "requestId",
        gateway_denied: Part<WireDenied<'a>> = "AccessDeniedDetail",
        denied: Part<WireDenied<'a>> = "accessDeniedDetail",
    }
}

wire_object! {
    WireDenied<'a> { action: Scalar<'a> = "AuthAction" }
}

/// What an unsuccessful reply tells.
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
    /// Reads a gateway's error in JSON, of either spelling, or in XML; anything else tells nothing.
    pub(super) fn read(body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        match parse::<Part<WireError<'_>>>(&text) {
            Ok(Part::Is(wire)) => Self::of(wire),
            _ => Self {
                code: xml_element(&text, "Code"),
                message: xml_element(&text, "Message"),
                request_id: xml_element(&text, "RequestId"),
                ..Self::default()
            },
        }
    }

    fn of(wire: WireError<'_>) -> Self {
        let denied = match (wire.gateway_denied, wire.denied) {
            (Part::Is(denied), _) | (_, Part::Is(denied)) => denied,
            _ => WireDenied::default(),
        };
        Self {
            code: first([wire.gateway_code, wire.code, wire.error_code]),
            message: first_text([wire.gateway_message, wire.message, wire.error_message]),
            request_id: first([wire.gateway_request_id, wire.request_id]),
            denied_action: first([denied.action]),
            http_code: None,
        }
    }
}

/// The first of these that says something.
fn first<const N: usize>(scalars: [Scalar<'_>; N]) -> Option<String> {
    scalars.into_iter().find_map(|scalar| scalar.text().ok().flatten()).map(Cow::into_owned)
}

/// The same for a text of any length.
fn first_text<const N: usize>(scalars: [Scalar<'_>; N]) -> Option<String> {
    let texts = scalars.into_iter().filter_map(|scalar| scalar.json_text().ok().flatten());
    texts.map(Cow::into_owned).find(|text| !text.is_empty())
}

fn xml_element(text: &str, name: &str) -> Option<String> {
    let (_, after) = text.split_once(&format!("<{name}>"))?;
    let (inner, _) = after.split_once(&format!("</{name}>"))?;
    Some(inner.to_owned())
}

/// One reply that lists deployments.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// `totalSize`, where the operation announces it.
    pub(super) total_size: Option<u64>,
    /// The cloud's id of the request.
    pub(super) request_id: Option<String>,
    /// What `data` holds.
    pub(super) decoded: Decoded,
}

impl Page {
    /// Decodes a reply under HTTP 200.
    pub(super) fn decode(body: &[u8], wanted: &Wanted) -> Result<Self, ApiError> {
        // JSON is UTF-8. Where a few bytes are not, the texts they stand in are spoilt, not the listing.
        let text = std::str::from_utf8(body).map_or_else(|_| String::from_utf8_lossy(body), Cow::Borrowed);
        // A byte order mark says nothing in UTF-8, and some proxies put one.
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let (envelope, data) = match read(&mut Cursor::new(text), wanted) {
            Ok(Part::Is(read)) => read,
            Ok(_) => return Err(ApiError::invalid(Retry::Never, "the reply is JSON, but no object")),
            Err(error) => {
                return Err(ApiError::invalid(Retry::Backoff, format!("the reply {}", error.told(text))));
            }
        };
        match envelope.success.boolean() {
            Ok(Some(true)) => Self::of(&envelope, data),
            Ok(Some(false)) => Err(ApiError::unsuccessful(told(&envelope))),
            _ => Err(ApiError::invalid(Retry::Never, "the reply does not say `success`")),
        }
    }

    fn of(envelope: &Envelope<'_>, data: Part<Decoded>) -> Result<Self, ApiError> {
        let total_size = envelope
            .total_size
            .count()
            .map_err(|_| ApiError::invalid(Retry::Never, "`totalSize` is no count"))?;
        let decoded = match data {
            Part::Is(decoded) => decoded,
            Part::Absent => Decoded::default(),
            Part::Wrong => return Err(ApiError::invalid(Retry::Never, "`data` is no list")),
        };
        Ok(Self {
            total_size,
            request_id: first([envelope.request_id]).as_deref().and_then(identifier).map(Into::into),
            decoded,
        })
    }
}

fn told(envelope: &Envelope<'_>) -> ErrorBody {
    ErrorBody {
        code: first([envelope.error_code]),
        message: first_text([envelope.error_message, envelope.message]),
        request_id: first([envelope.request_id]),
        denied_action: None,
        http_code: envelope.http_code.count().ok().flatten().and_then(|code| u16::try_from(code).ok()),
    }
}
