//! The envelope of every reply, successful or not.

use std::borrow::Cow;

use lenient_json::{Cursor, Lenient, Object as _, Scalar, lenient_object};

use super::{
    ApiError, Operation, Retry,
    decoder::{DecodeError, Decoded, Decoder},
    error::identifier,
    error_response::{ErrorBody, first, first_message},
};

// `ververica` spells the keys in camel case, `foasconsole` in Pascal case.
lenient_object! {
    struct Envelope<'a> {
        success: Scalar<'a> = "success",
        pascal_success: Scalar<'a> = "Success",
        http_code: Scalar<'a> = "httpCode",
        error_code: Scalar<'a> = "errorCode",
        pascal_code: Scalar<'a> = "Code",
        pascal_error_code: Scalar<'a> = "ErrorCode",
        error_message: Scalar<'a> = "errorMessage",
        message: Scalar<'a> = "message",
        pascal_message: Scalar<'a> = "Message",
        pascal_error_message: Scalar<'a> = "ErrorMessage",
        request_id: Scalar<'a> = "requestId",
        pascal_request_id: Scalar<'a> = "RequestId",
        total_size: Scalar<'a> = "totalSize",
        total_pages: Scalar<'a> = "TotalPage",
    }
}

/// One reply of an operation.
#[derive(Debug)]
pub(crate) struct Page<T> {
    /// `totalSize`, if the operation states it.
    pub(crate) total_size: Option<u64>,
    /// `TotalPage`, if the operation states it.
    pub(crate) total_pages: Option<u64>,
    /// The cloud's id of the request.
    pub(crate) request_id: Option<String>,
    /// The list.
    pub(crate) decoded: Decoded<T>,
}

impl<T> Page<T> {
    /// Decodes a reply with HTTP status 200 and at most `max_elements` elements.
    ///
    /// # Errors
    ///
    /// `invalid_response` if the reply is not an envelope with the list of `operation`; otherwise what the error code of
    /// an unsuccessful reply means.
    pub(crate) fn decode<O: Operation<Item = T>>(
        operation: &O,
        max_elements: usize,
        body: &[u8],
    ) -> Result<Self, ApiError> {
        // JSON is UTF-8. If a few bytes are not, only the texts that contain them are spoilt.
        let text = std::str::from_utf8(body).map_or_else(|_| String::from_utf8_lossy(body), Cow::Borrowed);
        // Some proxies add a byte order mark, which has no meaning in UTF-8.
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let (envelope, data) = match read(operation, max_elements, &mut Cursor::new(text)) {
            Ok(Lenient::Valid(read)) => read,
            Ok(_) => return Err(ApiError::invalid(Retry::Never, "the reply is JSON, but no object")),
            Err(DecodeError::Syntax(error)) => {
                return Err(ApiError::invalid(Retry::Backoff, format!("the reply {}", error.describe(text))));
            }
            Err(DecodeError::TooManyElements) => {
                let detail = format!("the reply has more than {max_elements} {}", O::ITEMS);
                return Err(ApiError::invalid(Retry::Never, detail));
            }
        };
        match envelope.success.boolean().ok().flatten().or(envelope.pascal_success.boolean().ok().flatten()) {
            Some(true) => Self::of(&envelope, O::DATA, data),
            Some(false) => Err(ApiError::unsuccessful(error_body(&envelope))),
            None => Err(ApiError::invalid(Retry::Never, "the reply has no `success`")),
        }
    }

    fn of(envelope: &Envelope<'_>, key: &str, data: Lenient<Decoded<T>>) -> Result<Self, ApiError> {
        let decoded = match data {
            Lenient::Valid(decoded) => decoded,
            Lenient::Absent => Decoded::default(),
            Lenient::Invalid => {
                return Err(ApiError::invalid(Retry::Never, format!("`{key}` is not a list")));
            }
        };
        let id = first([envelope.request_id, envelope.pascal_request_id]);
        Ok(Self {
            total_size: count(envelope.total_size, "totalSize")?.or(decoded.total),
            total_pages: count(envelope.total_pages, "TotalPage")?,
            request_id: id.as_deref().and_then(identifier).map(Into::into),
            decoded,
        })
    }
}

type Read<'a, T> = Lenient<(Envelope<'a>, Lenient<Decoded<T>>)>;

/// Reads a reply, and decodes the list in it.
fn read<'a, O: Operation>(
    operation: &O,
    max_elements: usize,
    cursor: &mut Cursor<'a>,
) -> Result<Read<'a, O::Item>, DecodeError> {
    if cursor.peek()? != b'{' {
        let other = Lenient::mismatch(cursor)?;
        cursor.expect_end()?;
        return Ok(other);
    }
    let (mut envelope, mut data) = (Envelope::default(), Lenient::Absent);
    cursor.object(|cursor, key| {
        match key.text().as_deref() {
            Some(key) if key == O::DATA => {
                data = operation.decode(Decoder::new(O::ACTION, max_elements), cursor)?;
            }
            Some(key) => envelope.read_member(key, cursor)?,
            None => drop(cursor.skip()?),
        }
        Ok::<_, DecodeError>(())
    })?;
    cursor.expect_end()?;
    Ok(Lenient::Valid((envelope, data)))
}

fn count(scalar: Scalar<'_>, key: &str) -> Result<Option<u64>, ApiError> {
    scalar.count().map_err(|_| ApiError::invalid(Retry::Never, format!("`{key}` is not a count")))
}

fn error_body(envelope: &Envelope<'_>) -> ErrorBody {
    ErrorBody {
        code: first([envelope.error_code, envelope.pascal_code, envelope.pascal_error_code]),
        message: first_message([
            envelope.error_message,
            envelope.message,
            envelope.pascal_message,
            envelope.pascal_error_message,
        ]),
        request_id: first([envelope.request_id, envelope.pascal_request_id]),
        denied_action: None,
        http_code: envelope.http_code.count().ok().flatten().and_then(|code| u16::try_from(code).ok()),
    }
}
