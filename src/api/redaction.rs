//! Removal of secrets that a service echoes in its messages.

/// Removes `secret` from `text`, from its first characters to the next blank, quote or comma, because it may be cut off. The
/// percent-encoded form is removed too.
pub(super) fn redact(text: &mut String, secret: &str) {
    /// Characters that identify a secret, and are of little use without the rest.
    const PREFIX_LENGTH: usize = 8;
    const REDACTED: &str = "<redacted>";
    for form in [secret.to_owned(), acs3::encode(secret)] {
        let prefix = form.get(..PREFIX_LENGTH).unwrap_or(&form);
        let mut from = 0;
        while let Some(start) = text[from..].find(prefix).map(|at| from + at) {
            let ends = |c: char| c.is_whitespace() || "\"',<>[](){}".contains(c);
            let rest = start + prefix.len();
            let end = text[rest..].find(ends).map_or(text.len(), |length| rest + length);
            text.replace_range(start..end, REDACTED);
            from = start + REDACTED.len();
        }
    }
}

/// Whether a message repeats the signed request, which contains the security token.
pub(super) fn echoes_request(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    ["string to sign", "canonicalrequest", "canonical request", "x-acs-security-token", "signature="]
        .iter()
        .any(|sign| message.contains(sign))
}
