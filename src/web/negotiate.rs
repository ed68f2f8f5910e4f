//! Which format and encoding a client wants.

use hyper::{
    HeaderMap,
    header::{ACCEPT, ACCEPT_ENCODING, HeaderName},
};

use crate::exposition::{Encoding, Format};

/// The format for `Accept`: the text format unless OpenMetrics is preferred; never none at all.
pub(super) fn format(headers: &HeaderMap) -> Format {
    let ranges = list(headers, &ACCEPT);
    let text = best(&ranges, |range| match range.name.as_str() {
        "text/plain" => matches!(range.parameter("version"), None | Some("0.0.4")).then_some(3),
        "text/*" => Some(2),
        "*/*" => Some(1),
        _ => None,
    });
    let openmetrics = best(&ranges, |range| match range.name.as_str() {
        "application/openmetrics-text" => {
            matches!(range.parameter("version"), None | Some("1.0.0")).then_some(3)
        }
        "application/*" => Some(2),
        "*/*" => Some(1),
        _ => None,
    });
    let preferred = match (text, openmetrics) {
        (_, None) => false,
        (None, Some(openmetrics)) => openmetrics.quality > 0,
        // Among equals the first one, and the text format if one wildcard matches both.
        (Some(text), Some(openmetrics)) => {
            openmetrics.quality > text.quality
                || openmetrics.quality == text.quality
                    && openmetrics.quality > 0
                    && openmetrics.position < text.position
        }
    };
    if preferred { Format::OpenMetrics } else { Format::Text }
}

/// The encoding for `Accept-Encoding`: gzip for who takes it, zstd for who takes only that or prefers it,
/// nothing compressed unasked.
pub(super) fn encoding(headers: &HeaderMap) -> Encoding {
    let codings = list(headers, &ACCEPT_ENCODING);
    let quality = |names: &'static [&'static str]| {
        let named = best(&codings, |range| names.contains(&range.name.as_str()).then_some(2));
        named.map(|found| found.quality)
    };
    let any = quality(&["*"]).unwrap_or(0);
    let identity = quality(&["identity"]);
    let gzip = quality(&["gzip", "x-gzip"]).unwrap_or(if identity == Some(0) { any } else { 0 });
    let zstd = quality(&["zstd"]).unwrap_or(0);
    if gzip.max(zstd) == 0 || gzip.max(zstd) < identity.unwrap_or(0) {
        Encoding::Identity
    } else if zstd > gzip {
        Encoding::Zstd
    } else {
        Encoding::Gzip
    }
}

/// An element of a header's list, in lower case.
struct Range {
    name: String,
    parameters: Vec<(String, String)>,
    /// Thousandths.
    quality: u16,
}

impl Range {
    fn new(text: &str) -> Self {
        let text = text.to_ascii_lowercase();
        let mut parts = text.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_owned();
        let parameter = |part: &str| {
            let (name, value) = part.split_once('=')?;
            Some((name.trim().to_owned(), value.trim().trim_matches('"').to_owned()))
        };
        let parameters: Vec<_> = parts.filter_map(parameter).collect();
        let quality = parameters.iter().find(|(name, _)| name == "q").map_or(1000, |(_, q)| thousandths(q));
        Self { name, parameters, quality }
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// A quality in thousandths; an invalid one counts as none.
fn thousandths(quality: &str) -> u16 {
    match quality.parse::<f64>() {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped before")]
        Ok(quality) if quality.is_finite() => (quality.clamp(0.0, 1.0) * 1000.0) as u16,
        _ => 1000,
    }
}

fn list(headers: &HeaderMap, name: &HeaderName) -> Vec<Range> {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(Range::new).collect()
}

/// How well something suits.
struct Found {
    specificity: u8,
    quality: u16,
    position: usize,
}

/// The most specific of the ranges that `matches` gives a specificity, and of equally specific ones the best.
fn best(ranges: &[Range], matches: impl Fn(&Range) -> Option<u8>) -> Option<Found> {
    let found = ranges.iter().enumerate().filter_map(|(position, range)| {
        Some(Found { specificity: matches(range)?, quality: range.quality, position })
    });
    // Of full equals max_by_key takes the last; the reversed position makes it the first.
    found.max_by_key(|found| (found.specificity, found.quality, std::cmp::Reverse(found.position)))
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn the_negotiated_format_suits_scrapers_and_browsers() {
        let (text, openmetrics) = (Format::Text, Format::OpenMetrics);
        for (accept, expected) in [
            // Prometheus 2.42, 3.5 with UTF-8 names and without, and with native histograms.
            (
                "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
                 text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                openmetrics,
            ),
            (
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
                 application/openmetrics-text;version=0.0.1;q=0.5,\
                 text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
                openmetrics,
            ),
            (
                "application/openmetrics-text;version=1.0.0;escaping=underscores;q=0.6,\
                 text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
                openmetrics,
            ),
            (
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,\
                 application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
                 text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
                openmetrics,
            ),
            ("text/plain;version=0.0.4;q=1,application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1", text),
            // VictoriaMetrics.
            ("text/plain;version=0.0.4;q=1,*/*;q=0.1", text),
            ("*/*", text),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8", text),
            ("application/json", text),
            ("application/openmetrics-text; version=0.0.1", text),
            ("application/openmetrics-text; version=2.0.0", text),
            ("application/openmetrics-text", openmetrics),
            ("Application/OpenMetrics-Text; Version=\"1.0.0\"", openmetrics),
            ("application/openmetrics-text, text/plain", openmetrics),
            ("text/plain, application/openmetrics-text", text),
            ("text/plain;q=0, */*", openmetrics),
            ("application/openmetrics-text;q=0", text),
            ("application/openmetrics-text;q=0, text/plain;q=0, */*;q=0", text),
            ("application/openmetrics-text;q=nonsense", openmetrics),
            ("", text),
            (";;,,=;q", text),
        ] {
            assert_eq!(format(&headers(ACCEPT, accept)), expected, "{accept}");
        }
        assert_eq!(format(&HeaderMap::new()), text);
    }

    #[test]
    fn nothing_is_compressed_unasked_and_zstd_is_for_who_prefers_it() {
        for (accept, expected) in [
            ("gzip", Encoding::Gzip),
            ("x-gzip", Encoding::Gzip),
            ("gzip, deflate, br, zstd", Encoding::Gzip),
            ("zstd, gzip", Encoding::Gzip),
            ("zstd", Encoding::Zstd),
            ("zstd, identity;q=0.5", Encoding::Zstd),
            ("zstd;q=1, gzip;q=0.5", Encoding::Zstd),
            ("gzip;q=0, zstd;q=0.1", Encoding::Zstd),
            ("identity", Encoding::Identity),
            ("gzip;q=0.5, identity", Encoding::Identity),
            ("gzip;q=0", Encoding::Identity),
            ("GZIP;Q=1.0", Encoding::Gzip),
            ("br", Encoding::Identity),
            ("*", Encoding::Identity),
            ("identity;q=0, *", Encoding::Gzip),
            ("", Encoding::Identity),
        ] {
            assert_eq!(encoding(&headers(ACCEPT_ENCODING, accept)), expected, "{accept}");
        }
        assert_eq!(encoding(&HeaderMap::new()), Encoding::Identity);
        let mut two = headers(ACCEPT_ENCODING, "br");
        two.append(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        assert_eq!(encoding(&two), Encoding::Gzip, "a header may come in two lines");
    }
}
