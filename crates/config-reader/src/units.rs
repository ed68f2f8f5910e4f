//! Durations and sizes as they are written: `1h30m`, `64MiB`.

use std::fmt::Write as _;
use std::time::Duration;

/// What a duration looks like, for messages.
pub(crate) const DURATION: &str = "a duration such as 500ms, 30s, 5m or 1h30m";

/// What a size looks like, for messages.
pub(crate) const SIZE: &str = "a size such as 512KiB, 64MiB or 1GiB";

const NANOSECONDS_A_MILLISECOND: u128 = 1_000_000;

/// From the largest to the smallest, which is the order in which they are written.
const DURATION_UNITS: [(&str, u128); 6] = [
    ("w", 604_800_000 * NANOSECONDS_A_MILLISECOND),
    ("d", 86_400_000 * NANOSECONDS_A_MILLISECOND),
    ("h", 3_600_000 * NANOSECONDS_A_MILLISECOND),
    ("m", 60_000 * NANOSECONDS_A_MILLISECOND),
    ("s", 1_000 * NANOSECONDS_A_MILLISECOND),
    ("ms", NANOSECONDS_A_MILLISECOND),
];

const BINARY_UNITS: [(&str, u128); 4] =
    [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];

const OTHER_SIZE_UNITS: [(&str, u128); 6] =
    [("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000), ("B", 1), ("", 1)];

/// Reads `30s`, `1.5s`, `1h30m`: numbers with units, the larger unit first, each at most once.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut units = DURATION_UNITS.iter();
    let mut nanoseconds: u128 = 0;
    loop {
        let (number, tail) = split_number(rest);
        let (unit, next) = tail.split_at(tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len()));
        let (_, scale) = units.find(|(name, _)| *name == unit)?;
        nanoseconds = nanoseconds.checked_add(scaled(number, *scale)?)?;
        if next.is_empty() {
            return from_nanoseconds(nanoseconds);
        }
        rest = next;
    }
}

