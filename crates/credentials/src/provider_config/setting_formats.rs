//! How single settings of a source are read and written. Errors begin with `expected` and repeat no value.

use std::time::Duration;

use jiff::{
    SignedDuration,
    fmt::friendly::{Designator, Spacing, SpanParser, SpanPrinter},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use url::Url;

/// The limits of STS.
const SESSION_DURATIONS: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(900)..=Duration::from_secs(12 * 3600);

const HEADER_TEXT: &str = "expected a text of visible ASCII characters without blanks";

/// Whether a text may be sent in a header.
pub(super) fn is_header_text(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

pub(super) fn header_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    checked(deserializer, HEADER_TEXT, |text| is_header_text(&text).then_some(text))
}

pub(super) fn session_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.@=".contains(&byte);
    let expected = "expected a name of 2 to 64 letters, digits and `-`, `_`, `.`, `@`, `=`";
    checked(deserializer, expected, |name| {
        ((2..=64).contains(&name.len()) && name.bytes().all(allowed)).then_some(name)
    })
}

pub(super) fn session_duration<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    checked(deserializer, "expected a duration from 15m to 12h", |text| {
        let is_short = text.bytes().all(|byte| byte.is_ascii_digit() || b".hms".contains(&byte));
        let duration = SpanParser::new().parse_duration(&text).ok().filter(|_| is_short)?;
        Duration::try_from(duration).ok().filter(|duration| SESSION_DURATIONS.contains(duration))
    })
}

/// The responses of STS contain secrets.
pub(super) fn sts_endpoint<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Url>, D::Error> {
    let Some(url) = endpoint(deserializer)? else { return Ok(None) };
    if url.scheme() == "https" || outbound_http::is_loopback(&url) {
        return Ok(Some(url));
    }
    Err(D::Error::custom("not encrypted, and STS answers with secrets: expected an https endpoint"))
}

pub(super) fn endpoint<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Url>, D::Error> {
    let expected = "expected an endpoint: http or https, a host, no path";
    checked(deserializer, expected, |text| {
        let plain = |url: &Url| url.path() == "/" && !text.contains(['@', '?', '#']);
        http_url(&text).filter(plain)
    })
}

/// An http or https URL.
pub(super) fn http_url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok();
    url.filter(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some())
}

fn checked<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    expected: &str,
    read: impl FnOnce(String) -> Option<T>,
) -> Result<Option<T>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    read(text).map(Some).ok_or_else(|| D::Error::custom(expected))
}

/// Writes an endpoint without the slash that `Url` adds.
#[expect(clippy::ref_option, reason = "serde passes a reference to the field")]
pub(super) fn origin<S: Serializer>(url: &Option<Url>, serializer: S) -> Result<S::Ok, S::Error> {
    url.as_ref().map(|url| url.as_str().trim_end_matches('/')).serialize(serializer)
}

/// Writes a duration with units: `1h30m`.
#[expect(clippy::ref_option, reason = "serde passes a reference to the field")]
pub(super) fn write_duration<S: Serializer>(
    duration: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let printer = SpanPrinter::new().designator(Designator::Compact).spacing(Spacing::None);
    let text = |duration: &Duration| {
        SignedDuration::try_from(*duration).map(|duration| printer.duration_to_string(&duration))
    };
    duration.as_ref().map(text).transpose().map_err(serde::ser::Error::custom)?.serialize(serializer)
}
