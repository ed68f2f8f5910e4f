//! Numbers whose form readers of YAML or TOML change: `0x1f`, `+12`, `0123`, `1_000`. In an id or a label they are rejected.

/// Whether readers of YAML or TOML may take a plain `text` for a whole number that is written differently: with a
/// radix, a sign `+`, leading zeros or `_`.
pub(crate) fn is_unstable_number(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (radix, digits) = match digits.get(..2).map(str::to_ascii_lowercase).as_deref() {
        Some("0x") => (16, &digits[2..]),
        Some("0o") => (8, &digits[2..]),
        Some("0b") => (2, &digits[2..]),
        _ => (10, digits),
    };
    let is_number = digits.chars().all(|c| c.is_digit(radix) || c == '_') && digits.contains(|c| c != '_');
    let is_stable = radix == 10
        && !text.starts_with('+')
        && !digits.contains('_')
        && (digits == "0" || !digits.starts_with('0'));
    is_number && !is_stable && !digits.starts_with('_')
}
