//! Parsing of memory sizes in the format of the API and of Flink.

/// Upper limit of sizes in bytes: larger ones are not exact as a float, and no process has them.
const LIMIT: f64 = 9_007_199_254_740_992.0;

/// Maximum length of a unit, such as `kibibytes`.
const LONGEST_UNIT: usize = 9;

/// The text is not a memory size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a memory size: expected a number and a unit, as in \"4 GiB\"")]
pub struct MemoryError;

/// Parses a size such as `4 GiB`, `1.5Gi`, `1 gb`, `1024m` or `1048576`. Returns bytes.
///
/// As in Flink's `MemorySize`, all units are powers of 1024, also `gb`. A number without a unit is in bytes.
/// <https://nightlies.apache.org/flink/flink-docs-stable/api/java/org/apache/flink/configuration/MemorySize.html> (November 2026).
///
/// # Errors
///
/// [`MemoryError`] if the text is not a size, is negative, or is too large.
pub fn parse_memory(text: &str) -> Result<u64, MemoryError> {
    let text = text.trim_ascii();
    let digits = text.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim_ascii_start();
    let mut lower = [0; LONGEST_UNIT];
    let lower = lower.get_mut(..unit.len()).ok_or(MemoryError)?;
    lower.copy_from_slice(unit.as_bytes());
    lower.make_ascii_lowercase();
    let unit: u64 = match &*lower {
        b"" | b"b" | b"byte" | b"bytes" => 1,
        b"k" | b"kb" | b"ki" | b"kib" | b"kibibyte" | b"kibibytes" => 1 << 10,
        b"m" | b"mb" | b"mi" | b"mib" | b"mebibyte" | b"mebibytes" => 1 << 20,
        b"g" | b"gb" | b"gi" | b"gib" | b"gibibyte" | b"gibibytes" => 1 << 30,
        b"t" | b"tb" | b"ti" | b"tib" | b"tebibyte" | b"tebibytes" => 1 << 40,
        _ => return Err(MemoryError),
    };
    let bytes = match number.parse::<u32>() {
        Ok(whole) => f64::from(whole) * unit as f64,
        Err(_) => (number.parse::<f64>().map_err(|_| MemoryError)? * unit as f64).round(),
    };
    if !(0.0..LIMIT).contains(&bytes) {
        return Err(MemoryError);
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within 0 and 2^53")]
    Ok(bytes as u64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_spelling_of_the_api_and_of_flink_is_read() {
        const GIB: u64 = 1 << 30;
        let cases = [
            ("4 GiB", 4 * GIB),
            ("4Gi", 4 * GIB),
            ("1g", GIB),
            ("1 gb", GIB),
            ("32 mb", 32 << 20),
            ("1024m", GIB),
            ("1024 mb", GIB),
            ("1 kb", 1024),
            ("1t", 1 << 40),
            ("2 tebibytes", 2 << 40),
            ("1024Mi", GIB),
            ("1.5Gi", 1_610_612_736),
            ("1024000", 1_024_000),
            ("0", 0),
            ("  7 bytes\n", 7),
            ("0.5 B", 1),
        ];
        for (text, bytes) in cases {
            assert_eq!(parse_memory(text), Ok(bytes), "{text:?}");
        }
    }

    #[test]
    fn invalid_sizes_are_rejected() {
        for text in [
            "", " ", "GiB", "-1g", "+1g", "NaN", "inf", "1e3", "1 g b", "4 GB/s", "1..5g", ".", "9999999t",
            "٣g",
        ] {
            assert_eq!(parse_memory(text), Err(MemoryError), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn only_text_that_begins_with_a_number_is_a_size(text in ".*") {
            let is_number = text.trim().starts_with(|first: char| first.is_ascii_digit() || first == '.');
            prop_assert!(parse_memory(&text).is_err() || is_number);
        }

        #[test]
        fn a_whole_number_of_a_unit_is_exact(number in 0_u64..4096, shift in 0_usize..5) {
            let unit = ["b", "kb", "MiB", "gi", "T"][shift];
            prop_assert_eq!(parse_memory(&format!("{number} {unit}")), Ok(number << (10 * shift)));
        }
    }
}