/// Writes a duration so that [`parse_duration`] reads the same one.
pub fn format_duration(duration: Duration) -> String {
    let mut rest = duration.as_nanos();
    let mut text = String::new();
    // A week is seldom meant by 7d, so days are the largest unit written.
    for (unit, scale) in &DURATION_UNITS[1..] {
        let count = rest / scale;
        rest %= scale;
        if *unit == "ms" && rest > 0 {
            let fraction = format!("{rest:06}");
            let _ = write!(text, "{count}.{}ms", fraction.trim_end_matches('0'));
        } else if count > 0 {
            let _ = write!(text, "{count}{unit}");
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

/// Reads `64MiB`, `10MB`, `1.5 GiB` or a bare number of bytes; units in any case.
pub(crate) fn parse_size(text: &str) -> Option<u64> {
    let (number, unit) = split_number(text.trim());
    let unit = unit.trim_start();
    let (_, scale) =
        BINARY_UNITS.iter().chain(&OTHER_SIZE_UNITS).find(|(name, _)| name.eq_ignore_ascii_case(unit))?;
    scaled(number, *scale)?.try_into().ok()
}

/// Writes a size so that [`parse_size`] reads the same one.
pub(crate) fn format_size(bytes: u64) -> String {
    let bytes = u128::from(bytes);
    BINARY_UNITS
        .iter()
        .find(|(_, scale)| bytes > 0 && bytes % scale == 0)
        .map_or_else(|| format!("{bytes}B"), |(unit, scale)| format!("{}{unit}", bytes / scale))
}

fn split_number(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len()))
}

/// A decimal number times `scale`, in whole numbers so that no digit is lost to a float.
fn scaled(number: &str, scale: u128) -> Option<u128> {
    const MOST_FRACTION_DIGITS: usize = 9;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if fraction.is_empty() || fraction.len() > MOST_FRACTION_DIGITS {
        return None;
    }
    let denominator = 10_u128.checked_pow(fraction.len().try_into().ok()?)?;
    let part = fraction.parse::<u128>().ok()?.checked_mul(scale)? / denominator;
    whole.parse::<u128>().ok()?.checked_mul(scale)?.checked_add(part)
}

fn from_nanoseconds(nanoseconds: u128) -> Option<Duration> {
    const NANOSECONDS_A_SECOND: u128 = 1_000_000_000;
    let seconds = u64::try_from(nanoseconds / NANOSECONDS_A_SECOND).ok()?;
    let rest = u32::try_from(nanoseconds % NANOSECONDS_A_SECOND).ok()?;
    Some(Duration::new(seconds, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_read_as_written() {
        for (text, milliseconds) in [
            ("500ms", 500),
            ("30s", 30_000),
            ("5m", 300_000),
            ("1h30m", 5_400_000),
            ("1d", 86_400_000),
            ("2w", 1_209_600_000),
            ("1.5s", 1_500),
            ("1.5h", 5_400_000),
            (" 1m30s ", 90_000),
            ("0s", 0),
        ] {
            assert_eq!(parse_duration(text), Some(Duration::from_millis(milliseconds)), "{text}");
        }
    }

    #[test]
    fn invalid_durations_are_rejected() {
        for text in [
            "",
            "s",
            "30",
            "30 s",
            "-1s",
            "1m1h",
            "1s1s",
            "30sec",
            "1.s",
            ".5s",
            "1..5s",
            "1,5s",
            "1e3s",
            "5M",
            "1s5",
            "99999999999999999999999999d",
        ] {
            assert_eq!(parse_duration(text), None, "{text:?}");
        }
    }

    #[test]
    fn sizes_read_as_written() {
        for (text, bytes) in [
            ("0", 0),
            ("1024", 1024),
            ("17B", 17),
            ("512KiB", 512 << 10),
            ("64MiB", 64 << 20),
            ("64 mib", 64 << 20),
            ("1.5GiB", 3 << 29),
            ("1TiB", 1 << 40),
            ("3kB", 3_000),
            ("10MB", 10_000_000),
            ("1GB", 1_000_000_000),
        ] {
            assert_eq!(parse_size(text), Some(bytes), "{text}");
        }
        for text in ["", "MiB", "-1", "1M", "1 Mi B", "1.MiB", "1e6", "64Mibit", "99999999TiB"] {
            assert_eq!(parse_size(text), None, "{text:?}");
        }
    }

    #[test]
    fn durations_and_sizes_are_written_short() {
        for (seconds, text) in
            [(0, "0s"), (50, "50s"), (60, "1m"), (300, "5m"), (5400, "1h30m"), (604_800, "7d")]
        {
            assert_eq!(format_duration(Duration::from_secs(seconds)), text);
        }
        for (bytes, text) in
            [(0, "0B"), (1000, "1000B"), (1536, "1536B"), (64 << 20, "64MiB"), (1 << 30, "1GiB")]
        {
            assert_eq!(format_size(bytes), text);
        }
    }

    proptest! {
        #[test]
        fn a_written_duration_reads_the_same(seconds in 0..u64::MAX / 2, nanoseconds in 0..1_000_000_000_u32) {
            let duration = Duration::new(seconds, nanoseconds);
            prop_assert_eq!(parse_duration(&format_duration(duration)), Some(duration));
        }

        #[test]
        fn a_written_size_reads_the_same(bytes: u64) {
            prop_assert_eq!(parse_size(&format_size(bytes)), Some(bytes));
        }

        #[test]
        fn every_parsed_value_survives_a_round_trip(text in r"[0-9a-zA-Z. ]{0,8}|\PC*") {
            if let Some(duration) = parse_duration(&text) {
                prop_assert_eq!(parse_duration(&format_duration(duration)), Some(duration));
            }
            if let Some(size) = parse_size(&text) {
                prop_assert_eq!(parse_size(&format_size(size)), Some(size));
            }
        }
    }
}
